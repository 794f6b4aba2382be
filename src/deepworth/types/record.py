"""What a record is: a frozen, keyword-only dataclass with slots, without arrays, with a JSON round trip."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import msgspec

R = TypeVar("R")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[R]) -> type[R]:
    """Make `cls` a record: a frozen, keyword-only dataclass with slots."""
    return dataclass(frozen=True, kw_only=True, slots=True)(cls)


def dump(value: Any) -> bytes:
    """The JSON of a record, keys sorted, so that equal records give equal bytes."""
    return msgspec.json.encode(value, order="sorted", enc_hook=_plain)


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python number it is; learners and costs hand them over. Raises NotImplementedError."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} has no place in a record")


def load(cls: type[R], data: bytes | str | Path) -> R:
    """The record of type `cls` in `data` (JSON, or the path of a file of it). Raises msgspec.ValidationError."""
    return msgspec.json.decode(data.read_bytes() if isinstance(data, Path) else data, type=cls)
