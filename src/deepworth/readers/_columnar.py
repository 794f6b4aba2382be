"""Reads Parquet, Arrow and JSON lines files with pyarrow."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa

from deepworth.errors import UserError
from deepworth.readers._files import DAMAGED, chunks, name_of
from deepworth.readers.result import Read, words_only
from deepworth.types import SourceOptions

NULL = re.compile(rb"}[ \t\r\n]*null")  # after the end of an object; within a string, too
BLOCK = 1 << 24  # bytes of JSON parsed at a time; must hold the longest line


def _result(path: Path, table: pa.Table, reader: str) -> Read:
    return Read(table=table, name=name_of(path), reader=reader, source=str(path), base=str(path.absolute().parent))


def _sound(path: Path, table: pa.Table) -> pa.Table:
    """The table. Raises UserError for content that would end the process, or be no text, where it is used."""
    try:
        table.validate(full=True)  # offsets within their buffers, text in UTF-8
        table.column_names  # noqa: B018  decodes them
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged: {str(error)[:300]}; {DAMAGED}") from error
    return table


def read_parquet(source: str | Path, options: SourceOptions) -> Read:
    """The table of one Parquet file, without partition columns from folder names."""
    import pyarrow.parquet as pq

    path = Path(source)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            return _result(path, _sound(path, file.read()), "parquet")
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as Parquet: {str(error)[:300]}; {DAMAGED}") from error


def read_arrow(source: str | Path, options: SourceOptions) -> Read:
    """The memory-mapped table of an Arrow IPC file, a Feather file, or an IPC stream."""
    path = Path(source)
    mapped = pa.memory_map(str(path))
    try:
        if mapped.read(6) == b"ARROW1":
            return _result(path, _sound(path, pa.ipc.open_file(mapped).read_all()), "arrow")
        mapped.seek(0)
        return _result(path, _sound(path, pa.ipc.open_stream(mapped).read_all()), "arrow")
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{path} cannot be read as Arrow IPC (file or stream): {str(error)[:300]}; {DAMAGED}"
        ) from error


def read_jsonl(source: str | Path, options: SourceOptions) -> Read:
    """The table of a file with one JSON object a line, or of one JSON list of objects."""
    path = Path(source)
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(1 << 12).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise UserError(f"{path} is empty: it holds no rows")
    if start.startswith(b"["):
        return _result(path, _list(path), "jsonl")
    _refuse_null(path)
    table = _sound(path, _lines(path, pa.schema([])))
    words = words_only(options, table.column_names)
    dated = [f.name for f, word in zip(table.schema, words, strict=True) if word and pa.types.is_timestamp(f.type)]
    if dated:  # strings that look like dates: as they are written
        table = _lines(path, pa.schema([(name, pa.string()) for name in dated]))
    return _result(path, table, "jsonl")


def _refuse_null(path: Path) -> None:
    """Raise UserError where a row is `null`: pyarrow's reader ends the whole process there (24.0)."""
    before, passed = b"}", 0  # as if a row had ended
    for chunk in chunks(path, BLOCK):
        text = before + chunk
        for found in NULL.finditer(text):
            start = text.rfind(b"\n", 0, found.start()) + 1
            if b"\n" in found.group() or found.start() == 0 or not _is_object(text[start:].partition(b"\n")[0]):
                line = 1 + passed + text.count(b"\n", 0, found.end())
                raise UserError(f"{path}: line {line} is null: every line must be an object; remove this line")
        passed += chunk.count(b"\n") if text.rfind(b"}") < 0 else text.count(b"\n", 0, text.rfind(b"}"))
        tail = text[text.rfind(b"}") :]
        before = tail if len(tail.strip()) < len("}null") else b""


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


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
    content = b"".join(chunks(path, BLOCK))
    try:
        return pa.Table.from_pylist(json.loads(content.decode("utf-8-sig")))
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError, pa.ArrowException) as error:
        raise UserError(
            f"{path} cannot be read as a JSON list of objects: {str(error)[:300]}; write one object a row, their "
            "fields of one type"
        ) from error
