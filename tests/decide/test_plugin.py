"""A kind of data that no rule speaks of, from a package of somebody else: it is planned, and fitted as planned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deepworth.types import Column, Goals
from tests.decide.made import TEXTS, plan, situation
from tests.decide.made import make_plan as planned

STAMPS = replace(TEXTS, modality="stamps", texts=0)
PACKAGE = '''
import json
from deepworth.registry import ModalitySpec, ModelSpec
from deepworth.types import Estimate, Range, Workload

def sniff(columns, table):
    return len(columns) == 1 and all(str(value).startswith("#") for value in table.column(0).slice(0, 20).to_pylist())

def workload(dataset, splits):
    return Workload(modality="stamps", task=dataset.task.kind, classes=len(dataset.task.classes), train=splits.train,
                    valid=splits.valid, test=splits.test)

def toy(folder, rows, seed, task_kind):
    raise NotImplementedError

def cost(work, machine, params):
    return Estimate(seconds=Range.around(0.5), peak_gb=Range.around(0.1), basis="made up for a test")

class Length:
    """The share of each class among stamps as long."""
    def __init__(self, task, columns, params): self.task, self.columns, self.shares = task, columns, {}
    def fit(self, train, valid, context):
        for text, label in zip(train.strings(self.columns[0].name), train.labels):
            self.shares.setdefault(str(len(text)), [1] * len(self.task.classes))[int(label)] += 1
    def predict(self, examples):
        import numpy as np
        even = [1] * len(self.task.classes)
        rows = [self.shares.get(str(len(text)), even) for text in examples.strings(self.columns[0].name)]
        found = np.array(rows, dtype=float)
        return found / found.sum(axis=1, keepdims=True)
    def save(self, folder):
        told = {"shares": self.shares, "column": self.columns[0].name, "classes": len(self.task.classes)}
        (folder / "length.json").write_text(json.dumps(told))
    @classmethod
    def load(cls, folder):
        from types import SimpleNamespace
        told = json.loads((folder / "length.json").read_text())
        made = cls(SimpleNamespace(classes=range(told["classes"])), [SimpleNamespace(name=told["column"])], {})
        made.shares = told["shares"]
        return made

def of(name, rung, learner):
    return ModelSpec(name=name, summary="for a test", rung=rung, modalities=("stamps",), learner=learner,
                     cost=f"{__name__}:cost")

SPECS = [
    ModalitySpec(name="stamps", summary="stamps", reads=("text", "category", "id"), sniff=f"{__name__}:sniff",
                 workload=f"{__name__}:workload", toy=f"{__name__}:toy", order=1),
]
MODELS = [
    of("stamp-prior", "floor", "deepworth.models.floor._prior:Prior"),
    of("stamp-length", "classical", f"{__name__}:Length"),
    of("stamp-net", "custom", f"{__name__}:Length"),
]
'''


@pytest.mark.parametrize("goals", [Goals(), Goals(weeks=1, seconds=28_800), Goals(weeks=8), Goals(hardware="T4")])
def test_four_answers_and_a_paragraph_where_no_rule_speaks_of_the_kind(goals: Goals) -> None:
    made = plan(STAMPS, goals)
    assert [answer.question for answer in made.answers] == ["data", "amount", "hardware", "iterations"]
    assert made.answers[0].answer == "unsure"
    assert "data of the kind stamps, 6,920 examples to learn from" in made.justification
    assert made.justification.startswith("Nothing can be tried: no model reads such data")
    assert "Trees" not in made.justification, "nobody knows whether they can read it"
    assert not made.evidence


def test_models_of_a_plugin_may_read_what_built_in_ones_do_not() -> None:
    made = situation(STAMPS)
    dataset = replace(made.dataset, columns=(Column(name="smiles", kind="text"),), features=("smiles",))
    told = planned(dataset, made.splits, made.profile, STAMPS, made.here, made.goals)
    assert "cannot do this properly" not in told.justification
    assert "molecules" in told.justification, "what was published of molecules holds all the same"


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    (tmp_path / "stamps.py").write_text(PACKAGE)
    (tmp_path / "stampmodels.py").write_text("from stamps import MODELS as SPECS\n")
    information = tmp_path / "stamps-0.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: stamps\nVersion: 0.1\n")
    groups = "[deepworth.modalities]\nstamps = stamps\n[deepworth.models]\nstamps = stampmodels\n"
    (information / "entry_points.txt").write_text(groups)
    rows = [f"#{'ab'[i % 2] * (3 + i % 2)}{i:04d},{'long' if i % 2 else 'short'}" for i in range(400)]
    (tmp_path / "stamps.csv").write_text("\n".join(["stamp,size", *rows]) + "\n")
    return tmp_path


def deepworth(folder: Path, *words: str) -> str:
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    places = {"PYTHONPATH": path, "DEEPWORTH_CACHE": str(folder / "cache"), "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", "deepworth", *words],
        env=os.environ | places, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_package_of_others_is_planned(stamps: Path) -> None:
    document = json.loads(deepworth(stamps, "plan", "stamps.csv", "--target", "size", "--json"))
    runs = [candidate["model"] for candidate in document["candidates"] if candidate["decision"] == "run"]
    assert runs == ["stamp-prior", "stamp-length", "stamp-net"]
    assert "data of the kind stamps" in document["justification"]
    read = deepworth(stamps, "plan", "stamps.csv", "--target", "size", "--weeks", "1")
    assert "stamp-length" in read and "data of the kind stamps" in " ".join(read.split())


@pytest.mark.slow  # the whole of its limit: what is left after the trials goes into repeats
def test_what_was_planned_is_fitted(stamps: Path) -> None:
    verdict = json.loads(deepworth(stamps, "fit", "stamps.csv", "--target", "size", "--time", "40s", "--json"))
    tried = {trial["model"]: trial["status"] for trial in verdict["trials"]}
    assert tried["stamp-length"] == tried["stamp-prior"] == "done", verdict["trials"]
