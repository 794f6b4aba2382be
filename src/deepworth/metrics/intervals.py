"""The interval of the gain of one model over another on the same test rows, by a paired bootstrap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from deepworth.metrics.scores import BINS, Metric, calibration_bins, row_brier, row_log_loss

Errors = Callable[[np.ndarray], np.ndarray]  # (resamples, n) counts of each row -> (resamples,) errors
BLOCK = 2_000_000  # counts held at once: 16 MB
WORST = -10.0  # a gain below it, down to the minus infinity of a base without any error, counts as this
FEWEST = 50  # resamples, however little time there is


def paired_gain(
    metric: Metric,
    labels: np.ndarray,
    base: np.ndarray,
    challenger: np.ndarray,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    seconds: float = math.inf,
) -> tuple[float, float, float, int]:
    """(gain, low, high, resamples made): the relative reduction of the error of `base` by `challenger`, its interval.

    Both models are scored on the same resampled rows (paired bootstrap, Efron and Tibshirani 1993, ch. 8), so what the
    rows have in common cancels out. Two models without error gain 0. Ends after `seconds`, FEWEST resamples at least;
    resamples in which the metric is undefined (an AUC without both classes) do not count.
    """
    n, until = len(labels), time.monotonic() + seconds
    errors_base, errors_challenger = (_weighted_error(metric, labels, p) for p in (base, challenger))
    once = np.ones((1, n))
    gain = _relative(errors_base(once), errors_challenger(once))[0]
    random, drawn = np.random.default_rng(seed), np.empty(0)
    for size in _blocks(resamples, max(1, min(FEWEST, BLOCK // n))):
        if len(drawn) >= FEWEST and time.monotonic() > until:
            break
        counts = _draw(random, n, size)
        drawn = np.append(drawn, _relative(errors_base(counts), errors_challenger(counts)))
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return float(gain), WORST, 1.0, 0
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(gain), float(low), float(high), len(defined)


def _blocks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _draw(random: np.random.Generator, n: int, size: int) -> np.ndarray:
    """(size, n) counts of each row. For many rows Poisson counts are the same as drawing n of them, and several times
    faster."""
    if n <= 2000:
        return random.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
    return random.poisson(1.0, size=(size, n)).astype(np.float64)


def _relative(base: np.ndarray, challenger: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(base > 0, (base - challenger) / base, np.where(challenger > 0, WORST, 0.0 * base * challenger))
    return np.maximum(gain, WORST)  # an undefined error stays undefined


def _weighted_error(metric: Metric, labels: np.ndarray, predictions: np.ndarray) -> Errors:
    """The error of `metric` as a function of how often each row counts."""
    match metric.name:
        case "auc" if predictions.shape[1] == 2:
            return _binary_auc_error(labels == 1, predictions[:, 1])
        case "auc":
            return _mean_auc_error(labels, predictions)
        case "macro_f1":
            return _macro_f1_error(labels, predictions.argmax(1), predictions.shape[1])
        case "ece":
            bins, gap = calibration_bins(labels, predictions)
            spread = np.zeros((len(labels), BINS))
            spread[np.arange(len(labels)), bins] = gap
            return lambda counts: np.abs(counts @ spread).sum(1) / counts.sum(1)
        case "r2":
            return _unexplained(labels, (labels - predictions) ** 2)
        case "rmse":
            squares = (labels - predictions) ** 2
            return lambda counts: np.sqrt(counts @ squares / counts.sum(1))
    rows = _row_losses(metric.name, labels, predictions)
    return lambda counts: counts @ rows / counts.sum(1)


def _row_losses(name: str, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The loss of each row where the error is their mean. Raises KeyError for any other metric."""
    losses: dict[str, Callable[[], np.ndarray]] = {
        "accuracy": lambda: (predictions.argmax(1) != labels).astype(np.float64),
        "log_loss": lambda: row_log_loss(labels, predictions),
        "brier": lambda: row_brier(labels, predictions),
        "mae": lambda: np.abs(labels - predictions),
    }
    return losses[name]()


def _binary_auc_error(positive: np.ndarray, score: np.ndarray) -> Errors:
    """1 - AUC by one sort for all resamples; ties count half."""
    order = np.argsort(score, kind="stable")
    ones_first = positive[order]
    edges = np.flatnonzero(np.diff(score[order], prepend=-np.inf))  # first row of each group of equal scores

    def error(counts: np.ndarray) -> np.ndarray:
        sorted_counts = counts[:, order]
        ones = np.add.reduceat(sorted_counts * ones_first, edges, axis=1)
        zeros = np.add.reduceat(sorted_counts * ~ones_first, edges, axis=1)
        below = np.cumsum(zeros, axis=1) - zeros
        wins = (ones * (below + zeros / 2)).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return 1 - wins / (ones.sum(1) * zeros.sum(1))

    return error


def _mean_auc_error(labels: np.ndarray, predictions: np.ndarray) -> Errors:
    """1 - the mean over the classes present in a resample of the AUC of each against the rest."""
    each = [_binary_auc_error(labels == c, predictions[:, c]) for c in np.unique(labels)]

    def error(counts: np.ndarray) -> np.ndarray:
        errors = np.stack([one(counts) for one in each])
        present = np.isfinite(errors)
        with np.errstate(invalid="ignore"):
            return np.where(present, errors, 0.0).sum(0) / present.sum(0)

    return error


def _macro_f1_error(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Errors:
    members = np.eye(classes)[labels]
    called = np.eye(classes)[predicted]

    def error(counts: np.ndarray) -> np.ndarray:
        hit, true, said = counts @ (members * called), counts @ members, counts @ called
        present = (true + said) > 0
        f1 = np.where(present, 2 * hit / np.maximum(true + said, 1e-12), 0.0)
        return 1 - f1.sum(1) / present.sum(1)

    return error


def _unexplained(labels: np.ndarray, squares: np.ndarray) -> Errors:
    """1 - R2: the squared errors over the squared distances from the resample's own mean."""
    centred = labels - labels.mean()  # the sums of squares of large values would lose their digits

    def error(counts: np.ndarray) -> np.ndarray:
        total = counts @ centred**2 - (counts @ centred) ** 2 / counts.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return counts @ squares / total

    return error
