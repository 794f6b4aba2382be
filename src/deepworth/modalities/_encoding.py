"""The columns of a table as numbers: one encoder for trees, linear models and networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from deepworth.data.examples import Examples
from deepworth.modalities._columns import SAMPLE, Bell, ColumnEncoder, Levels, Numbers, column_encoder
from deepworth.types import Column, Task

ALIKE = 0.95  # correlation of the ranks of two columns above which trees also see their ratio
FINE = 20  # distinct values that a column in a ratio has at least
RATIOS, RATIO_ROWS = 10, 20_000  # ratios at most, and rows they are found on


class TableEncoder:
    """Fitted on training rows; then any rows as floats for trees, or as rank-normal numbers and codes for the others.

    Peak memory is the result plus a few copies of one column: columns are read one by one from the memory-mapped table.
    """

    def __init__(self, columns: tuple[Column, ...], components: int = 24) -> None:
        self.columns, self.components = columns, components
        self.parts: list[ColumnEncoder] = [column_encoder(column, components) for column in columns]
        self.bells: list[Bell] = []  # one per matrix column that is no category
        self.ratios: list[tuple[str, str]] = []  # columns of the matrix whose quotients stand at its end

    def fit(self, examples: Examples, task: Task | None = None) -> TableEncoder:
        """Learn levels, calendars, topics and ranks from `examples`, the training rows; labels are not looked at."""
        few = examples
        if len(examples) > SAMPLE:
            few = examples.take(np.sort(np.random.default_rng(0).choice(len(examples), SAMPLE, replace=False)))
        amounts: dict[str, np.ndarray] = {}  # columns of numbers, as rank-normal scores
        for column, part in zip(self.columns, self.parts, strict=True):
            part.fit((examples if isinstance(part, Levels) else few).column(column.name))  # a sample lacks rare levels
            if not isinstance(part, Levels):
                blocks = part.encode(few.column(column.name)).T
                self.bells += [Bell.learned(block) for block in blocks]
                fine = len(self.bells[-1].edges) >= FINE
                if isinstance(part, Numbers) and not part.shift and fine and not (blocks[0] < 0).any():
                    amounts[column.name] = self.bells[-1].scored(blocks[0][:: -(-len(few) // RATIO_ROWS)])
        self.ratios = _alike(amounts)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns of `matrix`."""
        return (*(name for part in self.parts for name in part.names), *(f"{a} / {b}" for a, b in self.ratios))

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the categories in `matrix`."""
        kinds = [isinstance(part, Levels) for part in self.parts for _ in part.names]
        return tuple(np.flatnonzero(kinds).tolist())

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of different codes of each category, the unknown 0 included."""
        return tuple(len(part.levels) + 1 for part in self.parts if isinstance(part, Levels))

    def matrix(self, examples: Examples) -> np.ndarray:
        """(n, len(names)) float32 for trees: categories 0..k-1 by falling frequency; NaN where missing or unseen.

        At the end the ratios of columns that measure almost the same: a split looks at one column at a time and does
        not see how much they differ (diamonds, length, width and weight: R2 of the logarithm 0.9926 -> 0.9930).
        """
        names = self.names
        out = np.empty((len(examples), len(names)), np.float32)
        at = 0
        for column, part in zip(self.columns, self.parts, strict=True):
            out[:, at : at + len(part.names)] = part.encode(examples.column(column.name))
            at += len(part.names)
        for place, (above, below) in enumerate(self.ratios, start=at):
            divisor = out[:, names.index(below)]
            out[:, place] = out[:, names.index(above)] / np.where(divisor > 0, divisor, np.nan)
        return out

    def numbers(self, examples: Examples) -> np.ndarray:
        """(n, p) float32, finite: all but categories as rank-normal scores, and flags where values were missing."""
        out = np.empty((len(examples), sum(bell.width for bell in self.bells)), np.float32)
        at, bells = 0, iter(self.bells)
        for column, part in zip(self.columns, self.parts, strict=True):
            if isinstance(part, Levels):
                continue
            for block in part.encode(examples.column(column.name)).T:
                bell = next(bells)
                bell.fill(block, out[:, at : at + bell.width])
                at += bell.width
        return out

    def codes(self, examples: Examples) -> np.ndarray:
        """(n, len(cardinalities)) int64: 0 where missing or unseen, else 1..k by falling frequency."""
        out = np.zeros((len(examples), len(self.cardinalities)), np.int64)
        pairs = [(c, part) for c, part in zip(self.columns, self.parts, strict=True) if isinstance(part, Levels)]
        for at, (column, part) in enumerate(pairs):
            out[:, at] = np.nan_to_num(part.encode(examples.column(column.name))[:, 0] + 1)
        return out

    def save(self, folder: Path) -> None:
        """Write encoder.json and encoder.npz into `folder`."""
        states = [part.state() for part in self.parts]
        arrays = {f"{i}.{name}": array for i, (_, owned) in enumerate(states) for name, array in owned.items()}
        arrays |= {f"bell{i}.edges": bell.edges for i, bell in enumerate(self.bells)}
        arrays |= {f"bell{i}.scores": bell.scores for i, bell in enumerate(self.bells)}
        about = {
            "columns": [{"name": c.name, "kind": c.kind} for c in self.columns],
            "components": self.components,
            "parts": [values for values, _ in states],
            "flagged": [bell.flagged for bell in self.bells],
            "ratios": self.ratios,
        }
        (folder / "encoder.json").write_text(json.dumps(about))
        np.savez(folder / "encoder.npz", **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> TableEncoder:
        about = json.loads((folder / "encoder.json").read_text())
        with np.load(folder / "encoder.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        self = cls(tuple(Column(**column) for column in about["columns"]), about["components"])
        for i, (part, values) in enumerate(zip(self.parts, about["parts"], strict=True)):
            own = f"{i}."
            part.restore(values, {k.removeprefix(own): v for k, v in arrays.items() if k.startswith(own)})
        self.bells = [
            Bell(arrays[f"bell{i}.edges"], arrays[f"bell{i}.scores"], flagged)
            for i, flagged in enumerate(about["flagged"])
        ]
        self.ratios = [(above, below) for above, below in about["ratios"]]
        return self


def _alike(scores: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """The pairs of columns whose rank-normal scores agree most, above ALIKE; none that agree entirely."""
    names = [name for name, column in scores.items() if column.std() > 0]
    if len(names) < 2:
        return []
    agree = np.triu(np.corrcoef(np.stack([scores[name] for name in names])), 1)
    order = np.argsort(-agree, axis=None, kind="stable")[:RATIOS]
    pairs = zip(*np.unravel_index(order, agree.shape), strict=True)
    return [(names[i], names[j]) for i, j in pairs if ALIKE < agree[i, j] < 1 - 1e-6]
