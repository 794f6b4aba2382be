"""From an opened source to a run folder: the task, the splits, the labels, and the test labels sealed away."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from deepworth.data.duplicates import row_hashes
from deepworth.data.labels import Labels, find_task
from deepworth.data.split import SplitIndices, given_parts, group_codes, make_splits, time_codes
from deepworth.errors import UserError, naming
from deepworth.store import RunFolder, write, write_array
from deepworth.types import Dataset, Goals, Roles, SourceOptions, Splits, Task, dump
from deepworth.words import are, count

if TYPE_CHECKING:
    from deepworth.data.open import Opened

PARTS = ("train", "valid", "test")


@dataclass(frozen=True, kw_only=True)
class Divided:
    """An opened source with its task found and its rows divided; `rows` and `codes` hold an array a part."""

    dataset: Dataset
    splits: Splits
    rows: dict[str, np.ndarray]  # int64 positions in the table
    codes: dict[str, np.ndarray]  # the labels beside them: int64 class codes, or float64 amounts
    known: np.ndarray  # (table rows,) bool: which have a target
    hashes: np.ndarray  # (table rows,) uint64: see data/duplicates.py


def prepare(opened: Opened, goals: Goals, options: SourceOptions, folder: Path) -> tuple[Dataset, Splits]:
    """Write `data/` and `splits/` of the run folder: which rows each part has, their labels, and what was decided.

    The table is not copied: rows without a target (or without a time, in a split by time) are in no part. Labels of the
    test rows lie under `data/sealed` alone; `data/has_target.npy` says of every row whether it has one. Raises
    UserError for a target or a split that cannot be used.
    """
    divided = divide(opened, goals, options)
    run = RunFolder(folder)
    for part in PARTS:
        write_array(run.path / "splits" / f"{part}.npy", divided.rows[part])
        write_array((run.sealed if part == "test" else run.data) / f"labels_{part}.npy", divided.codes[part])
    write_array(run.data / "row_hashes.npy", divided.hashes)
    write_array(run.data / "has_target.npy", divided.known)
    write(run.path / "splits" / "splits.json", dump(divided.splits))
    write(run.data / "dataset.json", dump(divided.dataset))  # last: a folder that has it is whole
    return divided.dataset, divided.splits


def divide(opened: Opened, goals: Goals, options: SourceOptions) -> Divided:
    """Find the task and divide the rows; nothing is written. Raises UserError as `prepare` does."""
    with naming(opened.read.source):
        return _divided(opened, goals, options)


def _divided(opened: Opened, goals: Goals, options: SourceOptions) -> Divided:
    if opened.target is None:
        raise UserError("name the column to predict with --target")
    labels = find_task(opened.target, opened.table.column(opened.target), options.task, goals.metric)
    rows, codes, division = _divide(opened.table, labels, opened.roles, goals.seed)
    task, told = _judged_by(labels.task, division, codes, goals.metric)
    roles = {opened.target, opened.roles.group, opened.roles.time, opened.roles.split}
    dataset = Dataset(
        name=opened.read.name,
        source=opened.read.source,
        reader=opened.read.reader,
        modality=opened.modality,
        task=task,
        rows=len(opened.table),
        columns=tuple(column for column in opened.columns if column.name not in roles),
        features=opened.features,
        fingerprint=opened.fingerprint,
        table="table.arrow",
        roles=opened.roles,
        notes=(*opened.notes, *labels.notes),
        lists=opened.lists,
    )
    placed = {part: rows[getattr(division, part)] for part in PARTS}
    labelled = {part: codes[getattr(division, part)] for part in PARTS}
    digest = hashlib.sha256(f"{division.protocol}|{goals.seed}".encode())
    for part in PARTS:
        digest.update(placed[part].tobytes() + b"|" + labelled[part].tobytes() + b"|")
    splits = Splits(
        protocol=division.protocol,
        seed=goals.seed,
        train=len(division.train),
        valid=len(division.valid),
        test=len(division.test),
        fingerprint=digest.hexdigest()[:16],
        notes=(*division.notes, *told),
    )
    return Divided(
        dataset=dataset,
        splits=splits,
        rows=placed,
        codes=labelled,
        known=labels.known,
        hashes=row_hashes(opened.table, dataset.feature_columns),
    )


def _divide(table: pa.Table, labels: Labels, roles: Roles, seed: int) -> tuple[np.ndarray, np.ndarray, SplitIndices]:
    """The table's rows that stay, their codes, and the division of them (positions among the rows that stay)."""
    keep, notes = labels.keep, []
    times = None
    if roles.time:
        moments = time_codes(roles.time, table.column(roles.time))
        lost = int((keep & (moments < 0)).sum())
        if lost:
            notes.append(f"{count(lost, 'row')} without {roles.time!r} {are(lost)} left out: neither past nor future")
        keep = keep & (moments >= 0)
        times = moments[keep]
    groups = None
    if roles.group:
        groups = group_codes(table.column(roles.group))[keep]
        if nameless := int((groups == 0).sum()):
            notes.append(f"{count(nameless, 'row')} without {roles.group!r} {are(nameless)} kept together as one group")
    given = given_parts(roles.split, table.column(roles.split))[keep] if roles.split else None
    codes = labels.codes[keep[labels.keep]]
    division = make_splits(codes, labels.task, seed, given=given, groups=groups, times=times)
    return np.flatnonzero(keep), codes, replace(division, notes=(*notes, *division.notes))


def _judged_by(
    task: Task, division: SplitIndices, codes: np.ndarray, wanted: str | None
) -> tuple[Task, tuple[str, ...]]:
    """The task with a metric that has a value on the rows it is needed on. Raises UserError if the wanted has none."""
    from deepworth.metrics.scores import ALWAYS, defined_on  # brings scikit-learn, about 0.5 s

    parts = {"validation": division.valid, "test": division.test}
    empty = [name for name, rows in parts.items() if not defined_on(task.metric, task, codes[rows])]
    if not empty:
        return task, ()
    other = ALWAYS[task.kind]
    why = f"{task.metric} has no value on the {' and the '.join(empty)} rows"
    if wanted:
        raise UserError(f"{why}: divide the rows another way, or take --metric {other}")
    return replace(task, metric=other), (f"judged by {other}: {why}",)
