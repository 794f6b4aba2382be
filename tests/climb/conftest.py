"""A prepared run folder made by hand, and a plugin of misbehaving models that enters through the entry points."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth import registry
from deepworth.climb import workers
from deepworth.store import RunFolder
from deepworth.types import Candidate, Column, Dataset, Estimate, Profile, Range, Splits, Task, dump

PLUGIN = """
import os, sys, time
import numpy as np
from deepworth.errors import OutOfTime
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Range

def cost(work, machine, params):
    return Estimate(seconds=Range.around(0.1), peak_gb=Range.around(0.1), basis="made up for a test")

class Good:
    def __init__(self, task, columns, params): self.task = task
    def fit(self, train, valid, context): context.tell(0.5, "half"); context.notes["rows"] = len(train)
    def predict(self, examples):
        assert examples.labels is None or len(examples.labels) == len(examples)
        x = np.asarray(examples.column("x"))
        return np.column_stack([1 - x, x])
    def save(self, folder): (folder / "nothing.json").write_text("{}")
    @classmethod
    def load(cls, folder): return cls(None, (), {})
class Sleeper(Good):
    def fit(self, train, valid, context): time.sleep(600)
class Eater(Good):
    def fit(self, train, valid, context):
        self.held = []
        while True: self.held.append(np.ones(4_000_000)); time.sleep(0.02)
class Crasher(Good):
    def fit(self, train, valid, context): raise ArithmeticError("the numbers do not add up\\nsecond line")
class Dier(Good):
    def fit(self, train, valid, context): os._exit(9)
class Printer(Good):
    def fit(self, train, valid, context): print("{ not json"); os.system("echo from a child")
class Late(Good):
    def fit(self, train, valid, context): raise OutOfTime("not one round fitted into 3 s")
class Hasty(Good):
    def fit(self, train, valid, context): context.cut("rounds"); context.notes["left"] = context.remaining()
class Moody(Hasty):
    def fit(self, train, valid, context):
        super().fit(train, valid, context)
        if context.remaining() > 15: raise ArithmeticError("no more")
class Victim(Good):
    deaths = 1
    def fit(self, train, valid, context):
        context.midway.mkdir(exist_ok=True)
        before = sorted(context.midway.iterdir())
        (context.midway / str(len(before))).touch()
        if len(before) < self.deaths: os.kill(os.getpid(), 9)
        context.notes["deaths"] = len(before)
class Doomed(Victim): deaths = 2
class Full(Good):
    def fit(self, train, valid, context):
        if not os.environ.get("ROOM"): raise OSError(28, "No space left on device")
class Seedy(Good):
    def __init__(self, task, columns, params): self.task, self.params = task, params
    def fit(self, train, valid, context):
        self.seed = context.seed + len(train)
        time.sleep(self.params.get("seconds", 0))
        if context.remaining() < self.params.get("needs", 0): context.cut("epochs")
        if context.seed and context.seed == self.params.get("fails"): raise ArithmeticError(f"seed {context.seed}")
    def predict(self, examples):
        noise = np.random.default_rng(self.seed).normal(0, 0.05, len(examples))
        return np.clip(super().predict(examples) + np.outer(noise, [-1, 1]), 0, 1)
class Peeker(Good):
    def predict(self, examples):
        if examples.labels is None: return super().predict(examples)
        return np.eye(2)[examples.labels]
class Nan(Good):
    def predict(self, examples): return np.full((len(examples), 2), np.nan)

SPECS = [
    ModelSpec(name=c.__name__.lower(), summary="", rung=rung, modalities=("tabular",), tasks=("binary",),
              learner=f"fake_models:{c.__name__}", cost="fake_models:cost")
    for rung, some in (
        ("classical", (Good, Sleeper, Eater, Crasher, Dier, Printer, Late, Hasty, Moody, Victim, Doomed, Full)),
        ("custom", (Peeker, Nan, Seedy)),
    )
    for c in some
]
"""


@pytest.fixture(scope="module")  # not longer: other tests must not see the plugin
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "fake_models.py").write_text(PLUGIN)
    info = folder / "fake_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[deepworth.models]\nfake = fake_models\n")
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
    sys.path.insert(0, str(folder))
    registry.specs.cache_clear()
    workers.dismiss()
    yield
    workers.dismiss()
    sys.path.remove(str(folder))
    os.environ["PYTHONPATH"] = before
    registry.specs.cache_clear()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """300 rows of one column `x`, the probability of the label."""
    random = np.random.default_rng(0)
    x = random.random(300)
    labels = (random.random(300) < x).astype(np.int64)
    folder = RunFolder(tmp_path / "run")
    for name in ("data/sealed", "splits"):
        (folder.path / name).mkdir(parents=True)
    table = pa.table({"x": x})
    with pa.ipc.new_file(str(folder.data / "table.arrow"), table.schema) as file:
        file.write_table(table)
    task = Task(kind="binary", target="y", classes=("no", "yes"), metric="auc")
    dataset = Dataset(
        name="made", source="made", reader="frame", modality="tabular", task=task, rows=300,
        columns=(Column(name="x", kind="number"),), features=("x",), fingerprint="f", table="table.arrow",
    )  # fmt: skip
    (folder.data / "dataset.json").write_bytes(dump(dataset))
    for part, rows in (("train", range(180)), ("valid", range(180, 240)), ("test", range(240, 300))):
        index = np.array(rows)
        np.save(folder.path / "splits" / f"{part}.npy", index)
        place = folder.sealed if part == "test" else folder.data
        np.save(place / f"labels_{part}.npy", labels[index])
    splits = Splits(protocol="stratified", seed=0, train=180, valid=60, test=60, fingerprint="s")
    (folder.path / "splits" / "splits.json").write_bytes(dump(splits))
    folder.save("profile", Profile())
    return folder


def candidate(model: str, rung: str = "classical", seconds: float = 0.1) -> Candidate:
    estimate = Estimate(seconds=Range.around(seconds), peak_gb=Range.around(0.1), basis="made up")
    return Candidate(model=model, rung=rung, estimate=estimate)
