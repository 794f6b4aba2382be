"""Zip archives of class folders, read where they lie, or of one table."""

from __future__ import annotations

from typing import Any

from deepworth.readers._files import is_file
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return is_file(source, (".zip",))


SPECS = [
    ReaderSpec(
        name="zip",
        summary="zip archives of class folders, or of one table",
        accepts="deepworth.readers.zip:accepts",
        read="deepworth.readers._folder:read_zip",
        order=20,
    )
]
