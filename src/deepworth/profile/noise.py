"""Concern about labels: rows whose features say another class so plainly that the label looks wrong.

As in confident learning (Northcutt et al. 2021) a cheap model that has not seen a row judges its label; the cut is
found by turning some labels round oneself and asking how well these are found.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow.types as pt

from deepworth.profile.single import bins_of
from deepworth.profile.terms import CHARACTERS, terms_of
from deepworth.profile.view import View
from deepworth.types import Column, Concern

ROWS, LETTERS = 10_000, 2_000_000  # training rows looked at, and of texts what they hold
LEAST_ROWS = 300
MOST_CLASSES = 100
WIDTH, LEVELS = 400, 24  # columns of the design, and of one column in it
PENALTIES = (0.3, 3.0, 30.0, 300.0)  # of the ridge
TURNED, TIMES = 0.02, 4  # share of the labels turned round, and how often
PLAIN = 0.1  # share of the turned labels, the plainest, that tell how many wrong labels there are
LEAST_FOUND = 0.2  # share of the turned labels that must be found ...
LEAST_SHARE = 0.4  # ... and that they must be of all rows named: about as many may be really wrong
PRECISION = 0.7  # of what is named, as far as can be told
LEAST_RATE = 0.005  # of wrong labels, as far as can be told: below it a strange row is as likely
LEAST_ROWS_NAMED = 3
MOST_OF_CLASS, FEW = 0.06, 5  # share of a class's rows, or so few, that may be wrong; more and it is a rare class
SHOWN = 5

Margins = Callable[[np.ndarray], np.ndarray]  # labels -> how much more the features say another class than that


def label_noise(view: View) -> list[Concern]:
    """Training rows of a table or of texts whose label looks wrong; nothing where the classes are not that plain."""
    rows, looked_at, share = suspect_rows(view)
    if not len(rows):
        return []
    target = view.dataset.task.target
    return [
        Concern(
            id="label-noise",
            message=f"{len(rows):,} of {looked_at:,} training rows looked at have features that plainly say another "
            f"class than {target}: their labels may be wrong (of labels turned on purpose this finds {share:.0%})",
            columns=(target,),
            rows=len(rows),
            examples=tuple(f"row {row}" for row in rows[:SHOWN]),
        )
    ]


def suspect_rows(view: View) -> tuple[np.ndarray, int, float]:
    """Rows of the table, the plainest first; how many were looked at; and the share of turned labels that are found."""
    nothing = np.empty(0, np.int64), 0, 0.0
    make, most = {"tabular": _of_table, "text": _of_texts}.get(view.dataset.modality), _most(view)
    looked_at = view.looked_at(most)
    labels = np.unique(view.labels[looked_at], return_inverse=True)[1]
    num_classes = int(labels.max(initial=0)) + 1
    usable = view.dataset.task.is_classification and len(labels) >= LEAST_ROWS and 2 <= num_classes <= MOST_CLASSES
    margins = make(view, num_classes, most) if make and usable else None
    if margins is None:
        return nothing
    found, share = suspects(margins, labels, view.splits.seed)
    return view.rows["train"][looked_at[found]], len(labels), share


def _most(view: View) -> int:
    """Rows to look at: fewer where texts are long."""
    if view.dataset.modality != "text":
        return ROWS
    return int(min(ROWS, LETTERS / min(CHARACTERS, 1 + view.mean_length(view.dataset.feature_columns[0]))))


def suspects(margins: Margins, labels: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Positions whose labels look wrong, the plainest first, and the share of turned labels found at the same cut.

    Were all that is named wrong labels, there would be as many in all as `named / share`; there are no more than the
    least of these over the cuts, since rows that are on the wrong side by nature come in at the low ones. So the
    precision of each cut is known from above, and it is read where the classes are plain: where they overlap the
    turned labels are few among all that is named, at any cut.
    """
    rng = np.random.default_rng(seed)
    num_classes, mine = int(labels.max()) + 1, margins(labels)
    turned = []
    for _ in range(TIMES):
        rows = rng.choice(len(labels), max(1, round(TURNED * len(labels))), replace=False)
        other = labels.copy()
        other[rows] = (labels[rows] + rng.integers(1, num_classes, len(rows))) % num_classes
        turned.append(margins(other)[rows])
    planted, ordered = np.sort(np.concatenate(turned)), np.sort(mine)
    cuts = planted[planted > 0]
    share = 1 - np.searchsorted(planted, cuts) / len(planted)  # of the turned labels, found at each cut
    cuts, share = cuts[share >= PLAIN], share[share >= PLAIN]
    if not len(cuts):
        return np.empty(0, np.int64), 0.0
    named = len(mine) - np.searchsorted(ordered, cuts)
    wrong, own = float((named / share).min()), share * TURNED * len(mine)
    good = (share >= LEAST_FOUND) & (named >= LEAST_ROWS_NAMED) & (own >= LEAST_SHARE * (own + named))
    good &= share * wrong >= PRECISION * named
    if wrong < LEAST_RATE * len(mine) or not good.any():
        return np.empty(0, np.int64), 0.0
    best = int(np.argmax(good))
    found = np.flatnonzero(mine >= cuts[best])
    counts, rows_of_class = np.bincount(labels[found], minlength=num_classes), np.bincount(labels)
    found = found[(counts <= np.maximum(FEW, MOST_OF_CLASS * rows_of_class))[labels[found]]]
    if len(found) < LEAST_ROWS_NAMED:
        return np.empty(0, np.int64), 0.0
    return found[np.argsort(-mine[found], kind="stable")], float(share[best])


def _of_table(view: View, num_classes: int, most: int) -> Margins | None:
    """Ridge regression on the classes, additive in the binned columns: what it says of a row left out is exact."""
    columns, random = view.dataset.feature_columns, np.random.default_rng(view.splits.seed)
    if len(columns) > WIDTH:  # three levels of each would be too many
        columns = tuple(columns[place] for place in random.permutation(len(columns))[: WIDTH // 2])
    parts = [design for column in columns if len(design := _design(view, column, most))]
    if not parts:
        return None
    x = np.hstack(parts)
    if x.shape[1] > 2 * WIDTH:
        x = x[:, random.permutation(x.shape[1])[: 2 * WIDTH]]
    values, vectors = np.linalg.eigh(x.T @ x)
    rotated = x @ vectors
    squares = rotated**2

    def margins(labels: np.ndarray) -> np.ndarray:
        truth = np.eye(num_classes, dtype=np.float32)[labels]
        mean = truth.mean(0)
        inner, least, said = rotated.T @ (truth - mean), np.inf, truth
        for penalty in PENALTIES:
            shrunk = 1 / (np.maximum(values, 0) + penalty)
            leverage = np.minimum(squares @ shrunk + 1 / len(x), 0.99)
            left_out = (truth - mean - rotated @ (shrunk[:, None] * inner)) / (1 - leverage)[:, None]
            if (error := float((left_out**2).mean())) < least:
                least, said = error, truth - left_out
        return beside(said, labels)

    return margins


def _design(view: View, column: Column, most: int) -> np.ndarray:
    """(rows, levels) float32 of one column: which of at most LEVELS bins or common values a row has, centred."""
    values = view.sampled(column, most)
    empty = np.empty((0, 0), np.float32)
    if column.kind not in ("number", "category", "boolean", "datetime") or pt.is_nested(values.type):
        return empty
    bins, numbers = bins_of(values, np.ones(len(values), bool))
    if bins is None:
        return empty
    levels = int(np.clip(WIDTH // max(1, len(view.dataset.features)), 3, LEVELS))
    if numbers is not None:
        bins = np.where(bins == 0, 0, 1 + (bins - 1) * levels // max(1, int(bins.max())))
    else:
        place, counts = np.unique(bins, return_inverse=True, return_counts=True)[1:]
        bins = np.minimum(np.argsort(np.argsort(-counts, kind="stable"), kind="stable")[place], levels)
    hot = np.eye(int(bins.max()) + 1, dtype=np.float32)[bins]
    share = hot.mean(0)
    hot, share = hot[:, share > 0], share[share > 0]
    return (hot - share) / np.sqrt(np.sqrt(share * (1 - share)) + 0.02)  # rare ones count for more, not for all


def _of_texts(view: View, num_classes: int, most: int) -> Margins | None:
    """Naive Bayes on the words and pairs of words of each text, its own taken out of the counts."""
    column = view.dataset.feature_columns[0]
    if not view.has_words(column):
        return None
    texts = view.sampled(column, most)
    rows, terms = terms_of(texts)
    if not len(rows):
        return None
    num, width = len(texts), int(terms.max()) + 1
    lengths = np.bincount(rows, minlength=num)

    def margins(labels: np.ndarray) -> np.ndarray:
        said = np.empty((num, num_classes), np.float32)
        for place in range(num_classes):
            own = labels == place
            mine = own[rows]
            counts = np.bincount(terms[mine], minlength=width)[terms] - mine + 0.5
            total = mine.sum() - own * lengths + 0.5 * width
            said[:, place] = np.bincount(rows, np.log(counts), minlength=num) - lengths * np.log(total)
            said[:, place] += np.log((own.sum() - own + 1) / num)
        return beside(said, labels) / np.sqrt(lengths + 1)

    return margins


def beside(said: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(rows,) how far the best other class lies above the label."""
    each, best = np.arange(len(labels)), said.copy()
    best[each, labels] = -np.inf
    return best.max(1) - said[each, labels]
