"""Data of a shape no model here reads yet: what the plan then is about, and what it is not."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from deepworth.decide.strings import written
from deepworth.types import Column, Concern, Dataset, Modality, Profile

SEQUENCES = {"sequence", "recording", "series", "episode", "trial", "session", "unit", "engine", "execution"}
NUMBERED = ("id", "no", "nr", "num", "number", "key")
ROWS_OF_ONE = 20  # mean rows per value from which rows are the steps of a sequence
COUNTED = 20_000  # rows on which distinct values are counted at most, see data/kinds.py
STRINGS = {  # what strings are written as -> what they hold, and what is made of them first
    "molecules": ("molecules", "fingerprints, descriptors"),
    "dna": ("DNA or RNA", "counts of short words, k-mers"),
    "proteins": ("proteins", "counts of amino acids and short words of them"),
}
SHAPES = (*STRINGS, "lists", "series", "sequences", "mixture")  # ids of the concerns
NOT_READ = (*STRINGS, "lists", "series", "sequences")  # of these, what no model here reads as what it is
PUBLISHED = (*STRINGS, "lists", "sequences")  # of these, kinds of data that published results are filed under
USEFUL = ("number", "category", "boolean", "text", "image", "audio")
MEDIA = ("image", "audio")
GRAPH = re.compile(r"(?<![a-z])(?:edge|adjacen)", re.IGNORECASE)  # edge_src, adjacency; not knowledge
BUILT_IN = ("tabular", "text", *MEDIA)  # kinds of data whose models are known not to


def published_as(concerns: Sequence[Concern], modality: Modality) -> Modality:
    """The kind of data under which results were published for what this is."""
    return next((concern.id for concern in concerns if concern.id in PUBLISHED), modality)


def shapes(dataset: Dataset, profile: Profile) -> tuple[Concern, ...]:
    """A concern for each thing the data is and the plan does not treat it as."""
    course = _series(dataset, profile) or _sequences(dataset)  # many series in one table are told as series
    found = (_strings(dataset), _lists(dataset), course, _several(dataset, profile))
    return tuple(concern for concern in found if concern)


def _strings(dataset: Dataset) -> Concern | None:
    kind, column = written(dataset)
    if not kind or dataset.modality not in BUILT_IN:  # the models of a plug-in's kind of data may well read them
        return None
    holds, first = STRINGS[kind]
    read = "this plan takes them for text" if dataset.modality == "text" else "this plan counts their letters"
    return _shape(
        kind,
        f"the column {column} holds {holds}: no model here reads their structure yet, so {read}; make columns of them "
        f"({first}), and trees on these are the usual base",
        [column],
    )


def _lists(dataset: Dataset) -> Concern | None:
    """Columns of lists that were left out, where they are a graph by their names, or outnumber what is read."""
    lists = list(dataset.lists)
    graph = any(GRAPH.search(name) for name in lists)
    if not graph and len(lists) <= len(dataset.features):
        return None
    what, counted = ("a graph", "its nodes and edges") if graph else ("a list", "it")
    names = f"{', '.join(lists)} hold{'s' * (len(lists) == 1)}"
    return _shape(
        "lists",
        f"the column{'s' * (len(lists) > 1)} {names} {what} in each row: no model here reads any of it yet; make "
        f"columns of counts and statistics of {counted}, and trees on these are the usual base",
        lists,
    )


def _series(dataset: Dataset, profile: Profile) -> Concern | None:
    ordered = dataset.roles.time or next((c.columns[0] for c in profile.concerns if c.id == "time"), None)
    if dataset.task.kind != "regression" or ordered is None:
        return None
    if _moments_a_row(dataset, ordered) < 0.5:  # many rows a moment are events, as flights are, and no course
        return None
    target = dataset.task.target
    return _shape(
        "series",
        f"the rows are a series over {ordered}: this plan predicts {target} from the other columns of the same row, it "
        f"does not forecast; forecasting is not built in yet, so give past values of {target} as columns (lags)",
        [ordered],
    )


def _moments_a_row(dataset: Dataset, time: str) -> float:
    """Distinct values of a column of times over the rows; 1 where a role says them and there is no table to look at."""
    column = next((column for column in dataset.columns if column.name == time), None)
    if column:
        return column.distinct / min(dataset.rows, COUNTED)
    return _distinct(dataset.table, time) / dataset.rows if Path(dataset.table).is_file() else 1.0


@functools.lru_cache(maxsize=64)
def _distinct(table: str, name: str) -> int:
    """Of a column that steers the split: no `Column` tells it."""
    from deepworth.data.examples import open_table

    return len(open_table(table).column(name).drop_null().unique())


def _sequences(dataset: Dataset) -> Concern | None:
    columns = [c for c in dataset.columns if _steps_of(c, dataset.rows)]
    if not columns or dataset.modality != "tabular":
        return None
    name = columns[0].name
    return _shape(
        "sequences",
        f"rows look like the steps of something longer (column {name}): models here read one row at a time and not "
        "their course; cut windows, make columns of each, and keep what belongs together on one side with --group",
        [name],
    )


def _several(dataset: Dataset, profile: Profile) -> Concern | None:
    """Media beside columns that are neither suspected of a leak nor what rows belong to."""
    if dataset.modality == "tabular":
        return None
    left = useful_beside(dataset, profile)
    if len(left) < 2 and not any(c.kind in ("text", *MEDIA) for c in left):
        return None
    names = [c.name for c in left]
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    many = "s" * (len(left) > 1)
    said = f"the column{many} {shown} stand{'' if many else 's'} beside the {dataset.modality}"
    return _shape("mixture", f"{said}: no model here reads both yet", names)


def useful_beside(dataset: Dataset, profile: Profile) -> list[Column]:
    """Columns the models of this kind of data do not read and nothing is suspected of."""
    suspected = {name for concern in profile.concerns for name in concern.columns}
    out = {dataset.roles.group, dataset.roles.time, dataset.roles.split, *dataset.features, *suspected}
    return [c for c in dataset.columns if c.name not in out and c.kind in USEFUL]


def _steps_of(column: Column, rows: int) -> bool:
    repeats = column.distinct > 1 and rows >= ROWS_OF_ONE * column.distinct
    return repeats and column.kind not in MEDIA and _names_sequence(column.name)


def _names_sequence(name: str) -> bool:
    """sequence, engine_unit, series_id."""
    words = re.findall(r"[a-z]+", name.lower())
    return bool(words) and (words[-1] in SEQUENCES or (words[-1] in NUMBERED and words[0] in SEQUENCES))


def _shape(name: str, message: str, columns: list[str]) -> Concern:
    return Concern(id=name, message=message, columns=tuple(columns))
