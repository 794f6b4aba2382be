"""From an interval of a gain to what may be said of it, and to what would decide it where nothing may."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from deepworth.metrics.intervals import Interval, to_contrast
from deepworth.types import Conclusion

NARROW = 5.0  # times the least useful gain: an interval that reaches further from 0 comes from too few rows ...
LEAST_NARROW = 0.02  # ... but this far is narrow whatever gain would count
MOST = 100.0  # times the rows or the seeds: whoever needs more has no way to tell


def conclude(low: float, high: float, worth: float) -> Conclusion:
    """The class of a gain whose interval is [low, high], where `worth` is the least useful one."""
    if low > worth:
        return "worth it"
    if high < worth:
        return "not worth it"
    if low <= 0 <= high and max(-low, high) <= max(NARROW * worth, LEAST_NARROW):
        return "no measurable difference"
    return "cannot tell yet"


@dataclass(frozen=True, kw_only=True)
class Needed:
    """How many times the rows, or the seeds, make an interval exclude the least useful gain at the present difference.

    1 where none are to be added, infinite where that alone does not help; `both` where only the two together do.
    """

    rows: float
    seeds: float
    both: tuple[float, float] = (1.0, 1.0)


def needed(interval: Interval, worth: float) -> Needed:
    """What would decide: the variance from rows shrinks as 1 / rows, that from seeds as 1 / seeds."""
    distance = abs(to_contrast(interval.relative) - to_contrast(worth))
    room = (distance / ndtri((1 + interval.level) / 2)) ** 2
    rows, seeds = interval.from_rows, interval.from_seeds
    alone = Needed(rows=_times(rows, room - seeds), seeds=_times(seeds, room - rows))
    if math.isfinite(min(alone.rows, alone.seeds)) or room == 0:
        return alone
    return Needed(
        rows=alone.rows, seeds=alone.seeds, both=(max(1.0, _times(rows, room / 2)), max(1.0, _times(seeds, room / 2)))
    )


def _times(part: float, room: float) -> float:
    return max(1.0, part / room) if room > 0 and part > 0 else math.inf
