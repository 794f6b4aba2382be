"""Plain columns with names of their own: structs taken apart, lists of words joined, what no model reads left out."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.errors import UserError

MEDIA_FIELDS = {"bytes", "path"}  # how Hugging Face stores an image or a recording


def tidy(table: pa.Table) -> tuple[pa.Table, tuple[str, ...], tuple[str, ...]]:
    """The table with unique names and plain columns, what was changed, and the columns of lists that are left out."""
    notes: list[str] = []
    while nested := [f.name for f in table.schema if pt.is_struct(f.type) and not is_embedded(f.type)]:
        notes.append(f"{', '.join(nested[:5])}: fields of objects became columns such as {nested[0]}.field")
        names: list[str] = []
        arrays: list[pa.ChunkedArray] = []
        for field, column in zip(table.schema, table.columns, strict=True):
            inner = pt.is_struct(field.type) and not is_embedded(field.type)
            arrays += column.flatten() if inner else [column]
            names += [f"{field.name}.{part.name}" for part in field.type] if inner else [field.name]
        table = pa.Table.from_arrays(arrays, names=names)
    names = own_names(table.column_names)
    if names != table.column_names:
        changed = [f"{new!r}" for old, new in zip(table.column_names, names, strict=True) if old != new]
        notes.append(
            f"columns without a name of their own are called {', '.join(changed[:5])}" + " ..." * (len(changed) > 5)
        )
        table = table.rename_columns(names)
    unread = [field.name for field in table.schema if not _readable(field.type)]
    lists = tuple(name for name in unread if _is_list(table.schema.field(name).type))
    if unread:
        types = ", ".join(f"{name} ({table.schema.field(name).type})"[:80] for name in unread[:5])
        notes.append(f"no model reads these columns, they are left out: {types}{' ...' if len(unread) > 5 else ''}")
        table = table.drop_columns(unread)
    if not table.num_columns:
        raise UserError(f"no column is left: {'; '.join(notes)}; write plain numbers, text or dates")
    for place, field in enumerate(table.schema):
        if (kind := _with_strings(field.type)) != field.type:
            table = table.set_column(place, field.name, table.column(place).cast(kind))
        if _is_list(field.type):
            joined = pc.binary_join(table.column(place).cast(pa.list_(pa.string())), ", ")
            table = table.set_column(place, field.name, joined)
    return table.replace_schema_metadata(None), tuple(notes), lists


def is_embedded(kind: pa.DataType) -> bool:
    """Whether values carry the bytes of files themselves."""
    return (
        (pt.is_struct(kind) and {f.name for f in kind} == MEDIA_FIELDS and _bytes(kind.field("bytes").type))
        or pt.is_binary(kind)
        or pt.is_large_binary(kind)
    )


def _bytes(kind: pa.DataType) -> bool:
    return pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_null(kind)


def plain(array: pa.Array) -> pa.Array:
    """The values as numbers, booleans, strings or timestamp[us]: whatever their type in the source."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return plain(array.storage)
    if pt.is_dictionary(kind):
        return plain(array.dictionary_decode())
    if pt.is_large_string(kind) or pt.is_string_view(kind):
        return array.cast(pa.string())
    if pt.is_decimal(kind) or pt.is_float16(kind):
        return array.cast(pa.float64())
    if pt.is_date(kind) or pt.is_timestamp(kind):
        return array.cast(pa.timestamp("us", kind.tz if pt.is_timestamp(kind) else None), safe=False).cast(
            pa.timestamp("us")
        )
    if pt.is_time(kind) or pt.is_duration(kind):
        return pc.divide(_ticks(array), _per_second(kind.unit))
    return array


def _ticks(array: pa.Array) -> pa.Array:
    whole = array.cast(pa.int32()) if pt.is_time32(array.type) else array.cast(pa.int64())
    return whole.cast(pa.float64(), safe=False)


def _per_second(unit: str) -> float:
    return {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]


def _with_strings(kind: pa.DataType) -> pa.DataType:
    """The type of a column with plain strings for the views that polars gives: few functions of pyarrow take views."""
    if pt.is_dictionary(kind) and not pt.is_string(kind.value_type):
        words = pt.is_string_view(kind.value_type) or pt.is_large_string(kind.value_type)
        return pa.dictionary(pa.int32(), pa.string()) if words else kind.value_type
    if pt.is_float16(kind):  # few functions of pyarrow take it
        return pa.float32()
    return pa.string() if pt.is_string_view(kind) else kind


def _is_list(kind: pa.DataType) -> bool:
    return pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)


def _readable(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _readable(kind.storage_type)
    if pt.is_dictionary(kind):
        return _readable(kind.value_type)
    if _is_list(kind):
        return pt.is_string(kind.value_type) or pt.is_large_string(kind.value_type)
    flat = pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind) or pt.is_null(kind)
    words = pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)
    moments = pt.is_date(kind) or pt.is_timestamp(kind) or pt.is_time(kind) or pt.is_duration(kind)
    return flat or words or moments or is_embedded(kind)


def own_names(names: Sequence[str]) -> list[str]:
    """Every name once: empty ones by their place, the second `a` as `a_2`."""
    given, taken = set(names), set[str]()
    copies: dict[str, int] = {}
    result = []
    for place, name in enumerate(names):
        base = fresh = name.strip() or f"column_{place + 1}"
        while fresh in taken or (fresh != name and fresh in given):
            copies[base] = copies.get(base, 1) + 1
            fresh = f"{base}_{copies[base]}"
        taken.add(fresh)
        result.append(fresh)
    return result
