"""The learners mlp and tabm: they learn, keep within their limits, and are the same after a save."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.models.custom._tabular import PerceptronLearner, TabMLearner
from deepworth.models.custom.tabular import SPECS, batch_size
from deepworth.models.learner import Context
from deepworth.registry import resolve
from deepworth.types import Column, Dataset, Machine, Task, Workload

ROWS = 700
SMALL = {
    PerceptronLearner: {"width": 32, "depth": 2, "epochs": 25, "lr": 5e-3},
    TabMLearner: {"width": 32, "members": 4, "epochs": 25, "lr": 5e-3},
}
both = pytest.mark.parametrize("learner", list(SMALL), ids=lambda cls: cls.__name__)


def examples(kind: str, classes: int = 2) -> tuple[Examples, Examples, Examples]:
    rng = np.random.default_rng(0)
    size, noise = rng.normal(size=(2, ROWS))
    colour = rng.integers(0, 12, ROWS)
    signal = np.abs(size) + np.where(colour % 3 == 0, 1.0, 0.0)
    table = pa.table(
        {
            "size": pa.array(size, mask=rng.random(ROWS) < 0.05),
            "noise": noise,
            "colour": pa.array([f"c{i}" for i in colour], mask=rng.random(ROWS) < 0.05),
            "flag": rng.random(ROWS) < 0.5,
        }
    )
    kinds = {"size": "number", "noise": "number", "colour": "category", "flag": "boolean"}
    if kind == "regression":
        task, labels = Task(kind="regression", target="y", metric="rmse"), 1000.0 + 50 * signal
    else:
        cuts = np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])
        labels = np.searchsorted(cuts, signal)
        task = Task(kind=kind, target="y", classes=tuple(f"k{i}" for i in range(classes)), metric="accuracy")
    columns = tuple(Column(name=name, kind=kind) for name, kind in kinds.items())
    dataset = Dataset(
        name="made", source="made", reader="made", modality="tabular", task=task, rows=ROWS, columns=columns,
        features=tuple(kinds), fingerprint="made", table="",
    )  # fmt: skip
    parts = np.split(np.arange(ROWS), [500, 600])
    return tuple(Examples(dataset=dataset, table=table, rows=rows, labels=labels[rows]) for rows in parts)


def fitted(learner, parts, folder: Path, seconds: float = 300.0, seed: int = 0, **params):
    folder.mkdir(exist_ok=True)
    train, valid, test = parts
    context = Context(
        folder=folder,
        cache=folder,
        seed=seed,
        deadline=time.monotonic() + seconds,
        predict_rows=len(test),
        metric=train.dataset.task.metric,
    )
    made = learner(train.dataset.task, train.dataset.feature_columns, {**SMALL[learner], **params})
    made.fit(train, valid, context)
    return made, context


@both
@pytest.mark.parametrize(("kind", "classes"), [("binary", 2), ("multiclass", 3), ("regression", 0)])
def test_it_learns_and_saves(learner, kind, classes, tmp_path):
    parts = examples(kind, classes)
    made, context = fitted(learner, parts, tmp_path / "trial")
    test = parts[2]
    predictions = made.predict(test)
    assert predictions.dtype == np.float64 and np.isfinite(predictions).all()
    if kind == "regression":
        assert predictions.shape == (len(test),)
        assert np.mean((predictions - test.labels) ** 2) < 0.5 * np.var(test.labels)
    else:
        assert predictions.shape == (len(test), classes)
        assert np.allclose(predictions.sum(axis=1), 1.0)
        assert np.mean(predictions.argmax(axis=1) == test.labels) > 1 / classes + 0.15
    (tmp_path / "model").mkdir()
    made.save(tmp_path / "model")
    assert not list((tmp_path / "model").glob("*.pkl"))
    assert np.array_equal(learner.load(tmp_path / "model").predict(test), predictions)
    assert context.notes["epochs"] > 1 and (context.folder / "log.jsonl").exists()
    assert (context.midway / "training.json").exists()  # it goes with the end of the trial


@both
def test_the_same_seed_gives_the_same_model(learner, tmp_path):
    parts = examples("regression")
    first, second, other = (
        fitted(learner, parts, tmp_path / str(i), seed=seed, epochs=3)[0].predict(parts[2])
        for i, seed in enumerate((1, 1, 2))
    )
    assert np.array_equal(first, second) and not np.array_equal(first, other)


@both
def test_a_class_without_training_rows(learner, tmp_path):
    train, valid, test = examples("multiclass", 3)
    train = train.take(np.flatnonzero(train.labels != 2))
    made, _ = fitted(learner, (train, valid, test), tmp_path, epochs=3)
    assert made.predict(test).shape == (len(test), 3)


def test_validation_rows_of_one_class(tmp_path):
    train, valid, test = examples("binary")
    valid = valid.take(np.flatnonzero(valid.labels == 0)[:5])
    task = train.dataset.task
    made = PerceptronLearner(task, train.dataset.feature_columns, {**SMALL[PerceptronLearner], "epochs": 2})
    made.fit(train, valid, Context(folder=tmp_path, cache=tmp_path, metric="auc"))
    assert np.isfinite(made.predict(test)).all()


@both
def test_the_deadline_is_kept(learner, tmp_path):
    parts = examples("binary")
    fitted(learner, parts, tmp_path / "first", epochs=1)  # what a process does once
    begun = time.process_time()
    _, context = fitted(learner, parts, tmp_path / "trial", seconds=4.0, epochs=100_000, patience=None)
    assert time.process_time() - begun < 4.5
    assert 1 < context.notes["epochs"] < 100_000


def test_no_time_at_all_is_said(tmp_path):
    with pytest.raises(OutOfTime, match="are left for training"):
        fitted(PerceptronLearner, examples("binary"), tmp_path, seconds=0.001)


def test_the_light_file_and_its_prices():
    workload = Workload(
        modality="tabular", task=Task(kind="binary", target="y"), classes=2, train=26_000, valid=6_500, test=16_000,
        numbers=6, categories=8,
    )  # fmt: skip
    machine = Machine(threads=1, memory_gb=8.0, gflops=60.0)
    prices = {spec.name: resolve(spec.cost)(workload, machine, {}) for spec in SPECS}
    assert prices["mlp"].seconds.likely < prices["tabm"].seconds.likely < 300
    assert all(p.seconds.low < p.seconds.likely < p.seconds.high and p.peak_gb.high < 8 for p in prices.values())
    assert [batch_size(rows) for rows in (10, 12_000, 39_000, 370_000, 10**7)] == [128, 128, 512, 4096, 4096]
