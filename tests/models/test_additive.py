"""What boosted trees say their columns add: with a constant, the raw prediction of every row."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.examples import Examples
from deepworth.models.additive import Additive
from deepworth.models.learner import Context
from deepworth.registry import build, find
from tests.preparing import prepared

ROWS = 400


def made(folder: Path, kind: str) -> tuple[Examples, Examples]:
    """Numbers, a category, a date and two columns that measure almost the same; the first decides, the second helps."""
    random = np.random.default_rng(0)
    first, width = random.normal(size=ROWS), random.uniform(1, 9, ROWS)
    sort = random.choice(["x", "y", "z"], ROWS)
    raw = 2 * first + (sort == "x") + 0.3 * random.normal(size=ROWS)
    target = {
        "binary": np.where(raw > 0.3, "yes", "no"),
        "multiclass": np.digitize(raw, [-1, 1]).astype(str),
        "regression": raw,
    }[kind]
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in random.integers(0, 900, ROWS)]
    columns = {"first": first, "sort": sort, "day": days, "width": width, "height": width + 0.05 * random.random(ROWS)}
    prepared(pa.table({**columns, "target": target}), "target", folder)
    return Examples.open(folder, "train"), Examples.open(folder, "valid")


def raw_of(answers: np.ndarray) -> np.ndarray:
    """(n, outputs) what the trees add up."""
    if answers.ndim == 1:
        return answers[:, None]
    log = np.log(answers)
    return log[:, [1]] - log[:, [0]] if answers.shape[1] == 2 else log


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_contributions_add_up_to_the_prediction(tmp_path: Path, name: str, kind: str) -> None:
    train, valid = made(tmp_path, kind)
    learner = build(find("models", name))(train.dataset.task, train.dataset.feature_columns, {"rounds": 20})
    learner.fit(train, valid, Context(folder=tmp_path, cache=tmp_path))
    assert isinstance(learner, Additive)
    found = learner.contributions(valid)
    assert found.columns[:5] == ("first", "sort", "day", "width", "height")
    assert found.values.shape == (len(valid), 3 if kind == "multiclass" else 1, len(found.columns))
    off = raw_of(learner.predict(valid)) - found.values.sum(2)
    if kind == "multiclass":  # probabilities know the scores but for a number a row
        off = off - off.mean(1, keepdims=True)
    np.testing.assert_allclose(off, np.broadcast_to(off.mean(0), off.shape), atol=1e-4)
    means = np.abs(found.values).mean((0, 1))
    assert means.argmax() == 0
    assert found.unit == {"binary": "log-odds", "multiclass": "score of a class", "regression": "target"}[kind]


def test_a_forest_says_nothing_of_the_kind(tmp_path: Path) -> None:
    train, _ = made(tmp_path, "binary")
    assert not isinstance(
        build(find("models", "forest"))(train.dataset.task, train.dataset.feature_columns, {}), Additive
    )
