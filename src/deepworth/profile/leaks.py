"""Concerns about columns that give the target away, or that are only known when the target is."""

from __future__ import annotations

import re

import numpy as np
import pyarrow.compute as pc

from deepworth.profile.single import Single, single_columns
from deepworth.profile.view import View
from deepworth.types import Column, Concern

SURE = 0.98  # strength of an AUC of 0.99 ...
SURE_R2 = 0.99
STRONG, TIMES_NEXT = 0.7, 2.0  # a column this strong and this many times the next is suspicious too
LEAST_COLUMNS = 3  # columns needed to say that one stands out
LEAST_MISSING = 20  # rows without a value before their coincidence says anything
COINCIDE = 0.7  # rows missing in both over rows missing in either
MOST_COINCIDE = 0.5  # of all columns: more and the rows are simply empty
PLANS = ("sched", "scheduled", "plan", "planned", "expected", "target", "due")
ENDED = re.compile(  # a patient's discharge, not a river's or a battery's
    r"length.?of.?stay|^los$|discharged|discharge.?(?:dispo|dest|loc|stat|date|day|year|offset|reason|code)"
    r"|(?:date|day|time|hospital|unit|icu|patient).?(?:of.?)?discharge|outcome|surviv|(?:time|days).?to.?(?:event|death)",
    re.IGNORECASE,
)
STEM = 3  # letters a shared part of a name must have
PLAIN_WORDS = {
    "and",
    "code",
    "count",
    "has",
    "label",
    "name",
    "num",
    "number",
    "target",
    "the",
    "total",
    "type",
    "value",
}


def leaks(view: View) -> list[Concern]:
    """Columns that predict the target alone, that are missing where it is or where those are, or have like names."""
    # A date tells the target of rows in its order: the check of times says so.
    singles = [single for single in single_columns(view) if single.column.kind != "datetime"]
    sure = [single for single in singles if single.strength >= _sure(view)]
    outstanding = _outstanding([single for single in singles if single not in sure])
    found = [_alone(view, single, "almost perfectly") for single in sure]
    found += [_alone(view, single, "far better than any other column") for single in outstanding]
    suspects = [single.column.name for single in (*sure, *outstanding)]
    target = view.dataset.task.target
    known = set(suspects)
    for name in (target, *suspects):
        beside = [column for column in _missing_together(view, name) if column.name not in known]
        why = "is: probably known only after the fact" if name == target else "is, which gives the target away"
        if beside:
            what = "the target" if name == target else name
            found.append(_leak(view, beside, f"{_names(beside)} {_are(beside)} missing where {what} {why}"))
            known |= {column.name for column in beside}
    return [*found, *_like_names(view, known)]


def _leak(view: View, columns: list[Column], said: str) -> Concern:
    """A concern with what to do about it."""
    read = [column.name for column in columns if view.is_feature(column)]
    if read:
        advice = "if not known when predictions are made: " + " ".join(f"--ignore {name}" for name in read)
    else:
        advice = "no model reads it" if len(columns) == 1 else "no model reads them"
    return Concern(id="leak", message=f"{said}; {advice}", columns=tuple(column.name for column in columns))


def _sure(view: View) -> float:
    return SURE_R2 if view.dataset.task.kind == "regression" else SURE


def _outstanding(singles: list[Single]) -> list[Single]:
    """The strongest column, if the next is far below it."""
    if len(singles) < LEAST_COLUMNS or singles[0].strength < max(STRONG, TIMES_NEXT * singles[1].strength):
        return []
    return singles[:1]


def _alone(view: View, single: Single, how: str) -> Concern:
    name = f"the id {single.column.name}" if single.column.kind == "id" else single.column.name
    target = view.dataset.task.target
    return _leak(
        view, [single.column], f"{name} alone predicts {target} {how} ({single.score} on held-out training rows)"
    )


def _missing_together(view: View, name: str) -> list[Column]:
    """Columns whose missing values lie in the same rows as those of `name`, over all rows of the table."""
    gaps = _missing(view, name)
    if gaps.sum() < LEAST_MISSING:
        return []
    others = [column for column in view.dataset.columns if column.name != name and column.kind != "constant"]
    found = []
    for column in others:
        if column.missing:
            mask = _missing(view, column.name)
            if (gaps & mask).sum() >= COINCIDE * (gaps | mask).sum():
                found.append(column)
    return found if len(found) <= MOST_COINCIDE * len(others) else []


def _missing(view: View, name: str) -> np.ndarray:
    """(table rows,) bool. Of the target it is known whether there is one, not which."""
    if name == view.dataset.task.target:
        return ~view.has_target
    return np.asarray(pc.is_null(view.table.column(name), nan_is_null=True))


def _like_names(view: View, known: set[str]) -> list[Concern]:
    """A weak hint: arr_time may be known only when arr_delay is."""
    if view.dataset.modality != "tabular":
        return []
    target, features = view.dataset.task.target, view.dataset.feature_columns
    names = {column.name for column in features}
    like = [column for column in features if column.name not in known and _parts(target) & _parts(column.name)]
    if len(like) > MOST_COINCIDE * len(features):
        like = []
    actual = [c for c in features if c.name not in known and c not in like and _planned(c, names)]
    ended = [c for c in features if c.name not in known and c not in (*like, *actual) and ENDED.search(c.name)]
    return [
        Concern(
            id="leak-name",
            message=f"{_names(columns)}: {why}; is it known when predictions are made?",
            columns=tuple(column.name for column in columns),
        )
        for columns, why in (
            (like, f"the name shares a part with {target}"),
            (actual, "the planned value stands in another column, so this is what happened"),
            (ended, "the name speaks of how it ended"),
        )
        if columns
    ]


def _planned(column: Column, names: set[str]) -> bool:
    """Whether the plan of a column stands beside it, as sched_dep_time beside dep_time."""
    return any(f"{word}_{column.name}" in names for word in PLANS)


def _parts(name: str) -> set[str]:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return {word.lower() for word in words if len(word) >= STEM} - PLAIN_WORDS


def _names(columns: list[Column]) -> str:
    return ", ".join(column.name for column in columns[:8]) + (
        f" and {len(columns) - 8} more" if len(columns) > 8 else ""
    )


def _are(columns: list[Column]) -> str:
    return "is" if len(columns) == 1 else "are"
