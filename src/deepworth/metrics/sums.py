"""Every error as a function of sums over rows, so that resampling rows, or groups of them, is one matrix product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepworth.metrics.scores import BINS, Metric, calibration_bins, row_brier, row_log_loss


@dataclass(frozen=True)
class Sums:
    """`error(rows.sum(0))` is the error; with rows repeated or left out it is that of the resample.

    `rows` is (n, k), `error` takes (..., k) to (...). It is exact but for the AUC, which is linear in the rows up to a
    term of the order 1 / n (see `_auc`).
    """

    rows: np.ndarray
    error: Callable[[np.ndarray], np.ndarray]
    wrong: np.ndarray | None = None  # (k,): a row with an error, where rows are right or wrong
    right: np.ndarray | None = None  # (k,): one without


def sums(metric: Metric, labels: np.ndarray, predictions: np.ndarray) -> Sums:
    """The sums of one model. Predictions are (n, classes) probabilities or (n,) values."""
    match metric.name:
        case "auc" if predictions.shape[1] == 2:
            return _auc(labels, predictions, classes=[1])
        case "auc":
            return _auc(labels, predictions, classes=list(np.unique(labels)))
        case "macro_f1":
            return _macro_f1(labels, predictions.argmax(1), predictions.shape[1])
        case "ece":
            return _ece(labels, predictions)
        case "r2":
            return _unexplained(labels, (labels - predictions) ** 2)
        case "rmse":
            return Sums(_with_ones((labels - predictions) ** 2), lambda s: np.sqrt(_mean(s)))
        case "accuracy":
            wrong = (predictions.argmax(1) != labels).astype(np.float64)
            return Sums(_with_ones(wrong), _mean, wrong=np.array([1.0, 1.0]), right=np.array([0.0, 1.0]))
    return Sums(_with_ones(_row_losses(metric.name, labels, predictions)), _mean)


def _row_losses(name: str, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The loss of each row where the error is their mean. Raises KeyError for any other metric."""
    losses: dict[str, Callable[[], np.ndarray]] = {
        "log_loss": lambda: row_log_loss(labels, predictions),
        "brier": lambda: row_brier(labels, predictions),
        "mae": lambda: np.abs(labels - predictions),
    }
    return losses[name]()


def _with_ones(*columns: np.ndarray) -> np.ndarray:
    return np.column_stack([*columns, np.ones(len(columns[0]))])


def _mean(s: np.ndarray) -> np.ndarray:
    return _ratio(s[..., 0], s[..., 1])


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return a / b


def _auc(labels: np.ndarray, predictions: np.ndarray, classes: list[int]) -> Sums:
    """1 - AUC of each class against the rest, its mean over the classes that a resample has.

    The AUC is the mean over positives of the share of negatives they beat, and over negatives of the share of positives
    that beat them. With these shares held, its resamples are linear in the rows: the variance is that of DeLong, DeLong
    and Clarke-Pearson (1988). What is left out is of the order 1 / n.
    """
    from scipy.stats import rankdata  # takes 0.4 s to load: whoever only plans ranks nothing

    columns, values = [], []
    for one in classes:
        positive = labels == one
        above = np.zeros(len(labels))  # the share of the other side that a row stands rightly towards; ties count half
        ranks = rankdata(predictions[:, one])
        for side, others in ((positive, ~positive), (~positive, positive)):
            within = rankdata(predictions[side, one])
            beaten = (ranks[side] - within) / max(1, others.sum())
            above[side] = beaten if side is positive else 1 - beaten
        values.append(above[positive].mean() if positive.any() else np.nan)
        columns += [positive, ~positive, positive * above, ~positive * above]
    value = np.array(values)

    def error(s: np.ndarray) -> np.ndarray:
        s = s.reshape(*s.shape[:-1], len(value), 4)
        each = 1 - (_ratio(s[..., 2], s[..., 0]) + _ratio(s[..., 3], s[..., 1]) - value)
        present = np.isfinite(each)
        return _ratio(np.where(present, each, 0.0).sum(-1), present.sum(-1))

    return Sums(np.column_stack(columns).astype(np.float64), error)


def _macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Sums:
    members, called = np.eye(classes)[labels], np.eye(classes)[predicted]

    def error(s: np.ndarray) -> np.ndarray:
        hit, both = s[..., :classes], s[..., classes:]
        present = both > 0
        f1 = np.where(present, 2 * hit / np.maximum(both, 1e-12), 0.0)
        return 1 - _ratio(f1.sum(-1), present.sum(-1))

    even = np.full(classes, 1 / classes)  # a row that is wrong, or right, in no class more than in another
    return Sums(
        np.hstack([members * called, members + called]),
        error,
        wrong=np.hstack([0 * even, 2 * even]),
        right=np.hstack([even, 2 * even]),
    )


def _ece(labels: np.ndarray, predictions: np.ndarray) -> Sums:
    bins, gap = calibration_bins(labels, predictions)
    spread = np.zeros((len(labels), BINS))
    spread[np.arange(len(labels)), bins] = gap
    return Sums(_with_ones(spread), lambda s: _ratio(np.abs(s[..., :-1]).sum(-1), s[..., -1]))


def _unexplained(labels: np.ndarray, squares: np.ndarray) -> Sums:
    """1 - R2: the squared errors over the squared distances from the resample's own mean."""
    centred = labels - labels.mean()  # the sums of squares of large values would lose their digits

    def error(s: np.ndarray) -> np.ndarray:
        return _ratio(s[..., 0], s[..., 1] - _ratio(s[..., 2] ** 2, s[..., 3]))

    return Sums(_with_ones(squares, centred**2, centred), error)
