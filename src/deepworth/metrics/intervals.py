"""The interval of the gain of one model over another on the same test rows, by a paired bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepworth.metrics.scores import Metric, row_brier, row_log_loss

Errors = Callable[[np.ndarray], np.ndarray]  # (resamples, n) counts of each row -> (resamples,) errors
BLOCK = 2_000_000  # counts held at once: 16 MB


def paired_gain(
    metric: Metric,
    labels: np.ndarray,
    base: np.ndarray,
    challenger: np.ndarray,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """(gain, low, high): the relative reduction of the error of `base` by `challenger`, with its percentile interval.

    Both models are scored on the same resampled rows (paired bootstrap, Efron and Tibshirani 1993, ch. 8), so what the
    rows have in common cancels out. A base without error gives 0.
    """
    n = len(labels)
    errors_base, errors_challenger = (_weighted_error(metric, labels, p) for p in (base, challenger))
    once = np.ones((1, n))
    gain = _relative(errors_base(once), errors_challenger(once))[0]
    random, drawn = np.random.default_rng(seed), []
    for size in _blocks(resamples, max(1, BLOCK // n)):
        counts = random.multinomial(n, np.full(n, 1 / n), size=size) if n <= 2000 else _draw(random, n, size)
        drawn.append(_relative(errors_base(counts), errors_challenger(counts)))
    values = np.concatenate(drawn)
    values = values[np.isfinite(values)]
    if not len(values):
        return float(gain), -np.inf, np.inf
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(gain), float(low), float(high)


def _blocks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _draw(random: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Poisson counts: for many rows the same as drawing n with replacement, and several times faster."""
    return random.poisson(1.0, size=(size, n)).astype(np.float64)


def _relative(base: np.ndarray, challenger: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base > 0, (base - challenger) / base, np.where(challenger > 0, -np.inf, 0.0))


def _weighted_error(metric: Metric, labels: np.ndarray, predictions: np.ndarray) -> Errors:
    """The error of `metric` as a function of how often each row counts."""
    rows = _row_losses(metric.name, labels, predictions)
    if rows is not None:
        root = np.sqrt if metric.name == "rmse" else lambda values: values
        return lambda counts: root(counts @ rows / counts.sum(1))
    if metric.name == "auc" and predictions.shape[1] == 2:
        return _binary_auc_error(labels, predictions[:, 1])
    if metric.name == "macro_f1":
        return _macro_f1_error(labels, predictions.argmax(1), predictions.shape[1])
    return lambda counts: np.array([_resampled(metric, labels, predictions, row) for row in counts])


def _row_losses(name: str, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray | None:
    """The loss of each row where the error is a (root of a) mean over rows, else None."""
    match name:
        case "accuracy":
            return (predictions.argmax(1) != labels).astype(np.float64)
        case "log_loss":
            return row_log_loss(labels, predictions)
        case "brier":
            return row_brier(labels, predictions)
        case "rmse":
            return (labels - predictions) ** 2
        case "mae":
            return np.abs(labels - predictions)
    return None


def _binary_auc_error(labels: np.ndarray, score: np.ndarray) -> Errors:
    """1 - AUC by one sort for all resamples; ties count half."""
    order = np.argsort(score, kind="stable")
    positive = labels[order] == 1
    edges = np.flatnonzero(np.diff(score[order], prepend=-np.inf))  # first row of each group of equal scores

    def error(counts: np.ndarray) -> np.ndarray:
        ones = np.add.reduceat(counts[:, order] * positive, edges, axis=1)
        zeros = np.add.reduceat(counts[:, order] * ~positive, edges, axis=1)
        below = np.cumsum(zeros, axis=1) - zeros
        wins = (ones * (below + zeros / 2)).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return 1 - wins / (ones.sum(1) * zeros.sum(1))

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


def _resampled(metric: Metric, labels: np.ndarray, predictions: np.ndarray, counts: np.ndarray) -> float:
    rows = np.repeat(np.arange(len(labels)), counts.astype(np.int64))
    return float(metric.to_error(metric.score(labels[rows], predictions[rows])))
