"""Writes the table models read, in one form whatever the source, batch by batch, and hashes what it writes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data import forms
from deepworth.data.kinds import WORDS, has_strange, take_unique
from deepworth.data.tidy import plain
from deepworth.store import whole
from deepworth.types import Column

BATCH = 1 << 17  # rows
TRUE = pa.array([word for word, truth in WORDS.items() if truth])
FALSE = pa.array([word for word, truth in WORDS.items() if not truth])


def write_table(
    table: pa.Table, columns: Sequence[Column], typed: Sequence[str], hashed: Sequence[str], path: Path
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Write the columns as one Arrow IPC file; give back the hashes of the `hashed` ones, and infinite counts.

    number -> as typed, or float64 from text; boolean -> bool; datetime -> timestamp[us] in UTC; category -> dictionary
    of strings, sorted; text, image, audio and id of text -> string. A missing value is null, never NaN, infinite or "".
    Columns named in `typed` (the target, the roles) keep the type they have, and infinite values.
    """
    writers = [_Converter(table.column(column.name), column, column.name in typed) for column in columns]
    wanted = frozenset(hashed)
    hashers = {column.name: _Hasher(column) for column in columns if column.name in wanted}
    schema = pa.schema([(column.name, writer.type) for column, writer in zip(columns, writers, strict=True)])

    def written(writer: _Converter, values: pa.Array) -> pa.Array:
        array = writer(values)
        if hasher := hashers.get(writer.column.name):
            hasher.update(array)
        return array

    with (
        whole(path) as fresh,  # the file may be mapped by somebody: it is replaced, never written over
        pa.OSFile(str(fresh), "wb") as file,
        pa.ipc.new_file(file, schema) as sink,
        ThreadPoolExecutor(2) as pool,  # conversion and hashing run outside Python's lock
    ):
        for batch in table.select([c.name for c in columns]).to_batches(max_chunksize=BATCH):
            arrays = list(pool.map(written, writers, batch.columns))
            sink.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    infinite = {writer.column.name: writer.infinite for writer in writers if writer.infinite}
    return tuple(hashers[name].digest() for name in hashed), infinite


def form_table(table: pa.Table, columns: Sequence[Column], typed: Sequence[str]) -> tuple[pa.Table, dict[str, int]]:
    """The columns as `write_table` would write them, in memory, and infinite counts: for what is only looked at."""

    def formed(column: Column) -> tuple[pa.ChunkedArray, int]:
        values = table.column(column.name)
        if column.kind == "category" and pt.is_string(values.type) and column.name not in typed:
            # once, not for the vocabulary and for the codes; as one chunk, so that its words are looked up once
            values = pa.chunked_array([values.dictionary_encode().combine_chunks()])
        writer = _Converter(values, column, column.name in typed)
        return pa.chunked_array([writer(chunk) for chunk in values.chunks], writer.type), writer.infinite

    with ThreadPoolExecutor(2) as pool:
        arrays, infinite = zip(*pool.map(formed, columns), strict=True)
    names = [column.name for column in columns]
    return pa.Table.from_arrays(arrays, names=names), {
        n: count for n, count in zip(names, infinite, strict=True) if count
    }


class _Converter:
    """One column of the source, batch after batch in the form of its kind."""

    def __init__(self, values: pa.ChunkedArray, column: Column, typed: bool) -> None:
        self.column, self.typed, self.infinite = column, typed, 0
        kind = column.kind
        self.verbatim = typed and _plain_numbers(values)  # "1", "2", "3" may be classes: a target keeps its words
        self.vocabulary = _vocabulary(values) if kind == "category" and not typed else None
        self.type = self._convert(pa.array([], values.type)).type

    def __call__(self, array: pa.Array) -> pa.Array:
        converted = self._convert(array)
        if pt.is_floating(converted.type) and self.column.kind == "number":
            converted = self._finite(converted)
        return converted

    def _convert(self, array: pa.Array) -> pa.Array:
        if self.vocabulary is not None:
            if pt.is_dictionary(array.type):
                codes = pc.index_in(_strings(plain(array.dictionary)), value_set=self.vocabulary).take(array.indices)
            else:
                codes = pc.index_in(_strings(plain(array)), value_set=self.vocabulary)
            return pa.DictionaryArray.from_arrays(codes, self.vocabulary)
        values, kind = plain(array), self.column.kind
        if kind == "number" and pt.is_string(values.type) and not self.verbatim:
            return forms.numbers(values, self.column.form)
        if kind == "datetime" and pt.is_string(values.type):
            return forms.dates(values, self.column.form)
        if kind == "boolean" and not self.typed:
            return truths(values)
        if kind in ("text", "image", "audio"):
            return _strings(values)
        return _blank_to_null(values) if pt.is_string(values.type) else values

    def _finite(self, array: pa.Array) -> pa.Array:
        """NaN becomes null; infinite values too, but for the target, whose reader must see them."""
        if not has_strange(array):
            return array
        fine = pc.is_finite(array) if not self.typed else pc.invert(pc.is_nan(array))
        bad = len(array) - array.null_count - (pc.sum(fine).as_py() or 0)
        if not bad:
            return array
        self.infinite += 0 if self.typed else pc.sum(pc.is_inf(array)).as_py() or 0
        return pc.if_else(fine, array, pa.scalar(None, array.type))


def _plain_numbers(values: pa.ChunkedArray) -> bool:
    """Whether text that is missing nowhere but in nulls is numbers as Python writes them."""
    unique = plain(take_unique(values)).drop_null()
    return pt.is_string(unique.type) and bool(
        pc.all(pc.match_substring_regex(unique, forms.NUMBERS["1234.5"][0])).as_py()
    )


def _vocabulary(values: pa.ChunkedArray) -> pa.Array:
    unique = _strings(plain(take_unique(values))).unique().drop_null()
    return unique.take(pc.sort_indices(unique))


def _strings(values: pa.Array) -> pa.Array:
    """Text of any values; a whole number is written 1, whether or not a gap elsewhere has made its column floats."""
    if pt.is_floating(values.type) and pc.all(pc.equal(pc.floor(values), values)).as_py() is not False:
        values = values.cast(pa.int64(), safe=False)
    return _blank_to_null(values if pt.is_string(values.type) else values.cast(pa.string()))


def _blank_to_null(values: pa.Array) -> pa.Array:
    blank = pc.equal(pc.binary_length(values), 0)
    return pc.if_else(blank, pa.scalar(None, pa.string()), values) if pc.any(blank).as_py() else values


def truths(values: pa.Array) -> pa.Array:
    """Truth values of words, of 0 and 1, of truth values; what is none is null."""
    if pt.is_boolean(values.type):
        return values
    if pt.is_null(values.type):
        return values.cast(pa.bool_())
    if not pt.is_string(values.type):
        bit = pc.is_in(values, value_set=pa.array([0, 1], values.type))
        return pc.if_else(bit, values, pa.scalar(None, values.type)).cast(pa.bool_())
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    truth = pc.is_in(words, value_set=TRUE)
    return pc.if_else(pc.or_(truth, pc.is_in(words, value_set=FALSE)), truth, pa.scalar(None, pa.bool_()))


class _Hasher:
    """The hash of one column's content: equal for equal values, whatever the file, the types and the batches were."""

    def __init__(self, column: Column) -> None:
        self.values = hashlib.sha256(f"{column.name}|{column.kind}|".encode())
        self.shape = hashlib.sha256()  # lengths of strings, positions of missing values
        self.rows = 0

    def update(self, array: pa.Array) -> None:
        if array.null_count:
            self.shape.update((np.flatnonzero(array.is_null()) + self.rows).tobytes())
        self.rows += len(array)
        if pt.is_dictionary(array.type):
            array = array.dictionary_decode()
        if pt.is_string(array.type):
            array = pc.fill_null(array, "")
            ends = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
            self.shape.update(np.diff(ends).tobytes())
            if array.buffers()[2] is not None and len(ends):
                self.values.update(array.buffers()[2][int(ends[0]) : int(ends[-1])])
            return
        if pt.is_temporal(array.type):
            array = array.cast(pa.int64())
        numbers = array.cast(pa.float64(), safe=False)
        self.values.update(np.ascontiguousarray(pc.fill_null(numbers, 0.0).to_numpy(zero_copy_only=False)).data)

    def digest(self) -> str:
        return f"{self.rows}|{self.values.hexdigest()}|{self.shape.hexdigest()}"
