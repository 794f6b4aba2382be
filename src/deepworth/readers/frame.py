"""Objects in memory: pandas, polars, pyarrow, and Hugging Face data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    if isinstance(source, str | Path):
        return False
    known = type(source).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow", "datasets")
    return known or isinstance(source, dict) or hasattr(source, "__arrow_c_stream__")


SPECS = [
    ReaderSpec(
        name="frame",
        summary="pandas, polars and pyarrow tables, Hugging Face Dataset and DatasetDict",
        accepts="deepworth.readers.frame:accepts",
        read="deepworth.readers._frame:read",
        order=30,
    )
]
