"""Reads delimited text with pyarrow, once the encoding and the dialect are found."""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pc

from deepworth.errors import UserError
from deepworth.readers._dialect import Dialect, find_dialect
from deepworth.readers._files import chunks, name_of
from deepworth.readers.result import Read, words_only
from deepworth.types import SourceOptions

HEAD = 1 << 17  # bytes the dialect is found from, in 0.1 s; also the longest field of Python's csv
CHUNK = 1 << 20  # bytes looked at together: they stay in the cache
BLOCK = 1 << 22  # bytes parsed at a time: enough blocks for all threads, and rows of 4 MB
ASKED = 1 << 16  # bytes of lines with foreign letters that the encoding is found from
WESTERN = ("cp1252", "latin_1", "iso8859_15")
OTHERS = (
    "cp850", "mac_roman", "cp1250", "iso8859_2", "cp1251", "koi8_r", "iso8859_5", "cp1253", "cp1254", "cp1255",
    "cp1256", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip
BY_CHANCE = ("cp850", "big5", "gb18030")  # a few western letters look like these, too
SIGNS = "°²³µ§€"  # western, and no letters
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What one pass over the bytes tells."""

    encoding: str
    head: str
    whole: bool  # `head` is everything
    broken: bool  # whether a quoted value may go on in the next line where a block ends


def read(source: str | Path, options: SourceOptions) -> Read:
    """The table of a delimited text file. Raises UserError with the line where a row is longer or shorter."""
    path = Path(source)
    look = _look(path)
    if not look.head.strip("\ufeff \t\r\n"):
        raise UserError(f"{path} is empty: it holds no header and no rows")
    dialect = find_dialect(look.head, look.whole)
    notes = [] if look.encoding == "utf-8" else [f"the text is read as {look.encoding}"]
    if not dialect.header_row:
        notes.append(f"the first row holds values, no names: columns are called {', '.join(dialect.header[:3])} ...")
    dialect = replace(dialect, codes=(*dialect.codes, *_words(look, dialect, options)))
    table = _parse(path, look, dialect)
    stray = dialect.delimiter == "\t" and _swallows(table) and not _well_quoted(path, look, dialect)
    if stray and (bare := _without_quotes(path, look, dialect)) is not None:
        table = bare
        notes.append("quote marks stand in the text, not around values: they are kept as they are")
    return Read(
        table=table,
        name=name_of(path),
        reader="csv",
        source=str(path),
        base=str(path.absolute().parent),
        notes=tuple(notes),
    )


def _look(path: Path) -> Look:
    """Encoding, beginning and quote marks, in one pass over the bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    head, encoding, foreign, passed, quotes, broken = b"", "", b"", 0, 0, False
    for chunk in chunks(path, CHUNK):
        if not head:
            head, whole = chunk[:HEAD], len(chunk) <= HEAD
            encoding = _marked(head)
        within = 0 if broken else int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == ord('"')))
        broken = broken or bool(encoding) or b"'" in chunk or _torn(chunk, quotes, within)
        quotes += within
        if encoding not in ("", "utf-8"):
            continue
        if b"\0" in chunk:
            line = 1 + _lines_before(path, passed + chunk.index(b"\0"))
            raise UserError(
                f"{path}: line {line} holds a NUL byte: this is no text file, or it is damaged there; mend this "
                "line, or bring the file again"
            )
        passed += len(chunk)
        if not foreign and not _decodes(decoder, chunk):
            foreign = _foreign(chunk)
            if encoding:
                raise UserError(
                    f"{path}: its first bytes say that it is UTF-8, but this is none: {foreign[:60]!r}; save it "
                    "again as UTF-8, or remove its mark"
                )
    if not head:
        return Look("utf-8", "", True, False)
    encoding = encoding or (_guess(foreign) if foreign else "utf-8")
    broken = broken or bool(foreign and quotes)  # in UTF-8 the blocks will end elsewhere
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return Look(encoding, text, whole, broken)


def _torn(chunk: bytes, before: int, within: int) -> bool:
    """Whether the first or the last end of a line of the chunk may lie in quotes, `before` double quotes before it.

    pyarrow cuts blocks there, at multiples of a chunk; ends of lines in quotes elsewhere are no trouble to it.
    """
    first = min((place for place in (chunk.find(b"\n"), chunk.find(b"\r")) if place >= 0), default=-1)
    last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
    odd = (before + chunk.count(b'"', 0, first)) % 2 or (before + within - chunk.count(b'"', last)) % 2
    return first < 0 or bool(odd)


def _lines_before(path: Path, position: int) -> int:
    with pa.input_stream(str(path), compression="detect") as stream:
        return stream.read(position).count(b"\n")


def _marked(head: bytes) -> str:
    """The encoding a byte order mark, or every other byte being zero, gives away."""
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    half = len(head) // 2
    if half and head[1::2].count(0) > 0.3 * half > head[::2].count(0):
        return "utf-16-le"
    if half and head[::2].count(0) > 0.3 * half > head[1::2].count(0):
        return "utf-16-be"
    return ""


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _foreign(chunk: bytes) -> bytes:
    """The first lines with bytes beyond ASCII: all a guess of the encoding can use."""
    lines, size = [], 0
    for line in io.BytesIO(chunk):
        if not line.isascii():
            lines.append(line)
            size += len(line)
        if size > ASKED:
            break
    return b"".join(lines)


def _guess(foreign: bytes) -> str:
    """The encoding charset-normalizer finds; the western ones agree on most letters, and Windows' is the commonest."""
    from charset_normalizer import from_bytes

    found = from_bytes(foreign, cp_isolation=[*WESTERN, *OTHERS])
    best = found.best()
    western = _decoded(foreign, "cp1252")
    rivals = [match for match in found if match.encoding in WESTERN]
    tie = any((match.chaos, match.coherence) == (best.chaos, best.coherence) for match in rivals if best)
    if best is None or tie or _decoded(foreign, best.encoding) == western:
        return "latin-1" if western is None else "cp1252"  # latin-1 takes any byte
    lone = len(re.findall(rb"[\x80-\xff]+", foreign)) > 0.67 * (len(foreign) - len(foreign.decode("ascii", "ignore")))
    if western and lone and best.encoding in BY_CHANCE and _lettered(western) >= _lettered(str(best)):
        return "cp1252"
    return best.encoding


def _lettered(text: str) -> float:
    """The share of the foreign characters that are letters, as those within words are where they are read rightly."""
    beyond = [char for char in text if not char.isascii()]
    return sum(char in SIGNS or unicodedata.category(char) in ("Ll", "Lu", "Lo") for char in beyond) / len(beyond)


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _names(look: Look, dialect: Dialect) -> Sequence[str]:
    return dialect.header or next(dialect.rows(io.StringIO(look.head.lstrip("\ufeff"), newline="")), ())


def _words(look: Look, dialect: Dialect, options: SourceOptions) -> list[int]:
    """The places of the columns that are read as they are written."""
    return [place for place, words in enumerate(words_only(options, _names(look, dialect))) if words]


def _parse(path: Path, look: Look, dialect: Dialect, block: int = 0) -> pa.Table:
    names = _names(look, dialect)
    block = block or BLOCK * min(16, 1 + len(names) // 200)  # else many columns come in pieces of a few rows
    torn = bool(dialect.quote) and (look.broken or bool(dialect.escape))
    with pa.input_stream(str(path), compression="detect") as stream:
        try:
            return pc.read_csv(
                stream,
                read_options=pc.ReadOptions(
                    block_size=block,
                    encoding="utf8" if look.encoding == "utf-8" else look.encoding,
                    column_names=list(dialect.header) or None,
                    skip_rows=1 if dialect.header and dialect.header_row else 0,
                ),
                parse_options=pc.ParseOptions(
                    delimiter=dialect.delimiter,
                    quote_char=dialect.quote or False,
                    escape_char=dialect.escape or False,
                    newlines_in_values=torn,  # costs a third
                ),
                convert_options=pc.ConvertOptions(
                    strings_can_be_null=True,
                    decimal_point=dialect.decimal,
                    column_types={names[place]: pa.string() for place in dialect.codes if place < len(names)},
                ),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            problem: Any = error
    if "straddling object" in str(problem) and block < 1 << 30:
        return _parse(path, look, dialect, block=8 * block)
    if dialect.quote and not torn:  # a stray quote mark hides that a block ends within a value
        return _parse(path, replace(look, broken=True), dialect, block)
    if "Empty CSV" in str(problem):
        raise UserError(f"{path} has no rows: it holds a row of names only")
    if dialect.quote and dialect.delimiter == "\t" and (bare := _without_quotes(path, look, dialect)) is not None:
        return bare
    raise _explain(path, look, dialect, problem)


def _swallows(table: pa.Table) -> bool:
    """Whether a value holds tabs and ends of lines: rows that two stray quote marks have made into one."""
    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    return any(pa.compute.any(pa.compute.match_substring_regex(c, r"(?s)\t.*\n|\n.*\t")).as_py() for c in texts)


def _well_quoted(path: Path, look: Look, dialect: Dialect) -> bool:
    """Whether every closing quote mark stands before a tab or the end of a line, as around values and not in a text."""
    with pa.input_stream(str(path), compression="detect") as stream:
        text = io.TextIOWrapper(stream, encoding=look.encoding, errors="replace", newline="")
        try:
            for _ in csv.reader(text, delimiter="\t", quotechar=dialect.quote, strict=True):
                pass
        except csv.Error:
            return False
    return True


def _without_quotes(path: Path, look: Look, dialect: Dialect) -> pa.Table | None:
    try:
        return _parse(path, look, replace(dialect, quote=None))
    except UserError:
        return None


def _explain(path: Path, look: Look, dialect: Dialect, problem: Exception) -> UserError:
    """What is wrong, with the first line whose number of values differs from the header's."""
    mark = {"\t": "a tab", "\x1f": "nothing"}.get(dialect.delimiter, repr(dialect.delimiter))
    with pa.input_stream(str(path), compression="detect") as stream:
        text = io.TextIOWrapper(stream, encoding=look.encoding, errors="replace", newline="")
        rows, longest = dialect.rows(text), csv.field_size_limit(sys.maxsize)
        try:
            width, start = 0, 1
            for row in rows:
                width = width or len(dialect.header) or len(row)
                if row and len(row) != width and not (rows.line_num == 1 and dialect.header):
                    shown = dialect.delimiter.join(row)
                    return UserError(
                        f"{path}: line {start} has {len(row)} values where the header has {width} "
                        f"(separated by {mark}): "
                        f"{shown[:80]!r}; mend this line, or put quotes around values that hold the separator"
                    )
                start = rows.line_num + 1
        except csv.Error:  # pyarrow's own words must do
            pass
        finally:
            csv.field_size_limit(longest)
    if isinstance(problem, UnicodeDecodeError):
        return UserError(
            f"{path}: its first bytes say that it is {look.encoding}, but not all of it is ({problem.reason}); save it "
            "again as UTF-8"
        )
    return UserError(
        f"{path} cannot be read as text separated by {mark}: {str(problem)[:300]}; "
        "mend this row, or save the table as Parquet"
    )
