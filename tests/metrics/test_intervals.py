"""The paired bootstrap: it agrees with resampling by hand and holds the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from deepworth.metrics.intervals import FEWEST, WORST, _weighted_error, paired_gain
from deepworth.metrics.scores import METRICS


def _two_models(seed: int, n: int, better: float = 0.8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)

    def model(signal: float) -> np.ndarray:
        logits = signal * np.eye(3)[labels] + random.standard_normal((n, 3))
        return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)

    return labels, model(1.0), model(1.0 + better)


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "brier", "macro_f1", "auc", "ece"])
def test_weighted_errors_equal_resampled_ones(name: str) -> None:
    labels, predictions, _ = _two_models(1, 80)
    rows = np.random.default_rng(2).integers(0, 80, 80)
    counts = np.bincount(rows, minlength=80)[None].astype(float)
    by_hand = METRICS[name].to_error(METRICS[name].score(labels[rows], predictions[rows]))
    assert _weighted_error(METRICS[name], labels, predictions)(counts)[0] == pytest.approx(by_hand)


@pytest.mark.parametrize("ties", [False, True])
def test_binary_auc_equals_resampled_with_and_without_ties(ties: bool) -> None:
    random = np.random.default_rng(3)
    labels, score = random.integers(0, 2, 90), random.random(90)
    score = np.round(score, 1) if ties else score
    predictions = np.column_stack([1 - score, score])
    rows = random.integers(0, 90, 90)
    counts = np.bincount(rows, minlength=90)[None].astype(float)
    by_hand = 1 - METRICS["auc"].score(labels[rows], predictions[rows])
    assert _weighted_error(METRICS["auc"], labels, predictions)(counts)[0] == pytest.approx(by_hand)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_regression_errors_equal_resampled_ones(name: str) -> None:
    random = np.random.default_rng(4)
    labels = random.standard_normal(70)
    predictions = labels + random.standard_normal(70)
    rows = random.integers(0, 70, 70)
    counts = np.bincount(rows, minlength=70)[None].astype(float)
    by_hand = METRICS[name].to_error(METRICS[name].score(labels[rows], predictions[rows]))
    assert _weighted_error(METRICS[name], labels, predictions)(counts)[0] == pytest.approx(by_hand)


def test_a_model_against_itself_gains_nothing() -> None:
    labels, base, _ = _two_models(5, 200)
    assert paired_gain(METRICS["accuracy"], labels, base, base)[:3] == (0.0, 0.0, 0.0)


def test_a_better_model_is_seen_and_order_matters() -> None:
    labels, base, better = _two_models(6, 3000, better=1.5)
    gain, low, high, made = paired_gain(METRICS["log_loss"], labels, base, better)
    assert 0 < low < gain < high
    assert made == 1000
    back, *_ = paired_gain(METRICS["log_loss"], labels, better, base)
    assert back < 0


def test_a_base_without_error_cannot_be_improved() -> None:
    labels = np.array([0, 1] * 20)
    perfect = np.eye(2)[labels]
    assert paired_gain(METRICS["accuracy"], labels, perfect, perfect)[:3] == (0.0, 0.0, 0.0)
    worse = perfect[::-1].copy()
    assert paired_gain(METRICS["accuracy"], labels, perfect, worse)[:3] == (WORST, WORST, WORST)


def test_many_classes_and_rows_end_in_the_time_given() -> None:
    random = np.random.default_rng(8)
    labels, predictions = random.integers(0, 20, 4000), random.dirichlet(np.ones(20), 4000)
    *interval, made = paired_gain(METRICS["auc"], labels, predictions, predictions, seconds=0.0)
    assert FEWEST <= made < 1000
    assert interval == [0.0, 0.0, 0.0]


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """80 samples of a known pair of models: a 90 % interval misses about 8 times; 0 or more than 20 would be a bug."""
    labels, base, better = _two_models(7, 200_000)
    truth, *_ = paired_gain(METRICS["accuracy"], labels, base, better, resamples=2)
    misses = 0
    for start in range(0, 80 * 400, 400):
        part = slice(start, start + 400)
        _, low, high, _ = paired_gain(
            METRICS["accuracy"], labels[part], base[part], better[part], resamples=300, level=0.9, seed=start
        )
        misses += not low <= truth <= high
    assert 1 <= misses <= 20
