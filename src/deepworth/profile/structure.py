"""Concerns about rows that belong together, by entity or in time, and that a random split tears apart."""

from __future__ import annotations

import re

import numpy as np
import pyarrow.types as pt

from deepworth.data.split import time_codes, value_codes
from deepworth.profile.view import View
from deepworth.types import Column, Concern

# fmt: off
ENTITIES = frozenset((
    "speaker", "subject", "patient", "user", "customer", "client", "person", "participant", "volunteer", "host",
    "author", "student", "driver", "household", "family", "session", "recording", "device", "sensor", "machine", "unit",
    "engine", "store", "shop", "company", "account", "group", "cluster", "fold", "batch", "site", "hospital",
    "sequence", "series", "trip",
))
# fmt: on
NUMBERED = ("id", "no", "nr", "num", "number", "key", "code", "name")  # customer_no, user_name
ROWS_OF_ONE = 1.2  # mean rows per value from which values are said to repeat
TORN = 0.05  # share of test rows whose entity is learned from, too, that deserves a word
TESTED = 20_000  # test rows looked at
CLOSE = 0.02  # of the distance of any two rows in time, the distance of neighbours in a table written block by block
ORDERED = 0.95  # share of neighbours in time order in a table that is written in time order
ALIKE = 0.5  # correlation of neighbouring targets that makes a random split flatter


def groups(view: View) -> list[Concern]:
    """Columns named like an entity whose values stand in the training and the test rows."""
    chosen = view.dataset.roles.group
    found = []
    for column in view.dataset.columns:
        if column.kind in ("constant", "boolean", "image", "audio") or not names_entity(column.name):
            continue
        codes = np.asarray(value_codes(view.table.column(column.name)).fill_null(-1))
        distinct = len(np.unique(codes))
        if distinct < 2 or len(codes) < ROWS_OF_ONE * distinct or (chosen and distinct < _distinct(view, chosen)):
            continue
        test = view.rows["test"][:: -(-len(view.rows["test"]) // TESTED)]
        torn = float(np.isin(codes[test], codes[view.rows["train"]]).mean())
        if torn >= TORN:
            found.append(_torn(view, column, distinct, torn))
    return found


def names_entity(name: str) -> bool:
    """Whether a column's name says that its values stand for persons, devices, recordings, ..."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    if not words:
        return False
    return words[-1] in ENTITIES or words[-1] == "id" or (words[-1] in NUMBERED and words[0] in ENTITIES)


def _distinct(view: View, name: str) -> int:
    return len(np.unique(np.asarray(value_codes(view.table.column(name)).fill_null(-1))))


def _torn(view: View, column: Column, distinct: int, torn: float) -> Concern:
    way = (
        "the given split tears it apart"
        if view.splits.protocol == "given"
        else f"--group {column.name} keeps it together"
    )
    return Concern(
        id="group",
        message=f"{column.name} looks like what rows belong to ({distinct:,} values in {view.dataset.rows:,} rows) and "
        f"{torn:.0%} of the test rows have a value that is learned from too: scores say nothing about new ones; {way}",
        columns=(column.name,),
    )


def times(view: View) -> list[Concern]:
    """Dates in the table of a split that does not go from past to future."""
    if view.dataset.roles.time or view.splits.protocol == "given":
        return []
    dates = [column for column in view.dataset.columns if column.kind == "datetime"]
    if not dates:
        return []
    ordered = [column.name for column in dates if _in_order(view, column)]
    names = ", ".join(column.name for column in dates)
    alike = _neighbours_alike(view) if ordered else 0.0
    likely = ordered[0] if ordered else dates[0].name if len(dates) == 1 else "NAME"
    told = f"the rows are in the order of {ordered[0]}" if ordered else f"there are dates ({names})"
    if alike >= ALIKE:
        told += f" and neighbours have like targets (correlation {alike:.2f})"
    return [
        Concern(
            id="time" if ordered else "dates",
            message=f"{told}, and the split is not by time: for predictions about later times a random split flatters; "
            f"--time-column {likely} judges on the latest rows",
            columns=tuple(ordered or (column.name for column in dates)),
        )
    ]


def _in_order(view: View, column: Column) -> bool:
    kind = view.table.schema.field(column.name).type
    if not (pt.is_timestamp(kind) or pt.is_date(kind)):
        return False
    moments = time_codes(column.name, view.sampled(column))
    moments = moments[moments >= 0].astype(np.float64)
    if len(np.unique(moments)) <= 2:
        return False
    apart = np.abs(np.diff(moments))
    anywhere = np.abs(moments - np.random.default_rng(0).permutation(moments))
    # Or in blocks, each in order, as months sorted by name: neighbours lie far closer than any two rows do.
    return float((np.diff(moments) >= 0).mean()) >= ORDERED or bool(np.median(apart) <= CLOSE * np.median(anywhere))


def _neighbours_alike(view: View) -> float:
    """The correlation of the targets of rows that follow each other in the table, both in the training part."""
    rows = view.rows["train"]
    pairs = np.flatnonzero(np.diff(rows) == 1)
    first, second = view.labels[pairs].astype(np.float64), view.labels[pairs + 1].astype(np.float64)
    if len(pairs) < 100 or not first.std() or not second.std():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
