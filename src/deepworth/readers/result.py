"""What a reader gives back: an Arrow table and what only the reader knows about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepworth.types import Kind, SourceOptions

if TYPE_CHECKING:  # the scan of the registry imports this file: it stays light
    import pyarrow as pa

WORDY: tuple[Kind, ...] = ("category", "text", "id", "image", "audio")


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
    files: tuple[str, ...] = ()  # of rows that are files of a folder or an archive: their paths in it
    left_out: tuple[str, ...] = ()  # those of the notes that tell of files that are no rows


def words_only(options: SourceOptions, names: Sequence[str]) -> list[bool]:
    """Which of a source's columns hold words, whatever they look like in these rows: the reader guesses no type there.

    A file of new rows may hold only the numbers, truths or dates among the words a model has learned.
    """
    from deepworth.data.tidy import own_names

    wordy = {name for name, kind in options.kinds.items() if kind in WORDY and name != options.target}
    return [name in wordy for name in own_names(names)]
