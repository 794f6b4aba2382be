"""Data sets of the Hugging Face hub, by their id: `user/name`, or `user/name::configuration`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from deepworth.readers._files import SQLITE, TABLES, TEXTS, suffix_of
from deepworth.registry import ReaderSpec

ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(::[\w.-]+)?")


def accepts(source: Any) -> bool:
    """An id looks like a relative path: it is one only when no such folder is there and no file is meant."""
    if not isinstance(source, str) or not ID.fullmatch(source) or Path(source).parent.exists():
        return False
    return suffix_of(source) not in (*TABLES, *SQLITE, *TEXTS, ".zip")


SPECS = [
    ReaderSpec(
        name="hub",
        summary="a Hugging Face data set by its id, where `datasets` and a network are there",
        accepts="deepworth.readers.hub:accepts",
        read="deepworth.readers._frame:read_hub",
        order=90,
    )
]
