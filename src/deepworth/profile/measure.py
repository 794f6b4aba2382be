"""What is in each column: how its values, lengths, sizes or durations are spread, and which are the commonest."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data.examples import take_rows
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.types import Column, ColumnLook, Spread

SAMPLE = 40_000  # rows the quantiles are of: ranks to 0.1 % of the rows; the least and the most are of all
FILES = 500  # pictures or recordings whose heads are read
COMMON = 5  # values listed
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)
INNER = np.array(SHARES[1:-1])


def look_at(table: pa.Table, columns: Iterable[Column]) -> tuple[ColumnLook, ...]:
    """Every column measured, two at a time: Arrow works outside Python's lock."""
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(lambda column: _look(table.column(column.name), column), columns))


def _look(values: pa.ChunkedArray, column: Column) -> ColumnLook:
    if column.kind in HEADS:
        return ColumnLook(column=column, spreads=_of_files(values, HEADS[column.kind]))
    if pt.is_temporal(values.type):
        ends = pc.min_max(values).as_py()
        known = ends["min"] is not None
        return ColumnLook(column=column, span=(_moment(ends["min"]), _moment(ends["max"])) if known else None)
    if pt.is_integer(values.type) or pt.is_floating(values.type):
        return ColumnLook(column=column, spreads=_of_numbers(values, "value", ""))
    if column.kind == "text":
        lengths = pc.utf8_length(_thinned(values))
        return ColumnLook(column=column, spreads=_of_numbers(lengths, "length", "characters"))
    return ColumnLook(column=column, common=_commonest(values))


def _moment(value: object) -> str:
    """A date without the hour of midnight."""
    return str(value).removesuffix(" 00:00:00")


def _thinned(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """At most SAMPLE values, evenly over the rows."""
    step = -(-len(values) // SAMPLE)
    return values if step <= 1 else take_rows(values, np.arange(0, len(values), step))


def _of_numbers(values: pa.ChunkedArray, of: str, unit: str) -> tuple[Spread, ...]:
    """Chunk by chunk in numpy: Arrow's min_max takes four times as long where values are missing."""
    step, start, least, most, some = -(-len(values) // SAMPLE) or 1, 0, np.nan, np.nan, [np.empty(0)]
    for chunk in filter(len, values.chunks):
        numbers = np.asarray(chunk)  # floats, and NaN where one is missing, if any is
        least, most = np.fmin(least, np.fmin.reduce(numbers)), np.fmax(most, np.fmax.reduce(numbers))
        some.append(numbers[start::step].astype(np.float64))
        start = (start - len(chunk)) % step
    known = np.concatenate(some)
    known = known[~np.isnan(known)]
    if not len(known):
        return ()
    low, median, high = quantiles(np.sort(known), INNER).tolist()
    return (Spread(of=of, unit=unit, least=float(least), low=low, median=median, high=high, most=float(most)),)


def quantiles(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Those of sorted numbers, between two of them on a straight line: np.quantile's own, in a tenth of its time."""
    places = shares * (len(ordered) - 1)
    before = places.astype(np.int64)
    low, high, share = ordered[before], ordered[np.minimum(before + 1, len(ordered) - 1)], places - before
    return np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1 - share))


def _commonest(values: pa.ChunkedArray) -> tuple[tuple[str, int], ...]:
    if pt.is_nested(values.type) and not pt.is_dictionary(values.type):
        return ()
    counted = pc.value_counts(pc.drop_null(values))
    places = pc.select_k_unstable(counted.field("counts"), COMMON, [("", "descending")])
    listed = counted.take(places)
    return tuple((str(item["values"]), item["counts"]) for item in listed.to_pylist())


def _of_files(values: pa.ChunkedArray, head: Callable[[str], dict[str, float]]) -> tuple[Spread, ...]:
    """What the heads of some files say; a file whose head cannot be read is left to the check of broken ones."""
    paths = pc.drop_null(values)
    some = paths.take(pa.array(np.arange(0, len(paths), max(1, len(paths) // FILES))[:FILES])).to_pylist()
    measured: dict[str, list[float]] = defaultdict(list)
    for path in some:
        for name, value in head(path).items():
            measured[name].append(value)
    return tuple(
        Spread(
            of=name.partition("|")[0],
            unit=name.partition("|")[2],
            **dict(zip(("least", "low", "median", "high", "most"), np.quantile(found, SHARES).tolist(), strict=True)),
        )
        for name, found in measured.items()
    )


def _picture(path: str) -> dict[str, float]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(read_bytes(path))) as image:
            return {"width|pixels": image.width, "height|pixels": image.height, "colours|channels": len(image.mode)}
    except (UserError, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return {}


def _recording(path: str) -> dict[str, float]:
    import soundfile

    try:
        told = soundfile.info(io.BytesIO(read_bytes(path)))
    except (UserError, soundfile.LibsndfileError):
        return {}
    return {"duration|s": told.duration, "sampling rate|Hz": told.samplerate, "channels|": told.channels}


HEADS: dict[str, Callable[[str], dict[str, float]]] = {"image": _picture, "audio": _recording}
