"""Rows of one dataset as a model may see them: columns by name, labels for the training and validation rows only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.types import Dataset, load


def open_table(path: str | Path) -> pa.Table:
    """The table of an Arrow IPC file, memory-mapped: no byte is read before it is used."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def take_rows(values: pa.ChunkedArray, rows: np.ndarray) -> pa.ChunkedArray:
    """The values at sorted rows, chunk by chunk: Arrow joins the chunks of long texts first, 4 times as slow."""
    starts = np.cumsum([0, *map(len, values.chunks)])
    cuts = np.searchsorted(rows, starts)
    taken = [
        chunk.take(pa.array(rows[first:last] - start))
        for chunk, start, first, last in zip(values.chunks, starts, cuts, cuts[1:], strict=False)
        if first < last
    ]
    joined = pa.chunked_array(taken, values.type).combine_chunks()
    return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([joined])


@dataclass(frozen=True, slots=True)
class Examples:
    """A view on some rows of a dataset.

    `table` is the whole memory-mapped table, `rows` the int64 positions in it that belong to this view, `labels` beside
    them: int64 class codes (positions in `dataset.task.classes`), float64 targets for a regression, or None where a
    model must not see them.
    """

    dataset: Dataset
    table: pa.Table
    rows: np.ndarray
    labels: np.ndarray | None = None

    @classmethod
    def open(cls, folder: Path, part: str) -> Examples:
        """The part "train", "valid" or "test" of a prepared run folder. Test rows come without labels."""
        dataset = load(Dataset, folder / "data" / "dataset.json")
        labels = folder / "data" / f"labels_{part}.npy"
        return cls(
            dataset=dataset,
            table=open_table(folder / "data" / dataset.table),  # an absolute path stays as it is
            rows=np.load(folder / "splits" / f"{part}.npy"),
            labels=np.load(labels) if labels.exists() else None,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def known_labels(self) -> np.ndarray:
        """The labels, where a model learns from them. Raises ValueError for rows that have none to show."""
        if self.labels is None:
            raise ValueError("these rows have no labels that a model may see")
        return self.labels

    def take(self, positions: np.ndarray) -> Examples:
        """The view on `rows[positions]`."""
        return replace(self, rows=self.rows[positions], labels=None if self.labels is None else self.labels[positions])

    def column(self, name: str) -> pa.Array:
        """The values of one column at these rows; copies this column only."""
        values = self.table.column(name)
        whole = len(self.rows) == len(values) and np.array_equal(self.rows, np.arange(len(values)))
        taken = values if whole else values.take(pa.array(self.rows))
        return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken

    def strings(self, name: str) -> list[str]:
        """A column as Python strings, missing ones empty."""
        column = self.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        return pc.fill_null(column.cast(pa.string()), "").to_pylist()
