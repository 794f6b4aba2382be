"""JSON lines, or one JSON list of records."""

from __future__ import annotations

from typing import Any

from deepworth.readers._files import JSON, is_file
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return is_file(source, JSON)


SPECS = [
    ReaderSpec(
        name="jsonl",
        summary="JSON lines, or one JSON list of records",
        accepts="deepworth.readers.jsonl:accepts",
        read="deepworth.readers._columnar:read_jsonl",
        order=10,
    )
]
