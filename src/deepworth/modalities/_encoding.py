"""The columns of a table as numbers: one encoder for trees, linear models and networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.modalities._ngrams import TfIdf
from deepworth.types import Column, Task

SAMPLE = 100_000  # rows that quantiles and text components are learned from
GRID = 1_000  # quantiles a number column is described by
Arrays = dict[str, np.ndarray]


def strings(values: pa.Array) -> pa.Array:
    """Any Arrow array as strings; whole floats print like integers, so a column may change its type between sources."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values if values.type == pa.string() else values.cast(pa.string())


def floats(values: pa.Array, name: str) -> np.ndarray:
    """(n,) float64; missing and infinite values are NaN. Raises UserError for text that is no number."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.int64() if values.type.bit_width == 64 else pa.int32())
    try:
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise UserError(f"column {name!r} should hold numbers: {error}; give it another kind") from error
    return np.where(np.isfinite(numbers), numbers, np.nan)


class ColumnEncoder(Protocol):
    """One column as `len(names)` float columns, NaN where missing."""

    names: tuple[str, ...]

    def fit(self, values: pa.Array) -> None: ...

    def encode(self, values: pa.Array) -> np.ndarray:
        """(n, len(names))."""

    def state(self) -> tuple[dict[str, Any], Arrays]: ...

    def restore(self, values: dict[str, Any], arrays: Arrays) -> None: ...


class Numbers:
    """A number or a truth value, shifted by its least training value where float32 is too coarse (as for Unix times)."""

    def __init__(self, name: str) -> None:
        self.names, self.shift = (name,), 0.0

    def fit(self, values: pa.Array) -> None:
        seen = floats(values, self.names[0])
        seen = seen[~np.isnan(seen)]
        self.shift = float(seen.min()) if len(seen) and np.abs(seen).max() >= 2**24 and seen.min() > 0 else 0.0

    def encode(self, values: pa.Array) -> np.ndarray:
        numbers = floats(values, self.names[0]) - self.shift
        return np.where(np.abs(numbers) < 3e38, numbers, np.nan).astype(np.float32)[:, None]

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"shift": self.shift}, {}

    def restore(self, values: dict[str, Any], arrays: Arrays) -> None:
        self.shift = values["shift"]


class Levels:
    """A category as 0..k-1 in order of falling frequency; missing values, unseen ones and those seen once are NaN."""

    def __init__(self, name: str, rare: int = 1) -> None:
        self.names, self.rare = (name,), rare
        self.levels: list[str] = []

    def fit(self, values: pa.Array) -> None:
        counts = pc.value_counts(strings(values))
        seen = [
            (-count, level)
            for level, count in zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)
            if level is not None and count > self.rare
        ]
        self.levels = [level for _, level in sorted(seen)]

    def encode(self, values: pa.Array) -> np.ndarray:
        codes = pc.index_in(strings(values), value_set=pa.array(self.levels, pa.string()))
        return codes.cast(pa.float32()).to_numpy(zero_copy_only=False).astype(np.float32)[:, None]

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"levels": self.levels}, {}

    def restore(self, values: dict[str, Any], arrays: Arrays) -> None:
        self.levels = values["levels"]


class Moments:
    """A date, a time of day or both as the parts that vary in training, beside the days since the first one."""

    PARTS = ("days", "year", "month", "day", "weekday", "yearday", "hour")

    def __init__(self, name: str) -> None:
        self.column, self.names = name, (name,)
        self.parts: tuple[str, ...] = ()
        self.start = 0.0  # days since 1970

    def fit(self, values: pa.Array) -> None:
        parts = self._split(values)
        self.start = float(np.nanmin(parts["days"])) if np.isfinite(parts["days"]).any() else 0.0
        self._keep(tuple(p for p in self.PARTS if len(np.unique(parts[p][~np.isnan(parts[p])])) > 1) or ("days",))

    def _keep(self, parts: tuple[str, ...]) -> None:
        self.parts, self.names = parts, tuple(f"{self.column}.{part}" for part in parts)

    def encode(self, values: pa.Array) -> np.ndarray:
        parts = self._split(values)
        parts["days"] = parts["days"] - self.start
        return np.stack([parts[p] for p in self.parts], axis=1).astype(np.float32)

    def _split(self, values: pa.Array) -> Arrays:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_time(values.type):
            seconds = values.cast(pa.time64("us")).cast(pa.int64())
            hours = floats(seconds, self.column) / 3.6e9
            return {part: hours if part == "hour" else np.full(len(hours), np.nan) for part in self.PARTS}
        if pa.types.is_timestamp(values.type) and values.type.tz:
            values = pc.local_timestamp(values)
        try:
            moments = values.cast(pa.timestamp("us"))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UserError(f"column {self.column!r} should hold dates: {error}; give it another kind") from error
        part = {name: floats(find(moments), self.column) for name, find in _CALENDAR.items()}
        part["days"] = floats(moments.cast(pa.int64()), self.column) / 86.4e9
        part["hour"] = (part["days"] % 1.0) * 24.0
        return part

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {"parts": list(self.parts), "start": self.start}, {}

    def restore(self, values: dict[str, Any], arrays: Arrays) -> None:
        self.start = values["start"]
        self._keep(tuple(values["parts"]))


_CALENDAR = {"year": pc.year, "month": pc.month, "day": pc.day, "weekday": pc.day_of_week, "yearday": pc.day_of_year}


class Topics:
    """A text column of a table as the leading directions of its TF-IDF (latent semantic analysis, Deerwester 1990)."""

    def __init__(self, name: str, components: int) -> None:
        self.column, self.components, self.names = name, components, ()
        self.tfidf = TfIdf("words", limit=30_000)
        self.directions = np.empty((0, 0), np.float32)

    def fit(self, values: pa.Array) -> None:
        from sklearn.decomposition import TruncatedSVD

        texts = _texts(values.slice(0, SAMPLE // 4))
        weights = self.tfidf.fit(texts).transform(texts)
        width = min(self.components, min(weights.shape) - 1)
        if width > 0:
            self.directions = TruncatedSVD(width, random_state=0).fit(weights).components_.astype(np.float32)
        self._name()

    def _name(self) -> None:
        width = len(self.directions)
        self.names = (f"{self.column}.length", *(f"{self.column}.topic{i}" for i in range(width)))

    def encode(self, values: pa.Array) -> np.ndarray:
        length = floats(pc.utf8_length(strings(values)), self.column).astype(np.float32)[:, None]
        if not len(self.directions):
            return length
        return np.hstack([length, self.tfidf.transform(_texts(values)) @ self.directions.T])

    def state(self) -> tuple[dict[str, Any], Arrays]:
        values, arrays = self.tfidf.state()
        return {"tfidf": values}, {**arrays, "directions": self.directions}

    def restore(self, values: dict[str, Any], arrays: Arrays) -> None:
        self.tfidf = TfIdf.from_state(values["tfidf"], arrays)
        self.directions = arrays["directions"]
        self._name()


def _texts(values: pa.Array) -> list[str]:
    return pc.fill_null(strings(values), "").to_pylist()


class Bell:
    """A float column onto a normal distribution by its rank, ties in the middle of their ranks; missing values at 0.

    Rank-normal values are bounded (|z| < 4.5) and comparable between columns whatever their tails, which is what
    networks and regularised linear models want (as QuantileTransformer in RTDL, Gorishniy et al. 2021).
    """

    def __init__(self, edges: np.ndarray, scores: np.ndarray, flagged: bool) -> None:
        self.edges, self.scores = edges, scores  # both (m,): ascending values and their normal scores
        self.flagged = flagged  # missing values were seen in training and get a column of their own

    @classmethod
    def learned(cls, values: np.ndarray) -> Bell:
        from scipy.special import ndtri

        absent = np.isnan(values)
        seen = np.sort(values[~absent].astype(np.float64))
        if len(seen) > GRID:
            seen = np.quantile(seen, (np.arange(GRID) + 0.5) / GRID)
        edges, first, counts = np.unique(seen, return_index=True, return_counts=True)
        rank = (first + counts / 2) / max(len(seen), 1)
        return cls(edges, ndtri(rank) if len(edges) > 1 else np.zeros(len(edges)), bool(absent.any()))

    @property
    def width(self) -> int:
        return 1 + self.flagged

    def fill(self, values: np.ndarray, out: np.ndarray) -> None:
        """(n,) values into (n, width) `out`."""
        absent = np.isnan(values)
        out[:, 0] = np.interp(values, self.edges, self.scores) if len(self.edges) else 0.0
        out[absent, 0] = 0.0
        if self.flagged:
            out[:, 1] = absent


class TableEncoder:
    """Fitted on training rows; then any rows as floats for trees, or as rank-normal numbers and codes for the others.

    Peak memory is the result plus a few copies of one column: columns are read one by one from the memory-mapped table.
    """

    def __init__(self, columns: tuple[Column, ...], components: int = 24) -> None:
        self.columns, self.components = columns, components
        self.parts: list[ColumnEncoder] = [_encoder(column, components) for column in columns]
        self.bells: list[Bell] = []  # one per matrix column that is no category

    def fit(self, examples: Examples, task: Task | None = None) -> TableEncoder:
        """Learn levels, calendars, topics and ranks from `examples`, the training rows; labels are not looked at."""
        few = examples
        if len(examples) > SAMPLE:
            few = examples.take(np.sort(np.random.default_rng(0).choice(len(examples), SAMPLE, replace=False)))
        for column, part in zip(self.columns, self.parts, strict=True):
            part.fit((examples if isinstance(part, Levels) else few).column(column.name))  # a sample lacks rare levels
            if not isinstance(part, Levels):
                self.bells += [Bell.learned(block) for block in part.encode(few.column(column.name)).T]
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns of `matrix`."""
        return tuple(name for part in self.parts for name in part.names)

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
        """(n, len(names)) float32 for trees: categories 0..k-1 by falling frequency; NaN where missing or unseen."""
        out = np.empty((len(examples), len(self.names)), np.float32)
        at = 0
        for column, part in zip(self.columns, self.parts, strict=True):
            out[:, at : at + len(part.names)] = part.encode(examples.column(column.name))
            at += len(part.names)
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
        }
        (folder / "encoder.json").write_text(json.dumps(about))
        np.savez(folder / "encoder.npz", **arrays)

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
        return self


def _encoder(column: Column, components: int) -> ColumnEncoder:
    """Raises UserError for a kind that tables cannot hold as numbers."""
    match column.kind:
        case "number" | "boolean":
            return Numbers(column.name)
        case "category" | "id":
            return Levels(column.name)
        case "datetime":
            return Moments(column.name)
        case "text":
            return Topics(column.name, components)
        case kind:
            raise UserError(f"column {column.name!r} of kind {kind} cannot be read as a column of a table; ignore it")
