"""Scores: bounds, directions, agreement with scikit-learn where both have the metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from deepworth.errors import UserError
from deepworth.metrics.scores import METRICS, PRIMARY, metric, scores
from deepworth.types import Task


def _classification(seed: int, n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, classes, n), random.dirichlet(np.ones(classes), n)


@given(seed=st.integers(0, 10_000), n=st.integers(5, 60), classes=st.integers(2, 5))
def test_every_class_score_lies_in_its_bounds(seed: int, n: int, classes: int) -> None:
    labels, probabilities = _classification(seed, n, classes)
    kind = "binary" if classes == 2 else "multiclass"
    task = Task(kind=kind, target="y", classes=tuple(range(classes)), metric=PRIMARY[kind])
    for name, value in scores(task, labels, probabilities).items():
        assert value >= 0, name
        if name not in ("log_loss", "brier"):
            assert value <= 1, name


def test_agreement_with_scikit_learn() -> None:
    labels, probabilities = _classification(0, 300, 2)
    found = scores(Task(kind="binary", target="y", classes=(0, 1), metric="auc"), labels, probabilities)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, probabilities[:, 1]))
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, probabilities))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(labels, probabilities[:, 1]))


def test_a_perfect_model_has_no_error() -> None:
    labels = np.array([0, 1, 2, 1])
    task = Task(kind="multiclass", target="y", classes=("a", "b", "c"), metric="accuracy")
    found = scores(task, labels, np.eye(3)[labels])
    assert all(METRICS[name].to_error(value) == pytest.approx(0, abs=1e-9) for name, value in found.items())


def test_calibration_error_of_a_known_case() -> None:
    labels = np.array([1, 1, 1, 0])
    probabilities = np.tile([0.1, 0.9], (4, 1))  # says 0.9, is right 0.75 of the time
    task = Task(kind="binary", target="y", classes=(0, 1), metric="auc")
    assert scores(task, labels, probabilities)["ece"] == pytest.approx(0.15)


def test_undefined_scores_are_left_out() -> None:
    task = Task(kind="binary", target="y", classes=(0, 1), metric="auc")
    assert "auc" not in scores(task, np.zeros(4, int), np.full((4, 2), 0.5))


def test_a_metric_must_exist_and_fit() -> None:
    task = Task(kind="regression", target="y", metric="rmse")
    with pytest.raises(UserError, match="did you mean 'rmse'"):
        metric("rsme", task)
    with pytest.raises(UserError, match="does not fit a regression"):
        metric("auc", task)
