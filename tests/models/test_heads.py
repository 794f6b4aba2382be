"""Both heads: they learn, keep what they learnt through save and load, and survive odd data and short deadlines."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge

from deepworth.errors import OutOfTime
from deepworth.models._heads import STRENGTHS, LinearHead, TreeHead, _sharpness
from deepworth.types import Task

HEADS = (LinearHead, TreeHead)
THREE = Task(kind="multiclass", target="y", classes=("a", "b", "c"))
TWO = Task(kind="binary", target="y", classes=(False, True))
NUMBER = Task(kind="regression", target="y")


def made(task: Task, rows: int = 300, width: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, width)).astype(np.float32)
    if task is NUMBER:
        return x, x[:, 0] * 3 + x[:, 1] + 100 + rng.normal(size=rows) * 0.1
    y = rng.integers(0, len(task.classes), rows)
    x[:, :3] += 2 * np.eye(3, dtype=np.float32)[y]
    return 5 * x + 7, y


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("task", [THREE, TWO, NUMBER], ids=lambda task: task.kind)
def test_it_learns_saves_and_repeats(head: type, task: Task, tmp_path: Path) -> None:
    x, y = made(task)
    test, truth = made(task, seed=1)
    fitted = head(task, 3).fit(x[:200], y[:200], x[200:], y[200:])
    found = fitted.predict(test)
    assert found.dtype == np.float64
    if task is NUMBER:
        assert found.shape == (300,) and 1 - np.var(found - truth) / np.var(truth) > 0.8
    else:
        assert found.shape == (300, len(task.classes))
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert (found.argmax(axis=1) == truth).mean() > 0.7
    fitted.save(tmp_path)
    assert np.array_equal(head.load(tmp_path).predict(test), found)
    assert np.array_equal(head(task, 3).fit(x[:200], y[:200], x[200:], y[200:]).predict(test), found)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("task", [THREE, TWO], ids=lambda task: task.kind)
def test_odd_parts(head: type, task: Task) -> None:
    x, y = made(task)
    x[:, 5] = 1.0  # constant
    x[::9, 6] = np.nan
    last = len(task.classes) - 1
    seen = y != last  # a class the training rows lack
    one = np.full(20, last)
    for xv, yv in ((x[:20], one), (x[:0], y[:0]), (x[200:], y[200:])):
        found = head(task).fit(x[seen], y[seen], xv, yv).predict(x)
        assert found.shape == (300, last + 1) and np.isfinite(found).all()
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert found[:, last].mean() < 0.2


@pytest.mark.parametrize("head", HEADS)
def test_the_deadline_ends_it(head: type) -> None:
    x, y = made(THREE)
    with pytest.raises(OutOfTime):
        head(THREE).fit(x, y, x, y, deadline=time.monotonic() - 1)
    big, labels = made(THREE, rows=20_000, width=200)
    start = time.process_time()
    head(THREE).fit(big, labels, big[:100], labels[:100], deadline=time.monotonic() + 2.0).predict(big[:9])
    assert time.process_time() - start < 10


def test_linear_equals_scikit_learn_at_its_strength() -> None:
    x, y = made(THREE)
    head = LinearHead(THREE).fit(x, y, x[:100], y[:100], "log_loss")
    assert head.strength in STRENGTHS
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    oracle = LogisticRegression(C=1 / (head.strength * len(x)), tol=1e-8, max_iter=1000).fit(standard, y)
    np.testing.assert_allclose(head.predict(x), oracle.predict_proba(standard), atol=0.01)

    x, y = made(NUMBER)
    head = LinearHead(NUMBER).fit(x, y, x[:100], y[:100], "rmse")
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    oracle = Ridge(alpha=head.strength * len(x)).fit(standard, y)
    np.testing.assert_allclose(head.predict(x), oracle.predict(standard), rtol=1e-4)


@given(st.floats(0.2, 5.0))
@settings(max_examples=20, deadline=None)
def test_scores_are_made_as_sharp_as_the_rows_say(times: float) -> None:
    rng = np.random.default_rng(0)
    scores = 2.0 * rng.normal(size=(4000, 3))
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)  # drawn from their softmax
    assert _sharpness(scores / times, y) == pytest.approx(times, rel=0.1)


def test_twenty_rows_all_right_make_nothing_certain() -> None:
    scores = 0.5 * np.eye(3)[np.arange(20) % 3]
    said = softmax(scores * _sharpness(scores, np.arange(20) % 3), axis=1).max(axis=1)
    assert 0.9 < said.mean() < 0.99


def test_a_class_without_training_rows_stays_out_of_the_question() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 30)), rng.integers(0, 2, 200)  # nothing to learn: scores are made flat
    head = LinearHead(THREE).fit(x[:100], y[:100], x[100:], y[100:], "accuracy")
    assert head.sharpness < 1.0
    assert head.predict(x)[:, 2].max() < 1e-9


def test_more_features_than_rows() -> None:
    x, y = made(NUMBER, rows=50, width=400)
    assert np.isfinite(LinearHead(NUMBER).fit(x[:40], y[:40], x[40:], y[40:]).predict(x)).all()
