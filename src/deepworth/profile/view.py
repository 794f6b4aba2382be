"""What the checks of a profile look at: a prepared run folder, the training labels, and a sample of training rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.data.examples import Examples, take_rows
from deepworth.data.prepare import Divided
from deepworth.store import RunFolder
from deepworth.types import Column, Dataset, Splits

SAMPLE = 20_000  # training rows the heavier checks look at


@dataclass(frozen=True, kw_only=True)
class View:
    """`rows` are int64 positions in the table by part; `labels` belong to the training rows; no other label is read."""

    dataset: Dataset
    splits: Splits
    table: pa.Table
    rows: dict[str, np.ndarray]
    labels: np.ndarray
    has_target: np.ndarray  # (table rows,) bool
    hashes: np.ndarray  # (table rows,) uint64, see data/duplicates.py
    sample: np.ndarray  # sorted positions among the training rows, at most SAMPLE

    @classmethod
    def of(cls, divided: Divided, table: pa.Table) -> View:
        """What was divided and not written; `table` without the target."""
        return cls(
            dataset=divided.dataset,
            splits=divided.splits,
            table=table,
            rows=divided.rows,
            labels=divided.codes["train"],
            has_target=divided.known,
            hashes=divided.hashes,
            sample=_sample(len(divided.rows["train"]), divided.splits.seed),
        )

    @classmethod
    def open(cls, folder: Path) -> View:
        run = RunFolder(folder)
        parts = {part: Examples.open(folder, part) for part in ("train", "valid", "test")}
        train = parts["train"]
        return cls(
            dataset=train.dataset,
            splits=run.splits,
            table=train.table,
            rows={part: examples.rows for part, examples in parts.items()},
            labels=np.load(run.data / "labels_train.npy"),
            has_target=np.load(run.data / "has_target.npy"),
            hashes=np.load(run.data / "row_hashes.npy"),
            sample=_sample(len(train), run.splits.seed),
        )

    def sampled(self, column: Column, most: int = SAMPLE) -> pa.ChunkedArray:
        """The values of a column at the sampled training rows, at most `most` of them."""
        return take_rows(self.table.column(column.name), self.rows["train"][self.looked_at(most)])

    def looked_at(self, most: int = SAMPLE) -> np.ndarray:
        """Sorted positions among the training rows: the sampled ones, at most `most` of them, evenly."""
        return self.sample[:: -(-len(self.sample) // most) or 1]

    def mean_length(self, column: Column) -> float:
        """Of the texts of a column, in bytes."""
        return pc.mean(pc.binary_length(self.sampled(column, 1000))).as_py() or 0.0

    def has_words(self, column: Column) -> bool:
        """Whether the texts of a column have spaces between words: molecules written as text have none."""
        some = pc.utf8_slice_codeunits(self.sampled(column, 1000), 0, 200)
        return (pc.mean(pc.count_substring_regex(some, r"\S\s+\S")).as_py() or 0.0) >= 1

    def is_feature(self, column: Column) -> bool:
        return column.name in self.dataset.features


def _sample(rows: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(rows)[:SAMPLE])
