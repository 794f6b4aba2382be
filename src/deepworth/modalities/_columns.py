"""One column of a table as float columns, by kind; and float columns as rank-normal scores."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.errors import UserError
from deepworth.modalities._ngrams import TfIdf
from deepworth.types import Column

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
    """A number or a truth value, shifted by its least training value where float32 is too coarse (Unix times)."""

    def __init__(self, name: str) -> None:
        self.names: tuple[str, ...] = (name,)
        self.shift = 0.0

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
        self.names: tuple[str, ...] = (name,)
        self.rare = rare
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
        self.column = name
        self.names: tuple[str, ...] = (name,)
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
        self.column, self.components = name, components
        self.names: tuple[str, ...] = ()
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
        out[:, 0] = self.scored(values)
        if self.flagged:
            out[:, 1] = np.isnan(values)

    def scored(self, values: np.ndarray) -> np.ndarray:
        """(n,) scores, 0 where missing."""
        scores = np.interp(values, self.edges, self.scores) if len(self.edges) else np.zeros(len(values))
        return np.where(np.isnan(values), 0.0, scores)


def column_encoder(column: Column, components: int) -> ColumnEncoder:
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
