"""Reads Parquet, Arrow and JSON lines files with pyarrow."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from deepworth.errors import UserError
from deepworth.readers._files import name_of
from deepworth.readers.result import Read, words_only
from deepworth.types import SourceOptions

BLOCK = 1 << 24  # bytes of JSON parsed at a time; must hold the longest line


def _result(path: Path, table: pa.Table, reader: str) -> Read:
    return Read(table=table, name=name_of(path), reader=reader, source=str(path), base=str(path.absolute().parent))


def read_parquet(source: str | Path, options: SourceOptions) -> Read:
    """The table of one Parquet file, without partition columns from folder names."""
    import pyarrow.parquet as pq

    path = Path(source)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            return _result(path, file.read(), "parquet")
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as Parquet: {str(error)[:300]}") from error


def read_arrow(source: str | Path, options: SourceOptions) -> Read:
    """The memory-mapped table of an Arrow IPC file, a Feather file, or an IPC stream."""
    path = Path(source)
    mapped = pa.memory_map(str(path))
    try:
        if mapped.read(6) == b"ARROW1":
            return _result(path, pa.ipc.open_file(mapped).read_all(), "arrow")
        mapped.seek(0)
        return _result(path, pa.ipc.open_stream(mapped).read_all(), "arrow")
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as Arrow IPC (file or stream): {str(error)[:300]}") from error


def read_jsonl(source: str | Path, options: SourceOptions) -> Read:
    """The table of a file with one JSON object a line, or of one JSON list of objects."""
    path = Path(source)
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(1 << 12).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise UserError(f"{path} is empty: it holds no rows")
    if start.startswith(b"["):
        return _result(path, _list(path), "jsonl")
    table = _lines(path, pa.schema([]))
    words = words_only(options, table.column_names)
    dated = [f.name for f, word in zip(table.schema, words, strict=True) if word and pa.types.is_timestamp(f.type)]
    if dated:  # strings that look like dates: as they are written
        table = _lines(path, pa.schema([(name, pa.string()) for name in dated]))
    return _result(path, table, "jsonl")


def _lines(path: Path, given: pa.Schema, block: int = BLOCK) -> pa.Table:
    """The rows of JSON lines; columns in `given` have its types, the others what their values look like."""
    import pyarrow.json as pj

    with pa.input_stream(str(path), compression="detect") as stream:
        try:
            return pj.read_json(
                stream, pj.ReadOptions(block_size=block), pj.ParseOptions(explicit_schema=given if len(given) else None)
            )
        except pa.ArrowInvalid as error:
            problem = str(error)
    if "straddling object" in problem and block < 1 << 30:
        return _lines(path, given, 8 * block)
    raise UserError(
        f"{path} cannot be read as JSON lines: {problem[:300]}; every line must be an object, a field of one type"
    )


def _list(path: Path) -> pa.Table:
    with pa.input_stream(str(path), compression="detect") as stream:
        try:
            return pa.Table.from_pylist(json.loads(stream.read().decode("utf-8-sig")))
        except (ValueError, AttributeError, pa.ArrowException) as error:
            raise UserError(f"{path} cannot be read as a JSON list of objects: {str(error)[:300]}") from error
