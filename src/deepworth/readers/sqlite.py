"""SQLite tables: file.db::table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepworth.readers._files import SQLITE, is_file, parts_of
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return isinstance(source, str | Path) and is_file(parts_of(source)[0], SQLITE)


SPECS = [
    ReaderSpec(
        name="sqlite",
        summary="SQLite tables: file.db::table",
        accepts="deepworth.readers.sqlite:accepts",
        read="deepworth.readers._sqlite:read",
        order=10,
    )
]
