"""Errors as functions of sums: they equal those of resampled rows, and the variance of the AUC is that of DeLong."""

from __future__ import annotations

import numpy as np
import pytest

from deepworth.metrics.scores import METRICS
from deepworth.metrics.sums import sums
from tests.metrics.made import two_models


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "brier", "macro_f1", "ece"])
def test_weighted_errors_equal_resampled_ones(name: str) -> None:
    labels, predictions, _ = two_models(1, 80)
    rows = np.random.default_rng(2).integers(0, 80, 80)
    counts = np.bincount(rows, minlength=80).astype(float)
    by_hand = METRICS[name].to_error(METRICS[name].score(labels[rows], predictions[rows]))
    made = sums(METRICS[name], labels, predictions)
    assert made.error(counts @ made.rows) == pytest.approx(by_hand)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_regression_errors_equal_resampled_ones(name: str) -> None:
    random = np.random.default_rng(4)
    labels = random.standard_normal(70)
    predictions = labels + random.standard_normal(70)
    rows = random.integers(0, 70, 70)
    counts = np.bincount(rows, minlength=70).astype(float)
    by_hand = METRICS[name].to_error(METRICS[name].score(labels[rows], predictions[rows]))
    made = sums(METRICS[name], labels, predictions)
    assert made.error(counts @ made.rows) == pytest.approx(by_hand)


@pytest.mark.parametrize("ties", [False, True])
def test_the_auc_is_exact_on_the_rows_and_near_on_resamples(ties: bool) -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 400)
    score = random.random(400) + 0.3 * labels
    score = np.round(score, 1) if ties else score
    predictions = np.column_stack([1 - score, score])
    made = sums(METRICS["auc"], labels, predictions)
    assert made.error(made.rows.sum(0)) == pytest.approx(1 - METRICS["auc"].score(labels, predictions))
    drawn = [random.integers(0, 400, 400) for _ in range(300)]
    ours = np.array([made.error(np.bincount(rows, minlength=400) @ made.rows) for rows in drawn])
    exact = np.array([1 - METRICS["auc"].score(labels[rows], predictions[rows]) for rows in drawn])
    assert (ours - exact).std() < 0.15 * exact.std()
    assert ours.std() == pytest.approx(exact.std(), rel=0.03)


def test_the_auc_of_many_classes_is_the_mean_over_those_present() -> None:
    labels, predictions, _ = two_models(5, 90)
    made = sums(METRICS["auc"], labels, predictions)
    assert made.error(made.rows.sum(0)) == pytest.approx(1 - METRICS["auc"].score(labels, predictions))
    without = (labels != 2).astype(float)
    assert np.isfinite(made.error(without @ made.rows))
    assert np.isnan(made.error((labels == 1).astype(float) @ made.rows))


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_a_wrong_row_worsens_and_a_right_one_mends(name: str) -> None:
    labels, predictions, _ = two_models(6, 60)
    made = sums(METRICS[name], labels, predictions)
    total = made.rows.sum(0)
    assert made.wrong is not None
    assert made.right is not None
    assert made.error(total + made.right) < made.error(total) < made.error(total + made.wrong)
