"""Objects in memory: pandas, polars, pyarrow, Hugging Face data sets, and plain dicts and lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    if isinstance(source, str | Path):
        return False
    known = type(source).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow", "datasets")
    rows = isinstance(source, list) and bool(source) and isinstance(source[0], dict)
    return known or rows or isinstance(source, dict) or hasattr(source, "__arrow_c_stream__")


SPECS = [
    ReaderSpec(
        name="frame",
        summary="pandas, polars and pyarrow tables, Hugging Face Dataset and DatasetDict, dicts and lists of rows",
        accepts="deepworth.readers.frame:accepts",
        read="deepworth.readers._frame:read",
        order=30,
    )
]
