"""Reads one table or view of an SQLite file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from deepworth.errors import UserError, nearest
from deepworth.readers._files import DAMAGED, name_of, parts_of
from deepworth.readers.result import Read, words_only
from deepworth.types import SourceOptions

CHUNK = 1 << 16  # rows
TYPES = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary(), "null": pa.null()}


def read(source: str | Path, options: SourceOptions) -> Read:
    """The table `file.db::table`; the only one, when none is named. Raises UserError with the tables there are."""
    path, wanted = parts_of(source)
    try:
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
        try:
            name = _choose(connection, path, wanted)
            table = _table(connection, name, options)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as an SQLite file: {error}; {DAMAGED}") from error
    return Read(
        table=table,
        name=f"{name_of(path)}-{name}",
        reader="sqlite",
        source=f"{path}::{name}",
        base=str(path.absolute().parent),
    )


def _choose(connection: sqlite3.Connection, path: Path, wanted: str) -> str:
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    names = [name for (name,) in connection.execute(query)]
    if wanted in names:
        return wanted
    if wanted:
        raise UserError(f"{path} has no table {wanted!r}{nearest(wanted, names)}")
    if len(names) != 1:
        found = f"holds {len(names)} tables ({', '.join(names)})" if names else "holds no table"
        raise UserError(f"{path} {found}: name one as {path}::{names[0] if names else 'table'}")
    return names[0]


def _table(connection: sqlite3.Connection, name: str, options: SourceOptions) -> pa.Table:
    """SQLite types each value for itself: a column of several is read as text, of whole and real numbers as real."""
    table = _quoted(name)
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    found = [
        {kind for (kind,) in connection.execute(f"SELECT DISTINCT typeof({_quoted(column)}) FROM {table}")} - {"null"}
        for column in columns
    ]
    found = [
        kinds | {"text"} if words and kinds and "blob" not in kinds else kinds
        for kinds, words in zip(found, words_only(options, columns), strict=True)
    ]
    kinds = [
        "null"
        if not kinds
        else kinds.copy().pop()
        if len(kinds) == 1
        else "real"
        if kinds == {"integer", "real"}
        else "text"
        for kinds in found
    ]
    cast = ", ".join(
        f"CAST({_quoted(column)} AS {kind})" if len(kinds) > 1 else _quoted(column)
        for column, kind, kinds in zip(columns, kinds, found, strict=True)
    )
    schema = pa.schema([(column, TYPES[kind]) for column, kind in zip(columns, kinds, strict=True)])
    cursor = connection.execute(f"SELECT {cast} FROM {table}")
    batches = []
    while rows := cursor.fetchmany(CHUNK):
        arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
