"""A model folder holds data: nothing in it runs, damage is found, and a core without the deep extras can read it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepworth.climb.model import Model
from deepworth.climb.trial import save_model
from deepworth.errors import UserError
from deepworth.models.learner import Context
from deepworth.registry import ModelSpec, build, missing, specs
from deepworth.types import Trial
from tests.contract.conftest import Toy, toys

__all__ = ["toys"]  # a fixture

Toys = Callable[[str, str], Toy]
QUICK = ("prior", "linear", "lightgbm", "xgboost", "mlp", "tfidf-linear", "hog-linear", "mfcc-hmm")  # others are slow


def _models() -> list[Any]:
    """Each model once."""
    return [
        pytest.param(s, id=s.name, marks=[] if s.name in QUICK else [pytest.mark.slow])
        for s in specs("models").values()
    ]


def saved(spec: ModelSpec, toys: Toys, folder: Path) -> Path:
    """The folder of a model of this kind, as a trial leaves it."""
    if lacking := missing(spec):
        pytest.skip(f"{spec.name} needs {', '.join(lacking)}")
    toy = toys(spec.modalities[0], "binary")
    task, columns = toy.train.dataset.task, toy.train.dataset.feature_columns
    learner = build(spec)(task, columns, {})
    (folder / "trial").mkdir()
    context = Context(folder=folder / "trial", cache=folder / "cache", deadline=time.monotonic() + 120)
    learner.fit(toy.train, toy.valid, context)
    trial = Trial(model=spec.name, rung=spec.rung, data="d", splits="s", task=task)
    save_model(learner, toy.train, trial, folder / "trial" / "model", context.notes)
    return folder / "trial" / "model"


@pytest.mark.parametrize("spec", _models())
def test_nothing_in_a_model_folder_runs(spec: ModelSpec, toys: Toys, tmp_path: Path) -> None:
    model, work = saved(spec, toys, tmp_path), tmp_path / "work"
    work.mkdir()
    script = Path(__file__).with_name("attack.py")
    done = subprocess.run([sys.executable, str(script), str(model), str(work)], capture_output=True)
    assert not done.returncode, done.stderr[-2000:]
    ends = json.loads(done.stdout.splitlines()[-1])
    assert not (work / "ran").exists(), ends
    assert ends.pop("as saved") == "loaded"
    for what, end in ends.items():
        if what.startswith("another file"):
            assert (
                end == "loaded" if what.endswith("signed") else end.startswith("UserError") and "does not belong" in end
            )
        elif what.startswith("model.json"):
            assert end.startswith("UserError") or "odd keys" in what, (what, end)
        elif what.endswith("signed"):  # the payload itself was read, and the process lives
            assert end == "loaded" or (end.startswith("UserError") and "checksum" not in end), (what, end)
        else:  # what stands there now has another checksum, and the file is named
            assert end.startswith("UserError") and what.split()[0] in end and "checksum" in end, (what, end)


def test_a_file_that_is_gone_is_named(toys: Toys, tmp_path: Path) -> None:
    model = saved(specs("models")["linear"], toys, tmp_path)
    (model / "linear.npz").unlink()
    with pytest.raises(UserError, match=r"linear\.npz is not there"):
        _ = Model(model).learner
    (model / "model.json").write_text("{}")
    with pytest.raises(UserError, match=r"model\.json is damaged"):
        Model(model)
