"""Excel and OpenDocument sheets: file.xlsx, or file.xlsx::sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepworth.readers._files import EXCEL, is_file, parts_of
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return isinstance(source, str | Path) and is_file(parts_of(source)[0], EXCEL)


SPECS = [
    ReaderSpec(
        name="excel",
        summary="Excel and OpenDocument sheets: file.xlsx, or file.xlsx::sheet",
        accepts="deepworth.readers.excel:accepts",
        read="deepworth.readers._excel:read",
        order=10,
    )
]
