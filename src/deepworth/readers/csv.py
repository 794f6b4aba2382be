"""Delimited text: CSV, TSV and their relatives, whatever their delimiter, quotes, encoding and decimal mark."""

from __future__ import annotations

from typing import Any

from deepworth.readers._files import DELIMITED, is_file
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return is_file(source, DELIMITED)


SPECS = [
    ReaderSpec(
        name="csv",
        summary="CSV, TSV and other delimited text",
        accepts="deepworth.readers.csv:accepts",
        read="deepworth.readers._csv:read",
        order=10,
    )
]
