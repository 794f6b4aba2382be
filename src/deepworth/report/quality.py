"""The winner looked at beyond its score: calibration, mistakes, slices and coverage, from the files of a run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.data.examples import Examples
from deepworth.metrics import quality
from deepworth.metrics.quality import Bin, Coverage, Slice
from deepworth.report.words import number, short
from deepworth.store import RunFolder
from deepworth.types import DEEP, Dataset, Task, TrialResult, Verdict, record

SLICED = 12  # columns looked at besides the classes and groups
VALUES = 8  # of one column, the most frequent
CLASSES = 12  # of a confusion table; more are told by their most frequent mistakes
LISTED = 12  # slices shown


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Test rows with what the winner and the model it is compared with say of them."""

    test: Examples
    labels: np.ndarray
    winner: np.ndarray
    other: np.ndarray | None
    valid_labels: np.ndarray
    valid: np.ndarray
    threshold: float | None = None  # probability from which on the second of two classes is said

    @property
    def said(self) -> np.ndarray:
        """(n,) the class the winner says of each row, at its threshold where it has one."""
        if self.threshold is None:
            return self.winner.argmax(1)
        return (self.winner[:, 1] >= self.threshold).astype(np.int64)


@record
class Mistakes:
    """The confusion table where the classes are few, and the most frequent mistakes: (true, predicted, rows)."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    most: tuple[tuple[str, str, int], ...]


@record
class Quality:
    """What one score hides."""

    loss: str  # what the slices are measured by
    rows: int  # of the test part
    curve: tuple[Bin, ...] = ()
    other_curve: tuple[Bin, ...] = ()
    mistakes: Mistakes | None = None
    slices: tuple[Slice, ...] = ()  # those where the winner is worst against the other come first
    coverage: Coverage | None = None


def compared(verdict: Verdict) -> TrialResult | None:
    """The model the winner is held against: the other one of the verdict, else the best on valid of the other side.

    Where that side has none, the best of the rest.
    """
    by_key = {t.key: t for t in verdict.trials}
    name, sign = verdict.metric.name, -1 if verdict.metric.higher_is_better else 1
    side = by_key[verdict.winner].rung in DEEP
    if verdict.gain is not None:
        pair = (verdict.gain.challenger, verdict.gain.base)
        return by_key.get(pair[side])
    rest = [t for t in verdict.trials if t.status == "done" and t.key != verdict.winner and name in t.valid]
    return min(rest, key=lambda t: ((t.rung in DEEP) is side, sign * t.valid[name]), default=None)


def judged_rows(run: RunFolder) -> Rows | None:
    """The test rows with predictions, or None where the run folder does not hold them (any more)."""
    verdict = run.verdict
    folder, other = run.trial(verdict.winner), compared(verdict)
    needed = [folder / "predictions_test.npy", folder / "predictions_valid.npy", run.sealed / "labels_test.npy"]
    if not all(path.exists() for path in needed):
        return None
    beside = run.trial(other.key) / "predictions_test.npy" if other else None
    return Rows(
        test=Examples.open(run.path, "test"),
        labels=np.load(needed[2]),
        winner=np.load(needed[0]),
        other=np.load(beside) if beside and beside.exists() else None,
        valid_labels=np.load(run.data / "labels_valid.npy"),
        valid=np.load(needed[1]),
        threshold=chosen.value if (chosen := verdict.thresholds.get(verdict.winner)) else None,
    )


def losses(metric: str, task: Task, labels: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, str]:
    """(n,) losses of the rows and what their mean is called: of a regression in units of the target, never squared."""
    return quality.row_losses(metric if task.is_classification else "mae", task, labels, predictions)


def look(rows: Rows, metric: str) -> Quality:
    """Everything of `Quality` that these rows can tell."""
    task = rows.test.dataset.task
    own, loss = losses(metric, task, rows.labels, rows.winner)
    other = None if rows.other is None else losses(metric, task, rows.labels, rows.other)[0]
    found = quality.slices(_columns(rows), own, other)
    found = tuple(sorted(found, key=lambda s: (not s.worse, -(s.difference or 0.0), -s.winner)))
    pairs = (rows.valid_labels, rows.valid, rows.labels, rows.winner)
    enough = len(rows.valid_labels) >= quality.FEWEST
    number = len(rows.labels)
    if not task.is_classification:
        held = quality.conformal_intervals(*pairs) if enough else None
        return Quality(loss=loss, rows=number, slices=found, coverage=held)
    return Quality(
        loss=loss,
        rows=number,
        curve=quality.reliability(rows.labels, rows.winner),
        other_curve=() if rows.other is None else quality.reliability(rows.labels, rows.other),
        mistakes=_mistakes(rows, tuple(short(str(label)) for label in task.classes)),
        slices=found,
        coverage=quality.conformal_sets(*pairs) if enough else None,
    )


def _mistakes(rows: Rows, classes: tuple[str, ...]) -> Mistakes:
    counts = quality.confusion(rows.labels, rows.said, len(classes))
    most = tuple((classes[a], classes[b], n) for a, b, n in quality.most_confused(counts))
    table = tuple(tuple(int(n) for n in line) for line in counts) if len(classes) <= CLASSES else ()
    return Mistakes(classes=classes, counts=table, most=most)


def _columns(rows: Rows) -> list[tuple[str, np.ndarray, list[str]]]:
    """What the rows are sliced by: classes, groups, categories, truth values, numbers in quarters, lengths of texts."""
    dataset, made = rows.test.dataset, []
    constant = rows.other is not None and bool((rows.other == rows.other[:1]).all())  # wins its one class by nothing
    if dataset.task.is_classification and not constant:
        made.append((dataset.task.target, rows.labels, [short(str(label)) for label in dataset.task.classes]))
    if dataset.roles.group and dataset.roles.group in rows.test.table.column_names:
        made.append((dataset.roles.group, *_by_value(rows.test.column(dataset.roles.group))))
    for name in _sliced(dataset):
        values = rows.test.column(name)
        match dataset.column(name).kind:
            case "category" | "boolean":
                made.append((name, *_by_value(values)))
            case "number" if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
                made.append((name, *_by_quarter(values.cast(pa.float64()).to_numpy(zero_copy_only=False))))
            case "text":
                lengths = pc.fill_null(pc.utf8_length(values.cast(pa.string())), 0).to_numpy(zero_copy_only=False)
                codes, names = _by_quarter(lengths.astype(np.float64))
                made.append((f"{name}, characters", codes, names))
    return made


def _sliced(dataset: Dataset) -> list[str]:
    """Categories and truth values first: a person names them in a meeting. No number that is left out: takes, ids."""
    order = {"category": 0, "boolean": 1, "text": 2, "number": 3}
    found = [c for c in dataset.columns if c.kind in order and (c.kind != "number" or c.name in dataset.features)]
    return [c.name for c in sorted(found, key=lambda c: order[c.kind])[:SLICED]]


def _by_value(values: pa.Array) -> tuple[np.ndarray, list[str]]:
    """(n,) codes of the most frequent values, -1 for the rest, and their names."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    words = pc.fill_null(values.cast(pa.string()), "(missing)")
    counts = pc.value_counts(words)
    top = counts.take(pc.array_sort_indices(counts.field("counts"), order="descending")[:VALUES]).field("values")
    codes = pc.fill_null(pc.index_in(words, value_set=top), -1)
    return codes.to_numpy(zero_copy_only=False), [short(value) for value in top.to_pylist()]


def _by_quarter(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(n,) codes of the quarters of the rows by value, -1 where it is missing, and their bounds."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.full(len(values), -1), []
    edges = np.unique(np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))
    inner = edges[1:-1] if len(edges) > 2 else edges[:0]
    codes = np.where(np.isfinite(values), np.searchsorted(inner, values, side="left"), -1)
    bounds = [edges[0], *inner, edges[-1]]
    return codes, [f"{number(a)} to {number(b)}" for a, b in pairwise(bounds)]
