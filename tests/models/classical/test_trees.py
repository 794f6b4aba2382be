"""Trees on tables: they keep their deadline, learn from fewer rows than from none, and import only their library."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.examples import Examples
from deepworth.models._boosted import raw_scores
from deepworth.models._heads import TreeHead
from deepworth.models.classical._rounds import FASTEST, Rounds
from deepworth.models.learner import Context
from deepworth.registry import build, find
from deepworth.types import Task
from tests.preparing import prepared

THREE = Task(kind="multiclass", target="y", classes=("a", "b", "c"))


def context(seconds: float, rows: int = 0) -> Context:
    deadline = time.monotonic() + seconds
    return Context(folder=Path(), cache=Path(), deadline=deadline, predict_rows=rows, metric="accuracy")


def made(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 20)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64) + (x[:, 2] > 1)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "forest"])
def test_fit_prediction_and_saving_end_before_the_deadline(name: str, tmp_path: Path) -> None:
    x, y = made(60_000)
    few = build(find("models", name)).head
    few(THREE, {"rounds": 2}).fit(x[:900], y[:900], x[:9], y[:9], (), context(60))  # what a process does once
    limits = context(4.0, rows=20_000)
    head = few(THREE, {})
    head.fit(x[:40_000], y[:40_000], x[40_000:], y[40_000:], (), limits)
    head.predict(x[40_000:])
    head.predict(x[40_000:])
    head.save(tmp_path)
    assert limits.remaining() > -0.4
    assert limits.notes["rounds"] >= 1
    assert np.array_equal(few.load(tmp_path, THREE).predict(x[:500]), head.predict(x[:500]))


def test_the_pace_rises_when_few_rounds_fit() -> None:
    limits = context(0.5)
    rounds = Rounds(limits, 3000, 0.04, 1000, price=lambda done: 0.005 * done)
    done = 0
    while not rounds.over(done + 1, 1.0 / (done + 2)):
        done += 1
    assert rounds.rate == FASTEST == limits.notes["learning_rate"]
    assert 0.2 < limits.remaining() < 0.5  # half of it is left for the predictions, which cost 10 ms a round at worst


def test_trees_in_parts_say_what_all_together_say() -> None:
    import lightgbm

    x, y = made(600)
    settings = {"objective": "multiclass", "num_class": 3, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y), 40)
    np.testing.assert_allclose(raw_scores(booster, x, 40, 1), booster.predict(x, raw_score=True), atol=1e-12)


def test_easy_rows_do_not_make_hundreds_of_rounds() -> None:
    x, y = made(240)
    x[:, :3] += 4 * np.eye(3, dtype=np.float32)[y]
    head = TreeHead(THREE).fit(x[:120], y[:120], x[120:], y[120:])
    assert head.rounds < 300
    assert head.predict(x[:0]).shape == (0, 3)


@pytest.mark.parametrize(("module", "others"), [("_lightgbm", "xgboost"), ("_xgboost", "lightgbm")])
def test_a_learner_imports_only_its_own_library(module: str, others: str) -> None:
    code = f"import sys, deepworth.models.classical.{module}; assert {others!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("noise", "form"), [(0.3, "log"), (1.2, None)])
def test_the_logarithm_is_left_where_its_mean_rests_on_the_tail(tmp_path: Path, noise: float, form: str | None) -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=1_500)
    table = pa.table({"size": size, "price": np.exp(1 + size + noise * rng.normal(size=1_500))})
    dataset, _ = prepared(table, "price", tmp_path)
    train, valid = (Examples.open(tmp_path, part) for part in ("train", "valid"))
    limits = replace(context(60), metric="rmse")
    build(find("models", "lightgbm"))(dataset.task, dataset.feature_columns, {}).fit(train, valid, limits)
    assert limits.notes.get("target") == form
