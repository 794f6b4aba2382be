"""What a reader gives back: an Arrow table and what only the reader knows about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepworth.types import Kind

if TYPE_CHECKING:  # the scan of the registry imports this file: it stays light
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Read:
    table: pa.Table
    name: str  # of the data set, for the run folder
    reader: str
    source: str  # as a person would name it again
    kinds: dict[str, Kind] = field(default_factory=dict)  # columns the reader is sure of, e.g. image paths of a folder
    target: str | None = None  # the label column of class folders
    split: str | None = None  # the column that says train / valid / test
    base: str | None = None  # folder that relative media paths start from
    notes: tuple[str, ...] = ()
