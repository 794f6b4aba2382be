"""How well each column alone predicts the target: a guess per bin, fitted on half a sample, scored on the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from deepworth.data.examples import take_rows
from deepworth.data.split import value_codes
from deepworth.profile.measure import quantiles
from deepworth.profile.view import SAMPLE, View
from deepworth.types import Column, Task

CELLS, LEAST_SAMPLE = 4_000_000, 5_000  # of thousands of columns fewer rows are looked at
LEAST_ROWS = 100  # in the sample; fewer say nothing about 0.99
LEAST_OF_CLASS = 10  # held-out rows of the smaller binary class
BINS, ROWS_PER_BIN = 64, 10
COVERED = 0.8  # share of held-out rows with a category met before from which the others are left out of the score
SMOOTHING = 1.0  # rows of the whole's mean mixed into each bin
SKIPPED = ("constant", "image", "audio")


@dataclass(frozen=True, kw_only=True)
class Single:
    """`strength` is 0 for a column that tells nothing and 1 for one that tells all; `score` is how one would say it."""

    column: Column
    strength: float
    score: str


def single_columns(view: View) -> list[Single]:
    """Every column of the table that can be scored alone, features or not, the strongest first.

    Strength is 2 AUC - 1, the share of the majority's error that is removed (several classes), or R2. Text of which
    hardly any value repeats is left out: it is a text model's to read.
    """
    most = max(LEAST_SAMPLE, min(SAMPLE, CELLS // max(1, len(view.dataset.columns))))
    places = view.looked_at(most)
    rows, labels = view.rows["train"][places], view.labels[places]
    if len(labels) < LEAST_ROWS:
        return []
    held = np.zeros(len(labels), bool)
    held[np.random.default_rng(view.splits.seed).permutation(len(labels))[: len(labels) // 2]] = True
    if view.dataset.task.kind == "binary" and np.bincount(labels[held], minlength=2).min() < LEAST_OF_CLASS:
        return []
    parts, found = (np.flatnonzero(~held), np.flatnonzero(held)), []
    for column in view.dataset.columns:
        if column.kind in SKIPPED:
            continue
        bins, numbers = bins_of(take_rows(view.table.column(column.name), rows), ~held)
        if bins is not None:
            fit, judged = (Part.of(part, bins, numbers, labels) for part in parts)
            seen = (np.bincount(fit.bins, minlength=bins.max() + 1) > 0)[judged.bins]
            judged = Part.of(seen, *judged) if COVERED <= seen.mean() < 1 else judged
            strength, score = _score(view.dataset.task, fit, judged)
            found.append(Single(column=column, strength=strength, score=score))
    return sorted(found, key=lambda single: -single.strength)


class Part(NamedTuple):
    """Some rows of one column: their bins, their numbers if it holds such, and their labels."""

    bins: np.ndarray
    numbers: np.ndarray | None
    labels: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, bins: np.ndarray, numbers: np.ndarray | None, labels: np.ndarray) -> Part:
        return cls(bins[rows], None if numbers is None else numbers[rows], labels[rows])


def bins_of(values: pa.ChunkedArray, fit: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """A bin for each row (0: missing) and, for numbers, the values; (None, None) where hardly a value repeats."""
    kind = values.type
    if pt.is_temporal(kind):
        values = values.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    if pt.is_floating(values.type) or pt.is_integer(values.type):
        numbers = np.asarray(values.cast(pa.float64(), safe=False))  # NaN where one is missing
        order = np.argsort(numbers)  # from here on in half the time; NaN comes last
        ordered = numbers[order]
        known = ordered[fit[order] & np.isfinite(ordered)]
        num = min(BINS, max(2, len(known) // ROWS_PER_BIN))
        edges = quantiles(known, np.arange(1, num) / num) if len(known) else np.empty(0)
        ends = np.searchsorted(ordered, edges, side="right")
        ends = np.concatenate([[0], ends[np.diff(edges, append=np.inf) > 0], [len(numbers)]])  # equal edges are one
        bins = np.empty(len(numbers), np.int64)
        bins[order] = np.repeat(np.arange(1, len(ends)), np.diff(ends))
        return np.where(np.isnan(numbers), 0, bins), numbers
    if pt.is_nested(kind):
        return None, None
    codes = np.asarray(value_codes(values).fill_null(-1)).astype(np.int64) + 1
    if len(np.unique(codes)) > len(codes) / 2:
        return None, None
    return codes, None


def _score(task: Task, fit: Part, judged: Part) -> tuple[float, str]:
    truth, num = judged.labels, 1 + max(int(fit.bins.max()), int(judged.bins.max()))
    if task.kind == "regression":
        r2 = _r2(truth, _means(fit.bins, fit.labels, num)[judged.bins])
        if fit.numbers is not None and judged.numbers is not None:  # a line follows the tails, where a bin is wide
            r2 = max(r2, _r2(truth, _line(fit.numbers, fit.labels, judged.numbers)))
        return max(r2, 0.0), f"R2 {r2:.3f}"
    if task.kind == "binary":
        if not 0 < truth.sum() < len(truth):
            return 0.0, ""
        auc = _auc(truth, _means(fit.bins, fit.labels.astype(np.float64), num)[judged.bins])
        return max(2 * auc - 1, 0.0), f"AUC {auc:.3f}"
    prior = np.bincount(fit.labels, minlength=len(task.classes)) / len(fit.labels)
    guess = _commonest(fit.bins, fit.labels, prior, num)
    accuracy, base = float((guess[judged.bins] == truth).mean()), float((prior.argmax() == truth).mean())
    return max(
        (accuracy - base) / max(1 - base, 1e-9), 0.0
    ), f"accuracy {accuracy:.3f} against {base:.3f} for the largest class"


def _commonest(bins: np.ndarray, labels: np.ndarray, prior: np.ndarray, num_bins: int) -> np.ndarray:
    """(num_bins,) the commonest class of each bin, of equals that with the larger prior, and of an empty bin's alone.

    Of the pairs that are met, and not of all: many bins of many classes would fill the memory.
    """
    met, counts = np.unique(bins * len(prior) + labels, return_counts=True)
    place, label = np.divmod(met, len(prior))
    order = np.lexsort((-label, counts + SMOOTHING * prior[label], place))  # the best of each bin comes last
    best = order[np.append(place[order][1:] != place[order][:-1], True)] if len(order) else order
    guess = np.full(num_bins, prior.argmax())
    guess[place[best]] = label[best]
    return guess


def _auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC curve, ties counted half; scikit-learn has it, but takes 0.5 s to load."""
    place = np.unique(scores, return_inverse=True)[1]
    positive, negative = np.bincount(place, truth), np.bincount(place, 1 - truth)
    return float(positive @ (negative.cumsum() - negative / 2) / (positive.sum() * negative.sum()))


def _means(bins: np.ndarray, values: np.ndarray, num_bins: int) -> np.ndarray:
    """(num_bins,) the mean of the values in each bin, drawn a little to the whole's mean."""
    sums = np.bincount(bins, values, minlength=num_bins)
    return (sums + SMOOTHING * values.mean()) / (np.bincount(bins, minlength=num_bins) + SMOOTHING)


def _line(numbers: np.ndarray, values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What least squares on the numbers says of others; of those that are none the mean."""
    usable, mean = np.isfinite(numbers), values.mean()
    x, y = (numbers, values) if usable.all() else (numbers[usable], values[usable])
    if len(x) < 2 or not x.std():
        return np.full(len(others), mean)
    middle = x.mean()
    slope = ((x - middle) @ (y - y.mean())) / ((x - middle) @ (x - middle))
    known = np.isfinite(others)
    return np.where(known, y.mean() + slope * (np.where(known, others, middle) - middle), mean)


def _r2(truth: np.ndarray, guess: np.ndarray) -> float:
    return float(1 - ((truth - guess) ** 2).sum() / max(((truth - truth.mean()) ** 2).sum(), 1e-300))
