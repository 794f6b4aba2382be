"""Rows that are the same to a model: a 64-bit hash of each row's features, of media by content and not by path."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data.examples import take_rows
from deepworth.types import Column, Kind

SLICE = 1 << 15  # rows hashed at a time: what they need stays in the cache of a core
FIRST = 4  # columns hashed of all rows; then twice as many of the rows that are still alike, and so on
MOST = 0.2  # share of rows that stand again from which it is cheaper to go on with all of them
HEAD = 64  # characters of a text that are hashed before all of it
LAST = np.uint64(0xFFFF)
BLOCK = 16_384  # bytes read at the start, middle and end of files of one size
MEDIA = ("image", "audio")
SPREAD = np.uint64(0x9E3779B97F4A7C15)


def row_hashes(table: pa.Table, columns: Sequence[Column]) -> np.ndarray:
    """(rows,) uint64: equal for rows equal in all `columns`, and for others by chance only (2**-64 a pair).

    Text is compared without case and outer spaces, media files by content: the checksums in a zip's directory, or the
    size and three blocks of a file. A few columns at a time, text last, and its beginnings first: the others are not
    read of rows that no other row is equal to so far.
    """
    table = table.select([column.name for column in columns]).unify_dictionaries()
    hashes = np.zeros(len(table), np.uint64)
    alike: np.ndarray | None = None  # rows still alike; None: all of them
    for place, (some, most) in enumerate(_stages(table, columns)):
        if place:
            alike = _still_alike(hashes, alike)
        part = table.select([column.name for column in some])
        if alike is None:
            hashes = _hashed(part, some, hashes, most)
        elif not len(alike):
            break
        else:
            taken = pa.table([take_rows(values, alike) for values in part.columns], names=part.column_names)
            hashes[alike] = _hashed(taken, some, hashes[alike], most)
    return hashes


def _still_alike(hashes: np.ndarray, alike: np.ndarray | None) -> np.ndarray | None:
    """The rows among those alike so far (None: all) whose hash stands more than once; None where these are many."""
    twice = _twice(hashes if alike is None else hashes[alike])
    if len(twice) > MOST * len(hashes):
        return None
    return _standing(hashes, twice) if alike is None else alike[_standing(hashes[alike], twice)]


def _stages(table: pa.Table, columns: Sequence[Column]) -> Iterator[tuple[Sequence[Column], int | None]]:
    """The columns hashed together, and how many characters of them."""
    words = [column for column in columns if _is_words(table, column)]
    order = sorted((column for column in columns if column not in words), key=lambda column: -column.distinct)
    start, num = 0, FIRST
    while start < len(order):
        yield order[start : start + num], None
        start, num = start + num, 2 * num
    if words:
        yield words, HEAD
        yield words, None


def _is_words(table: pa.Table, column: Column) -> bool:
    return column.kind not in MEDIA and pt.is_string(table.schema.field(column.name).type)


def _hashed(table: pa.Table, columns: Sequence[Column], before: np.ndarray, most: int | None) -> np.ndarray:
    """`before` with the values of the columns mixed in. Two threads: all but words is worked on outside the lock."""
    media = {c.name: np.fromiter(_contents(table.column(c.name)), np.uint64) for c in columns if c.kind in MEDIA}

    def hashed(start: int) -> np.ndarray:
        part, hashes = table.slice(start, SLICE), before[start : start + SLICE]
        for column in columns:
            known = media.get(column.name)
            bits = _bits(part.column(column.name), column.kind, most) if known is None else known[start : start + SLICE]
            hashes = _mix(hashes + _mix(bits))
        return hashes

    with ThreadPoolExecutor(2) as pool:
        return np.concatenate([np.empty(0, np.uint64), *pool.map(hashed, range(0, len(table), SLICE))])


def repeated(hashes: np.ndarray) -> np.ndarray:
    """Positions of those that stand more than once."""
    return _standing(hashes, _twice(hashes))


def _twice(hashes: np.ndarray) -> np.ndarray:
    """The hashes that stand more than once, in order, one time fewer than they do."""
    ordered = np.sort(hashes)
    return ordered[1:][ordered[1:] == ordered[:-1]]


def _standing(hashes: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Positions of the hashes that are in `ordered`."""
    marked = np.zeros(1 << 16, bool)  # by their last 16 bits most of the others are told apart at once
    marked[(ordered & LAST).astype(np.int64)] = True
    likely = np.flatnonzero(marked[(hashes & LAST).astype(np.int64)])
    return likely[_among(hashes[likely], ordered)]


def shared_rows(hashes: np.ndarray, part: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(len(part),) bool: which rows of `part` stand among the rows `others` too."""
    wanted = hashes[part]
    order = np.argsort(wanted)  # neighbours are looked up beside each other: twice as fast at a million
    found = np.empty(len(wanted), bool)
    found[order] = _among(wanted[order], np.sort(hashes[others]))
    return found


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """(len(values),) bool: which stand in `ordered`; np.isin would hash them, 10 times slower at a million."""
    if not len(ordered):
        return np.zeros(len(values), bool)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def _mix(bits: np.ndarray) -> np.ndarray:
    """Spreads the bits over the whole word (splitmix64: Steele, Lea and Flood 2014)."""
    bits = bits + SPREAD
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _bits(values: pa.ChunkedArray, kind: Kind, most: int | None) -> np.ndarray:
    """(rows,) uint64 that are equal where the values, or their first `most` characters, are."""
    if pt.is_dictionary(values.type):
        values = pa.chunked_array([chunk.indices for chunk in values.chunks], values.type.index_type)
    elif pt.is_boolean(values.type):
        values = values.cast(pa.uint8())
    elif pt.is_temporal(values.type):
        values = values.cast(pa.int32() if values.type.bit_width == 32 else pa.int64())
    if pt.is_floating(values.type):
        numbers = np.array(pc.fill_null(values.cast(pa.float64()), float("nan"))) + 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan  # one bit pattern for all of them
        return numbers.view(np.uint64)
    if pt.is_integer(values.type):
        numbers = np.array(pc.fill_null(values, 0)).astype(np.int64).view(np.uint64)
        if values.null_count:
            numbers[~np.asarray(values.is_valid())] = SPREAD
        return numbers
    if most and pt.is_string(values.type):
        head = pc.utf8_slice_codeunits(values, 0, most)
        inner = pc.utf8_ltrim_whitespace(head)
        blank = pc.any(pc.not_equal(pc.binary_length(head), pc.binary_length(inner))).as_py()
        values = pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(values), 0, most) if blank else head
    if kind == "text" and pt.is_string(values.type):
        values = pc.fill_null(pc.utf8_lower(pc.utf8_trim_whitespace(values)), "")
    words = values.to_pylist() if pt.is_string(values.type) else map(str, values.to_pylist())
    # Python's own hash: another number in another process, and three times as fast as one that is not
    return np.fromiter(map(hash, words), np.int64, len(values)).view(np.uint64)


def _contents(values: pa.ChunkedArray) -> Iterator[int]:
    """A number for the content of each file; one that cannot be found is like no other."""
    paths = [value or "" for value in values.to_pylist()]
    inside = _checksums({path.partition(".zip/")[0] for path in paths if ".zip/" in path})
    outside = {path: _size(path) for path in paths if ".zip/" not in path}
    sizes, counts = np.unique(list(outside.values()), return_counts=True)
    repeated = set(sizes[counts > 1].tolist()) - {-1}
    for row, path in enumerate(paths):
        if path in inside:
            yield inside[path]
        elif outside.get(path, -1) in repeated:
            yield outside[path] << 32 | _blocks(path, outside[path])
        elif outside.get(path, -1) >= 0:
            yield outside[path] << 32
        else:
            yield zlib.crc32(path.encode()) << 32 | row


def _checksums(archives: set[str]) -> dict[str, int]:
    """Size and CRC of every member of the archives, from their directories."""
    found = {}
    for head in archives:
        if not Path(head + ".zip").is_file():
            continue
        with zipfile.ZipFile(head + ".zip") as archive:
            for member in archive.infolist():
                found[f"{head}.zip/{member.filename}"] = (member.file_size & 0xFFFFFFFF) << 32 | member.CRC
    return found


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size & 0x7FFFFFFF
    except OSError:  # a missing file is the media check's to report
        return -1


def _blocks(path: str, size: int) -> int:
    checksum = 0
    with Path(path).open("rb") as file:
        for start in sorted({0, max(0, size // 2 - BLOCK // 2), max(0, size - BLOCK)}):
            file.seek(start)
            checksum = zlib.crc32(file.read(BLOCK), checksum)
    return checksum
