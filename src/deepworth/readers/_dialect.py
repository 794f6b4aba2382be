"""How a delimited text is written: delimiter, quotes, escape, decimal mark and header, found from its first rows."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

DELIMITERS = (",", ";", "\t", "|")  # the earlier wins a tie
QUOTES = ('"', "'", None)
BROKEN = 0.5  # what quotes that do not close cost a dialect
NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")
POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")
LEADING = re.compile(r"\s*0\d+\s*")
GROUPED = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+\s*")  # 1,234: thousands, or one and a bit


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    decimal: str = "."
    header: tuple[str, ...] = ()  # the names to use instead of the first row
    header_row: bool = True  # whether the first row holds names
    codes: tuple[int, ...] = ()  # columns that are read as they are written, such as codes: digits with leading zeros

    def rows(self, text: io.TextIOBase | io.StringIO, strict: bool = False) -> Any:
        """The rows of `text`; `line_num` tells the line. `strict`: csv.Error where a quote closes inside a value."""
        return csv.reader(
            text,
            delimiter=self.delimiter,
            quotechar=self.quote or '"',
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            strict=strict,
        )


def find_dialect(text: str, whole: bool = True) -> Dialect:
    """The dialect of a text of which `text` is the beginning (all of it, if `whole`).

    The delimiter is one of those in the first row, and that which gives most rows as many fields as the first; between
    equals the one whose fields look least like several fields or like fields still in their quotes. No delimiter in the
    first row: one column.
    """
    escapes = (None, "\\") if re.search(r"\\[\"']", text) else (None,)
    tried = [
        Dialect(delimiter=delimiter, quote=quote, escape=escape)
        for quote, escape, delimiter in itertools.product(QUOTES, escapes, DELIMITERS)
        if quote is None or quote in text
    ]
    scored = [(_score(dialect, text, whole), -place, dialect) for place, dialect in enumerate(tried)]
    (_, _, fields), _, best = max(scored)
    if fields < 2:
        absent = next((mark for mark in (*DELIMITERS, "\x1f") if mark not in text), "\x1f")
        quote = '"' if text.lstrip("\ufeff").startswith('"') or '\n"' in text else best.quote
        best = Dialect(delimiter=absent, quote=quote, escape=best.escape)
    rows = _rows(best, text, whole)
    decimal = _decimal(rows[1:], best.delimiter)
    header_row, header = _header(rows)
    quote = best.quote if best.quote is not None or '"' in text else '"'
    return replace(best, quote=quote, decimal=decimal, header=header, header_row=header_row, codes=_codes(rows[1:]))


def _rows(dialect: Dialect, text: str, whole: bool) -> list[list[str]]:
    try:
        rows = [row for row in dialect.rows(io.StringIO(text.lstrip("\ufeff"), newline="")) if row]
    except csv.Error:  # a field without an end under this dialect
        return []
    return rows if whole or len(rows) < 2 else rows[:-1]  # the last may be cut


def _score(dialect: Dialect, text: str, whole: bool) -> tuple[float, float, int]:
    """Share of rows as long as the first, minus the share of fields that look wrongly cut, and the number of fields."""
    rows = _rows(dialect, text, whole) if dialect.delimiter in text else []
    if not rows or len(rows[0]) < 2:
        return (-1.0, 0.0, 0)
    fields, body = len(rows[0]), rows[1:]
    even = sum(len(row) == fields for row in body) / len(body) if body else 1.0
    if body and all(
        len(row) == fields + 1 for row in body
    ):  # names of rows without a name of their own, as R writes them
        even = 1.0
    cells = [cell for row in rows for cell in row if cell]
    odd = sum(_odd(cell, dialect) for cell in cells) / max(1, len(cells))
    return (round(even, 2) - BROKEN * _broken(dialect, text, whole), -round(odd, 3), fields)


def _broken(dialect: Dialect, text: str, whole: bool) -> bool:
    """Whether quotes close inside values or not at all: then they are no quotes but marks in the text."""
    if dialect.quote is None:
        return False
    try:
        for _ in dialect.rows(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True):
            pass
    except csv.Error as error:
        return whole or "end of data" not in str(error)
    return False


def _odd(cell: str, dialect: Dialect) -> bool:
    if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "\"'":
        return True  # still in its quotes
    others = [mark for mark in DELIMITERS if mark != dialect.delimiter and mark in cell]
    return bool(others) and not NUMBER.fullmatch(cell) and " " not in cell


def _decimal(body: Sequence[Sequence[str]], delimiter: str) -> str:
    """A comma, when some column can only be read that way and none has numbers with a point."""
    found = ""
    for column in itertools.zip_longest(*body, fillvalue=""):
        cells = [cell for cell in column if cell.strip()]
        if not cells or not all(NUMBER.fullmatch(cell) for cell in cells):
            continue
        if any(POINT.fullmatch(cell) for cell in cells):
            return "."
        commas = [cell for cell in cells if COMMA.fullmatch(cell)]
        if commas and (delimiter == ";" or not all(GROUPED.fullmatch(cell) for cell in commas)):
            found = ","
    return found or "."


def _codes(body: Sequence[Sequence[str]]) -> tuple[int, ...]:
    columns = itertools.zip_longest(*body, fillvalue="")
    return tuple(place for place, column in enumerate(columns) if any(LEADING.fullmatch(cell) for cell in column))


def _header(rows: Sequence[Sequence[str]]) -> tuple[bool, tuple[str, ...]]:
    """Whether the first row holds names, and the names to use where it does not or does not name every column.

    Numbers on top of columns of numbers are a first row of values, unless they count up evenly (years, 0 1 2 ...).
    """
    if len(rows) < 2:
        return True, ()
    first, body = rows[0], rows[1:]
    if all(len(row) == len(first) + 1 for row in body):
        return True, ("row", *first)
    numeric = [
        first[place]
        for place in range(len(first))
        if any(len(row) > place and row[place] for row in body)
        and all(NUMBER.fullmatch(row[place]) for row in body if len(row) > place and row[place])
    ]
    if not numeric or not all(NUMBER.fullmatch(cell) for cell in numeric):
        return True, ()
    values = [float(cell.replace(",", ".")) for cell in numeric]
    steps = {b - a for a, b in itertools.pairwise(values)}
    if len(steps) == 1 and steps.pop() > 0 and all(value.is_integer() for value in values):
        return True, ()
    return False, tuple(f"column_{place + 1}" for place in range(len(first)))
