"""Reads one sheet of a workbook with calamine."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from deepworth.data.media import BROKEN, refuse_trap
from deepworth.data.tidy import own_names
from deepworth.errors import MissingPackage, UserError, nearest
from deepworth.readers._files import DAMAGED, name_of, parts_of
from deepworth.readers.result import Read, words_only
from deepworth.types import SourceOptions
from deepworth.words import count

TITLES = 10  # rows below the first in which the names may stand


def read(source: str | Path, options: SourceOptions) -> Read:
    """The table of the named sheet, or of the first one that has rows; its first row holds the names."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise MissingPackage("Excel files need python-calamine: pip install python-calamine") from error
    path, sheet = parts_of(source)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                refuse_trap(path, sum(info.file_size for info in packed.infolist()))
        workbook = CalamineWorkbook.from_path(str(path))
        names = workbook.sheet_names
        if sheet and sheet not in names:
            raise UserError(f"{path} has no sheet {sheet!r}{nearest(sheet, names)}")
        sheets = {name: workbook.get_sheet_by_name(name).to_python() for name in ([sheet] if sheet else names)}
    except (CalamineError, *BROKEN, OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a workbook: {error}; {DAMAGED}") from error
    filled = [name for name, rows in sheets.items() if len(rows) > 1]
    if not filled:
        raise UserError(f"{path} has no sheet with a row of names and rows of values: {', '.join(sheets)}")
    notes = [f"sheet {filled[0]!r} of {', '.join(map(repr, filled))} is read: name another as {path}::sheet"] * (
        len(filled) > 1
    )
    header, *rows = sheets[filled[0]]
    names = [str(name) for name in header]
    _refuse_title(path, filled[0], names, rows, options.target)
    columns = [
        _column(values, words)
        for values, words in zip(zip(*rows, strict=True), words_only(options, names), strict=True)
    ]
    return Read(
        table=pa.Table.from_arrays(columns, names=names),
        name=name_of(path),
        reader="excel",
        source=str(source),
        base=str(path.absolute().parent),
        notes=tuple(notes),
    )


def _refuse_title(path: Path, sheet: str, names: list[str], rows: list[list[Any]], target: str | None) -> None:
    """Raise UserError where the column asked for is named in a row below the first, as under a title."""
    if target is None or target in own_names(names):
        return
    below = [place for place, row in enumerate(rows[:TITLES], 2) if target in map(str, row)]
    if below:
        raise UserError(
            f"{path}: the first row of sheet {sheet!r} names no column {target!r}, but row {below[0]} does: take "
            f"{count(below[0] - 1, 'row')} above it out of the sheet, so that the names come first"
        )


def _column(values: tuple[Any, ...], words: bool) -> pa.Array:
    """Cells of one column: numbers whole where all are (a sheet knows floats only), and text where types are mixed."""
    cells = [None if cell == "" else cell for cell in values]
    if words:
        return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float}:
        whole = all(cell is None or (float(cell).is_integer() and abs(cell) < 2**53) for cell in cells)
        return pa.array([cell if cell is None else int(cell) if whole else float(cell) for cell in cells])
    try:
        return pa.array(cells)
    except pa.ArrowException:
        return pa.array([None if cell is None else _text(cell) for cell in cells])


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
