"""Arrow IPC (file or stream) and Feather files."""

from __future__ import annotations

from typing import Any

from deepworth.readers._files import ARROW, is_file
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return is_file(source, ARROW)


SPECS = [
    ReaderSpec(
        name="arrow",
        summary="Arrow IPC and Feather files",
        accepts="deepworth.readers.arrow:accepts",
        read="deepworth.readers._columnar:read_arrow",
        order=10,
    )
]
