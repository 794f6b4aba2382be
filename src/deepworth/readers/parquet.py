"""Parquet files."""

from __future__ import annotations

from typing import Any

from deepworth.readers._files import PARQUET, is_file
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return is_file(source, PARQUET)


SPECS = [
    ReaderSpec(
        name="parquet",
        summary="Parquet files",
        accepts="deepworth.readers.parquet:accepts",
        read="deepworth.readers._columnar:read_parquet",
        order=10,
    )
]
