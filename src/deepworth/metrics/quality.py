"""What one score hides: calibration, confusion, slices and conformal coverage, from labels and predictions alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deepworth.metrics.scores import row_brier, row_log_loss
from deepworth.types import Task, record

BINS = 10  # of the reliability curve, with as many rows each
FEWEST = 20  # rows of a slice or a bin under which nothing is said of it
ERROR_COUNTS = ("accuracy", "macro_f1")  # metrics whose loss of one row is: wrong or not


@record
class Bin:
    """Rows of similar predicted probability, and how often it came true, with its 95 % interval."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@record
class Slice:
    """Rows with one value of a column: the mean loss of the winner and of the other, their difference with interval.

    The interval is at 95 % over all slices together (Bonferroni), so a warning is no accident of having looked often.
    """

    column: str
    value: str
    rows: int
    winner: float
    other: float | None = None
    difference: float | None = None  # winner - other: above 0 the winner is worse
    low: float | None = None
    high: float | None = None

    @property
    def worse(self) -> bool:
        return self.low is not None and self.low > 0


@record
class Coverage:
    """Conformal sets or intervals: made on validation rows to hold the truth at `level`; what test rows say."""

    level: float
    measured: float
    low: float
    high: float
    rows: int
    size: float  # labels in a set, or the width of an interval; the mean
    alone: float = 0.0  # share of sets with one label


def wilson(hits: float, rows: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) without rows."""
    if rows == 0:
        return 0.0, 1.0
    share, spread = hits / rows, z * z / rows
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability curve: of class 1 where there are two classes, else of the class each row is given to.

    `labels` (n,) codes, `probabilities` (n, classes). Bins hold equally many rows, equal probabilities one bin; small
    data make fewer bins. Empty without rows.
    """
    two = probabilities.shape[1] == 2
    predicted = probabilities[:, 1] if two else probabilities.max(1)
    true = labels == 1 if two else probabilities.argmax(1) == labels
    order = np.argsort(predicted, kind="stable")
    count = max(1, min(bins, len(labels) // FEWEST))
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, count + 1))) if len(labels) else np.empty(0)
    made = []
    places = np.searchsorted(edges[1:-1], predicted[order], side="right")
    for place in np.unique(places):
        rows = order[places == place]
        hits = int(true[rows].sum())
        low, high = wilson(hits, len(rows))
        mean = float(predicted[rows].mean())
        made.append(Bin(predicted=mean, observed=hits / len(rows), low=low, high=high, rows=len(rows)))
    return tuple(made)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts: true class by row, predicted class by column."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def most_confused(counts: np.ndarray, most: int = 5) -> list[tuple[int, int, int]]:
    """(true, predicted, rows) of the most frequent mistakes, the most frequent first."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [(int(i // len(wrong)), int(i % len(wrong))) for i in order]
    return [(true, said, int(wrong[true, said])) for true, said in pairs if wrong[true, said]]


def row_losses(metric: str, task: Task, labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, str]:
    """(n,) losses of the rows whose mean stands for `metric` on few rows, and what that mean is called.

    An AUC has no value on one row: the squared error of the probabilities stands for it.
    """
    if not task.is_classification:
        error = np.abs(labels - predictions)
        return (error, "mean absolute error") if metric == "mae" else (error**2, "mean squared error")
    if metric in ERROR_COUNTS:
        return (predictions.argmax(1) != labels).astype(np.float64), "share of wrong rows"
    if metric == "log_loss":
        return row_log_loss(labels, predictions), "log loss"
    return row_brier(labels, predictions), "Brier score"


def slices(
    columns: Sequence[tuple[str, np.ndarray, Sequence[str]]], winner: np.ndarray, other: np.ndarray | None
) -> tuple[Slice, ...]:
    """Every slice of at least FEWEST rows; of slices with the same rows the first.

    `columns` are (name, (n,) codes, names of the codes); codes below 0 do not count. `winner` and `other` are (n,)
    losses of the same rows, and their difference is judged by a paired normal interval.
    """
    found = [
        (name, value, np.flatnonzero(codes == code))
        for name, codes, values in columns
        for code, value in enumerate(values)
    ]
    found = [(name, value, rows) for name, value, rows in found if len(rows) >= FEWEST]
    found = list({rows.tobytes(): (name, value, rows) for name, value, rows in reversed(found)}.values())[::-1]
    z = _normal_quantile(1 - 0.05 / 2 / max(1, len(found)))
    made = []
    for name, value, rows in found:
        own = float(winner[rows].mean())
        if other is None:
            made.append(Slice(column=name, value=value, rows=len(rows), winner=own))
            continue
        apart = winner[rows] - other[rows]
        half = z * float(apart.std(ddof=1)) / math.sqrt(len(rows))
        middle = float(apart.mean())
        made.append(
            Slice(
                column=name,
                value=value,
                rows=len(rows),
                winner=own,
                other=float(other[rows].mean()),
                difference=middle,
                low=middle - half,
                high=middle + half,
            )
        )
    return tuple(made)


def _normal_quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def conformal_sets(
    valid_labels: np.ndarray,
    valid: np.ndarray,
    test_labels: np.ndarray,
    test: np.ndarray,
    level: float = 0.9,
) -> Coverage:
    """Split conformal sets of labels by the probability of the true one (Sadinle, Lei and Wasserman 2019)."""
    least = _conformal_quantile(1 - valid[np.arange(len(valid_labels)), valid_labels], level)
    sets = 1 - test <= least
    return _coverage(sets[np.arange(len(test_labels)), test_labels], sets.sum(1), level)


def conformal_intervals(
    valid_labels: np.ndarray, valid: np.ndarray, test_labels: np.ndarray, test: np.ndarray, level: float = 0.9
) -> Coverage:
    """Split conformal intervals of one width, by the absolute residuals of the validation rows (Lei et al. 2018)."""
    half = _conformal_quantile(np.abs(valid_labels - valid), level)
    return _coverage(np.abs(test_labels - test) <= half, np.full(len(test), 2 * half), level)


def _conformal_quantile(values: np.ndarray, level: float) -> float:
    """The smallest value that holds `level` of the next one too; the largest where the rows are too few."""
    place = math.ceil((len(values) + 1) * level)
    return float(np.sort(values)[min(place, len(values)) - 1])


def _coverage(held: np.ndarray, sizes: np.ndarray, level: float) -> Coverage:
    low, high = wilson(float(held.sum()), len(held))
    return Coverage(
        level=level,
        measured=float(held.mean()),
        low=low,
        high=high,
        rows=len(held),
        size=float(sizes.mean()),
        alone=float((sizes == 1).mean()),
    )
