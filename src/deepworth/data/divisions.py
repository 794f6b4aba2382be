"""Further divisions of the rows of a run: folds of a repeated cross-validation, nested subsets of the training rows."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace

import numpy as np

from deepworth.data.examples import open_table
from deepworth.data.split import LEAST_ROWS, MOST_VALID, VALID, Drawing, group_codes, time_codes
from deepworth.store import RunFolder, write, write_array
from deepworth.types import Dataset, Splits, dump, load

FOLDS = 5
FEWEST_FOLDS = 3  # of whole groups, where there are no more: fewer say nothing about how folds differ
FIRST_ORIGIN = 0.6  # share of the rows that lies before the first block of a rolling origin
PARTS = ("train", "valid", "test")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a run that are in a part, in any order: `part` is 0, 1, 2 for train, valid, test.

    `table` are their positions in the table, `codes` class codes or targets, `groups` and `times` integers as in
    `make_splits`. What is made of them are positions in these arrays.
    """

    table: np.ndarray
    part: np.ndarray
    codes: np.ndarray
    classes: int  # 0: a regression
    groups: np.ndarray | None = None
    times: np.ndarray | None = None

    @classmethod
    def of(cls, run: RunFolder) -> Rows:
        dataset = run.dataset
        found = [np.load(run.path / "splits" / f"{part}.npy") for part in PARTS]
        labels = [np.load((run.sealed if part == "test" else run.data) / f"labels_{part}.npy") for part in PARTS]
        table, rows, roles = open_table(dataset.table), np.concatenate(found), dataset.roles
        return cls(
            table=rows,
            part=np.repeat(np.arange(3, dtype=np.int8), [len(one) for one in found]),
            codes=np.concatenate(labels),
            classes=len(dataset.task.classes),
            groups=group_codes(table.column(roles.group))[rows] if roles.group else None,
            times=time_codes(roles.time, table.column(roles.time))[rows] if roles.time else None,
        )

    def groups_in(self, part: int) -> int | None:
        """How many groups the rows of a part come from; None where there are none."""
        return None if self.groups is None else len(np.unique(self.groups[self.part == part]))


@dataclass(frozen=True, kw_only=True)
class Division:
    """Positions of the rows of each part."""

    name: str
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def folds(rows: Rows, repetition: int, seed: int) -> list[Division]:
    """FOLDS divisions of the training and test rows, each row tested on once; none where the data does not allow it.

    The validation rows chose the models: they are never tested on, and remain what each fold is fitted beside.
    Classes are spread evenly, one with a single row is only learned from. Groups stay whole; of FOLDS or fewer each is
    a fold, once, and FEWEST_FOLDS are needed. Where rows have times the origin rolls: each block is predicted from what
    lies before it, the latest share of that for validation, once.
    """
    random = np.random.default_rng([seed, repetition])
    if rows.times is not None:
        return _rolling(rows, rows.times, random) if not repetition else []
    pool, valid = np.flatnonzero(rows.part != 1), np.flatnonzero(rows.part == 1)
    fold = _of_groups(rows, rows.groups, pool, random) if rows.groups is not None else _of_rows(rows, pool, random)
    number = int(fold.max(initial=-1)) + 1
    once = rows.groups is not None and len(np.unique(rows.groups[pool])) <= FOLDS
    if number < FEWEST_FOLDS or (once and repetition):
        return []
    return [
        Division(name=f"fold-{FOLDS * repetition + k}", train=pool[fold != k], valid=valid, test=pool[fold == k])
        for k in range(number)
    ]


def _of_rows(rows: Rows, pool: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(pool,) the fold in which each row is tested on, -1 for none."""
    order, fold = random.permutation(len(pool)), np.empty(len(pool), np.int64)
    labels = rows.codes[pool] if rows.classes else np.zeros(len(pool), np.int64)
    fold[order[np.argsort(labels[order], kind="stable")]] = np.arange(len(pool)) % FOLDS
    if rows.classes:
        fold[np.bincount(labels, minlength=rows.classes)[labels] == 1] = -1
    return fold


def _of_groups(rows: Rows, groups: np.ndarray, pool: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(pool,) folds of whole groups: the largest first, each to where its classes are rarest so far."""
    group = np.unique(groups[pool], return_inverse=True)[1]
    width, number = max(rows.classes, 1), int(group.max()) + 1
    labels = rows.codes[pool] if rows.classes else np.zeros(len(pool), np.int64)
    counts = np.bincount(group * width + labels, minlength=number * width).reshape(number, width)
    shares = counts / np.maximum(counts.sum(0), 1)
    filled, fold = np.zeros((FOLDS, width)), np.empty(number, np.int64)
    order = random.permutation(number)
    for one in order[np.argsort(-counts.sum(1)[order], kind="stable")]:
        fold[one] = np.argmin(filled @ shares[one] + 1e-6 * filled.sum(1))  # an empty fold is the least of all
        filled[fold[one]] += shares[one]
    return fold[group]


def _rolling(rows: Rows, times: np.ndarray, random: np.random.Generator) -> list[Division]:
    pool = np.flatnonzero(rows.part != 1)
    ordered = np.sort(times[pool])
    starts = ordered[np.linspace(FIRST_ORIGIN * len(pool), len(pool), FOLDS, endpoint=False).astype(int)]
    first = times[times < starts[0]]
    if len(np.unique(starts)) < FOLDS or len(first) < LEAST_ROWS or len(np.unique(first)) == 1:
        return []
    drawing = Drawing(rows.codes if rows.classes else None, None, times, random)
    found = []
    for k, (start, end) in enumerate(zip(starts, [*starts[1:], ordered[-1] + 1], strict=True)):
        past = np.flatnonzero(times < start)
        valid = drawing.take(past, VALID, MOST_VALID, leave=1)
        test = pool[(times[pool] >= start) & (times[pool] < end)]
        found.append(Division(name=f"fold-{k}", train=np.setdiff1d(past, valid), valid=valid, test=test))
    return found


def nested(rows: Rows, sizes: tuple[int, ...], seed: int) -> list[Division]:
    """Divisions with about so many training rows each (`sizes` grow), each holding those before; the last has all.

    Every class stays, in proportion where there are no groups; groups stay whole. Rows with times are drawn at random
    like others, all of them being the past: of the most recent ones there is one draw only, which tells no spread.
    Validation and test rows are those of the run.
    """
    train = np.flatnonzero(rows.part == 0)
    random = np.random.default_rng(seed)
    if rows.groups is not None:
        unit = _groups_in_order(rows, rows.groups[train], train, random)
        order, unit = train[np.argsort(unit, kind="stable")], np.sort(unit)
    else:
        order, unit = _in_proportion(rows, train, random), np.arange(len(train))
    borders = np.append(np.flatnonzero(np.diff(unit)) + 1, len(train))  # where a unit ends
    if rows.classes:
        borders = borders[borders > np.unique(rows.codes[order], return_index=True)[1].max()]
    counts = [int(borders[np.abs(borders - size).argmin()]) for size in sizes]
    valid, test = np.flatnonzero(rows.part == 1), np.flatnonzero(rows.part == 2)
    return [
        Division(name=f"size-{seed}-{count}", train=np.sort(order[:count]), valid=valid, test=test)
        for count in dict.fromkeys(counts)
    ]


def _in_proportion(rows: Rows, train: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The training rows so that each beginning of them holds every class in proportion; first one row of each."""
    shuffled = random.permutation(train)
    if not rows.classes:
        return shuffled
    labels = rows.codes[shuffled]
    counts = np.bincount(labels, minlength=rows.classes)
    by_class = np.argsort(labels, kind="stable")
    rank = np.empty(len(train))
    rank[by_class] = np.arange(len(train)) - np.repeat(np.cumsum(counts) - counts, counts)
    return shuffled[np.argsort(np.where(rank == 0, -1.0, (rank + random.random(len(train))) / counts[labels]))]


def _groups_in_order(rows: Rows, groups: np.ndarray, train: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(train,) the place of each row's group in a random order, in which those that bring a new class come first."""
    group = np.unique(groups, return_inverse=True)[1]
    order = random.permutation(int(group.max()) + 1)
    if rows.classes:
        place = np.argsort(order)[group]
        by_place = np.argsort(place, kind="stable")
        firsts = np.unique(rows.codes[train][by_place], return_index=True)[1]
        brings = np.isin(order, group[by_place[firsts]])
        order = np.concatenate([order[brings], order[~brings]])
    return np.argsort(order)[group]


def write_division(run: RunFolder, rows: Rows, division: Division) -> RunFolder:
    """The folder of a division, a small run folder below that of the run whose table it shares; what is there stays."""
    folder = RunFolder(run.path / "divisions" / division.name)
    if (folder.path / "splits" / "splits.json").exists():
        return folder
    whole = run.splits
    digest = hashlib.sha256(f"{whole.fingerprint}|{division.name}".encode())
    for part in PARTS:
        positions = getattr(division, part)
        positions = positions[np.argsort(rows.table[positions])]
        digest.update(rows.table[positions].tobytes() + b"|")
        write_array(folder.path / "splits" / f"{part}.npy", rows.table[positions])
        labels = rows.codes[positions]
        write_array((folder.sealed if part == "test" else folder.data) / f"labels_{part}.npy", labels)
    dataset = load(Dataset, run.data / "dataset.json")
    table = os.path.relpath(run.data / dataset.table, folder.data)  # the run can be moved
    write(folder.data / "dataset.json", dump(replace(dataset, table=table)))
    splits = Splits(
        protocol=whole.protocol,
        seed=whole.seed,
        train=len(division.train),
        valid=len(division.valid),
        test=len(division.test),
        fingerprint=digest.hexdigest()[:16],
    )
    write(folder.path / "splits" / "splits.json", dump(splits))  # last: a division that has it is whole
    return folder
