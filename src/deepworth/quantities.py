"""Quantities as people give them: a time limit, a size, a share, a number of weeks, a list of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from deepworth.errors import UserError


def seconds(text: str | float) -> float:
    """ "90s", "5m", "1.5h" or a number, as seconds; text of one digit needs its unit. Raises UserError."""
    units = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
    if isinstance(text, str) and re.fullmatch(r"\s*(\d(\.\d*)?|\.\d+)\s*", text) and float(text) > 0:
        raise UserError(
            f"{text!r} names no unit, and could be minutes or seconds: give {text.strip()}m or {text.strip()}s"
        )
    return _quantity(text, units, "a time limit", "90s, 5m or 1h")


def gigabytes(text: str | float) -> float:
    """ "4GB", "500MB" or a number of GB. Raises UserError."""
    units = {"": 1, "g": 1, "gb": 1, "gib": 1.073741824, "m": 1e-3, "mb": 1e-3}
    return _quantity(text, units, "a memory limit", "4GB or 500MB")


def share(text: str | float) -> float:
    """ "1%" or 0.01; at most the whole. Raises UserError."""
    value = _quantity(text, {"": 1, "%": 0.01}, "a least useful gain", "1% or 0.01", zero=True)
    if value > 1:
        raise UserError(f"{text!r} is more than the whole error: give a least useful gain of 0% to 100%, such as 1%")
    return value


def weeks(text: str | float) -> float:
    """ "2", "0.5" or a number. Raises UserError."""
    return _quantity(text, {"": 1, "w": 1}, "a number of weeks", "1 or 4")


def whole(name: str, value: int, least: int) -> int:
    """A whole number of at least `least`. Raises UserError."""
    if value < least:
        raise UserError(f"{name} is {value}: give a whole number of {least} or more")
    return value


def names(given: str | Iterable[str] | None) -> tuple[Any, ...]:
    """ "linear, lightgbm", a single name or a list of names, as names; nothing for None."""
    given = given.split(",") if isinstance(given, str) else given or ()
    return tuple(name.strip() for name in given if name.strip())


def _quantity(text: str | float, units: Mapping[str, float], what: str, example: str, zero: bool = False) -> float:
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*([a-zA-Z%]*)\s*", str(text))
    value = float(match[1]) * units.get(match[2].lower(), float("nan")) if match else float("nan")
    if not (value > 0 or (zero and value == 0)):
        raise UserError(f"{text!r} is not {what}: give something like {example}")
    return value
