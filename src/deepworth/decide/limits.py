"""Seconds against the limit of a run: sums of estimates, what the limit lets them take, and the limit in words."""

from __future__ import annotations

from collections.abc import Iterable

from deepworth.types import Candidate, Range
from deepworth.words import added


def total(candidates: Iterable[Candidate]) -> Range:
    """Seconds of all of them together."""
    return added(candidate.estimate.seconds for candidate in candidates)


def capped(seconds: Range, limit: float) -> Range:
    """What the limit lets them take: it ends the run whatever the estimates say."""
    return Range(low=min(seconds.low, limit), likely=min(seconds.likely, limit), high=min(seconds.high, limit))


def late(candidate: Candidate) -> bool:
    """Whether the limit of a run, not of its memory, is why a candidate is skipped."""
    return "the limit is" in candidate.reason and "GB" not in candidate.reason


def limited(seconds: float) -> str:
    """A limit as people say it: 90 seconds, 5 minutes, 8 hours."""
    for unit, name in ((3600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}{'s' * (seconds != unit)}"
    return f"{seconds:.0f} seconds" if seconds >= 10 else f"{seconds:g} second{'s' * (seconds != 1)}"
