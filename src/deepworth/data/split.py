"""Rows into train, valid and test: as given, by group, by time, stratified or random; one division for every model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data import forms
from deepworth.errors import UserError
from deepworth.types import Task
from deepworth.words import are, count, have

TEST = 0.2  # share of all rows
VALID = 0.2  # share of what the test part leaves
MOST_TEST, MOST_VALID = 100_000, 50_000  # rows: more would cost prediction time and narrow no interval that matters
LEAST_ROWS = 10
SEEN = 2_000  # different dates looked at to find their form
DRAWS, DRAWS_OF_MANY, MANY_GROUPS = 64, 8, 1000  # divisions of groups tried; with many groups any one is near balance
PARTS = {
    **dict.fromkeys(("train", "training", "trn", "learn"), 0),
    **dict.fromkeys(("valid", "validation", "val", "dev", "development"), 1),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "hold-out", "hold_out"), 2),
}


@dataclass(frozen=True, kw_only=True)
class SplitIndices:
    """Sorted int64 positions of the rows of each part."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    protocol: str
    notes: tuple[str, ...] = ()


def make_splits(
    codes: np.ndarray,
    task: Task,
    seed: int,
    *,
    given: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> SplitIndices:
    """About 64 % of the rows to learn from, 16 % to choose by, 20 % to judge by.

    `codes` are class codes or regression targets, `given` is 0, 1, 2 for train, valid, test, `groups` and `times` are
    integers of which equal ones stay together and, for times, larger ones come later. A given test part stays as it is;
    what is not given is drawn from the training rows by group, by time or at random, whichever applies. Raises
    UserError for too few rows, one group, one time, or a training part with a single class.
    """
    if len(codes) < LEAST_ROWS:
        raise UserError(
            f"{count(len(codes), 'row')} with a target {are(len(codes))} too few to learn from and judge: bring at "
            f"least {LEAST_ROWS}"
        )
    if groups is not None and times is not None:
        raise UserError("a split by group and by time at once is not made: give --group or --time-column, not both")
    drawing = Drawing(codes if task.is_classification else None, groups, times, np.random.default_rng(seed))
    everything = np.arange(len(codes))
    part = np.zeros(len(codes), np.int8) if given is None else given.astype(np.int8)
    if not (part == 2).any():
        part[drawing.take(everything[part == 0], TEST, MOST_TEST, leave=1 if (part == 1).any() else 2)] = 2
    if not (part == 1).any():
        part[drawing.take(everything[part == 0], VALID, MOST_VALID, leave=1)] = 1
    notes = drawing.notes
    if given is not None and groups is not None:
        notes += _straddling(groups, part)
    if task.is_classification:
        notes += _classes_seen(codes, part, task)
    return SplitIndices(
        train=everything[part == 0],
        valid=everything[part == 1],
        test=everything[part == 2],
        protocol="given" if given is not None else drawing.protocol,
        notes=tuple(notes),
    )


class Drawing:
    """Takes some rows out of a pool the way the data asks for."""

    def __init__(
        self,
        labels: np.ndarray | None,
        groups: np.ndarray | None,
        times: np.ndarray | None,
        rng: np.random.Generator,
    ) -> None:
        self.groups, self.times, self.rng = groups, times, rng
        # few classes in few bytes: sorted in a fifth of the time
        self.labels = None if labels is None else labels.astype(np.min_scalar_type(int(labels.max(initial=0))))
        self.notes: list[str] = []

    @property
    def protocol(self) -> str:
        if self.groups is not None or self.times is not None:
            return "group" if self.groups is not None else "time"
        return "random" if self.labels is None else "stratified"

    def take(self, pool: np.ndarray, share: float, most: int, leave: int) -> np.ndarray:
        """About `share` of the pool, at most about `most` rows. `leave` parts are still to be made of the rest."""
        if len(pool) < 2:
            raise UserError(f"this split leaves {len(pool)} training rows: too few to learn from")
        wanted = max(1, min(round(share * len(pool)), most))
        if self.groups is not None:
            return self._whole_groups(self.groups[pool], pool, wanted, leave)
        if self.times is not None:
            return self._latest(self.times[pool], pool, wanted, leave)
        return self._stratified(pool, wanted)

    def _stratified(self, pool: np.ndarray, wanted: int) -> np.ndarray:
        """Rows at random, from each class in proportion: never all of a class, and never none."""
        shuffled = self.rng.permutation(pool)
        if self.labels is None:
            return shuffled[:wanted]
        counts = np.bincount(self.labels[pool])
        quota = wanted * counts / len(pool)
        most = np.maximum(counts - 1, 0)
        take = np.clip(np.rint(quota), np.minimum(1, most), most).astype(np.int64)
        room = np.flatnonzero(take < most)
        short = max(0, wanted - int(take.sum()))
        take[room[np.argsort((take - quota)[room], kind="stable")[:short]]] += 1
        by_class = np.argsort(self.labels[shuffled], kind="stable")
        rank = np.arange(len(pool)) - np.repeat(np.cumsum(counts) - counts, counts)  # of a row within its class
        return shuffled[by_class[rank < np.repeat(take, counts)]]

    def _whole_groups(self, groups: np.ndarray, pool: np.ndarray, wanted: int, leave: int) -> np.ndarray:
        """Whole groups: the best of some random divisions for size, classes, and classes left to learn from."""
        names, group = np.unique(groups, return_inverse=True)
        if len(names) < 2:
            if leave == 2:
                raise UserError("the group column has one group only: a split by group needs at least two, better five")
            self.notes.append("one group is left to learn from, so the validation rows come from it at random")
            return self._stratified(pool, wanted)
        leave = min(leave, len(names) - 1)
        sizes = np.bincount(group)
        counts = None  # (groups, classes)
        if self.labels is not None:
            width = int(self.labels.max()) + 1
            counts = np.bincount(group * width + self.labels[pool], minlength=len(names) * width).reshape(-1, width)
        best, least = np.empty(0, np.int64), np.inf
        for _ in range(DRAWS if len(names) <= MANY_GROUPS else DRAWS_OF_MANY):
            order = self.rng.permutation(len(names))
            filled = np.cumsum(sizes[order])
            num = int(np.clip(np.abs(filled - wanted).argmin() + 1, 1, len(names) - leave))
            chosen = order[:num]
            cost = abs(int(filled[num - 1]) - wanted) / wanted
            if counts is not None:
                cost += _imbalance(counts.sum(0), counts[chosen].sum(0))
            if cost < least:
                best, least = chosen, cost
        return pool[np.isin(group, best)]

    def _latest(self, times: np.ndarray, pool: np.ndarray, wanted: int, leave: int) -> np.ndarray:
        """The rows after a border in time, rows of one time on one side."""
        ordered = np.sort(times)
        borders = np.flatnonzero(np.diff(ordered)) + 1  # positions where a new time begins
        if not len(borders):
            if leave == 2:
                raise UserError("the time column has one value only: a split by time needs at least two, better many")
            self.notes.append("the training rows share one time, so the validation rows are drawn from them at random")
            return self._stratified(pool, wanted)
        usable = borders[min(leave, len(borders)) - 1 :]  # leave a border for the part still to be made
        border = usable[np.abs(usable - (len(pool) - wanted)).argmin()]
        return pool[times >= ordered[border]]


def _imbalance(whole: np.ndarray, part: np.ndarray) -> float:
    """How far the classes of a part are from those of the whole; a class the rest would lack weighs most."""
    present = whole > 0
    distance = 0.5 * np.abs(part / max(part.sum(), 1) - whole / whole.sum()).sum()
    return float(distance + 10 * (present & (part == whole)).sum() + (present & (part == 0)).mean())


def _straddling(groups: np.ndarray, part: np.ndarray) -> list[str]:
    shared = np.isin(groups[part == 2], groups[part != 2])
    if not shared.any():
        return []
    return [f"{int(shared.sum()):,} of {len(shared):,} given test rows belong to groups that are also learned from"]


def _classes_seen(codes: np.ndarray, part: np.ndarray, task: Task) -> list[str]:
    """Notes on classes a part lacks. Raises UserError when a single class is left to learn from."""
    counts = [np.bincount(codes[part == p], minlength=len(task.classes)) for p in (0, 1, 2)]
    unseen = np.flatnonzero(counts[0] == 0)
    if len(task.classes) - len(unseen) < 2:
        raise UserError(
            "this split leaves a single class to learn from: name another --group or --time-column, or none"
        )
    notes = []
    if len(unseen):
        names = ", ".join(repr(task.classes[c]) for c in unseen[:5])
        rows = int(counts[1][unseen].sum() + counts[2][unseen].sum())
        notes.append(
            f"{count(len(unseen), 'class')} {have(len(unseen))} no training row, so {count(rows, 'row')} "
            f"cannot be predicted right: {names}"
        )
    for name, of_part in (("validation", counts[1]), ("test", counts[2])):
        if (of_part > 0).sum() < 2:
            notes.append(f"the {name} part holds a single class")
    return notes


def given_parts(name: str, values: pa.ChunkedArray) -> np.ndarray:
    """0, 1 or 2 for train, valid or test, from the words usual for them. Raises UserError for other words."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(_strings(values)))
    known = pa.array(list(PARTS))
    position = pc.index_in(words, value_set=known)
    if position.null_count:
        found = ", ".join(repr(v) for v in words.filter(position.is_null()).unique().slice(0, 5).to_pylist())
        raise UserError(
            f"the split column {name!r} holds {found} in {position.null_count:,} rows; it may hold train, valid "
            f"and test. To keep the values of {name!r} together use --group {name}"
        )
    parts = np.asarray(list(PARTS.values()), np.int8)[np.asarray(position)]
    if not (parts == 0).any():
        raise UserError(f"the split column {name!r} marks no row as train")
    return parts


def group_codes(values: pa.ChunkedArray) -> np.ndarray:
    """An integer for each group; rows without one share 0."""
    codes = np.asarray(pc.fill_null(value_codes(values), -1), dtype=np.int64)
    return codes + 1


def time_codes(name: str, values: pa.ChunkedArray) -> np.ndarray:
    """An integer that grows with time, -1 where it is missing. Raises UserError for text that is no date."""
    kind = values.type
    if pt.is_dictionary(kind) or pt.is_string(kind) or pt.is_large_string(kind):
        values = _dates(name, _strings(values))
    elif pt.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values)
    elif not (pt.is_integer(kind) or pt.is_timestamp(kind) or pt.is_date(kind)):
        raise UserError(f"the time column {name!r} holds values of type {kind}: dates, times or numbers are needed")
    valid = np.asarray(values.is_valid())
    codes = np.full(len(values), -1, np.int64)
    codes[valid] = np.unique(np.asarray(values.drop_null()), return_inverse=True)[1]
    return codes


def _dates(name: str, words: pa.ChunkedArray) -> pa.ChunkedArray:
    seen = forms.known(words.unique().slice(0, SEEN))
    form, _ = forms.date_form(seen)
    if not form:
        shown = ", ".join(repr(word) for word in seen.slice(0, 3).to_pylist())
        raise UserError(
            f"the time column {name!r} cannot be read as dates ({shown}): "
            "write them like 2024-05-31 or 2024-05-31 17:00:00"
        )
    return pa.chunked_array([forms.dates(chunk, form) for chunk in words.chunks], pa.timestamp("us"))


def _strings(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return (values.cast(values.type.value_type) if pt.is_dictionary(values.type) else values).cast(pa.string())


def value_codes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Positions of the values in the column's dictionary, null where missing."""
    encoded = values if pt.is_dictionary(values.type) else values.dictionary_encode()
    return pa.chunked_array(
        [chunk.indices for chunk in encoded.unify_dictionaries().chunks], type=encoded.type.index_type
    )
