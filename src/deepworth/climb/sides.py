"""Which trials are compared: chosen on the validation rows, the same for what is repeated and for the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepworth.metrics.scores import Metric
from deepworth.types import DEEP, SHALLOW, TrialResult


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The best of the floor and classical rungs, the best of each deep rung, and the best deep one of all."""

    base: TrialResult | None
    rungs: dict[str, TrialResult | None]
    challenger: TrialResult | None

    @property
    def deep(self) -> tuple[TrialResult, ...]:
        """The deep ones there are, the overall challenger first."""
        found = [trial for trial in self.rungs.values() if trial is not None]
        return tuple(sorted(found, key=lambda trial: trial is not self.challenger))


def well_done(results: Sequence[TrialResult], primary: Metric) -> list[TrialResult]:
    """The trials that can be chosen."""
    return [r for r in results if r.status == "done" and primary.name in r.valid]


def choose_sides(results: Sequence[TrialResult], primary: Metric) -> Sides:
    """What is compared after these results."""
    done = well_done(results, primary)
    new = _new(done)
    return Sides(
        base=best(done, SHALLOW, primary),
        rungs={rung: best(new, (rung,), primary) for rung in DEEP},
        challenger=best(new, DEEP, primary),
    )


def best(done: Sequence[TrialResult], rungs: Sequence[str], primary: Metric) -> TrialResult | None:
    """The best of some rungs on the validation rows; the cheaper of two equal ones."""
    some = [r for r in done if r.rung in rungs]
    return min(some, key=lambda r: (primary.to_error(r.valid[primary.name]), r.seconds), default=None)


def _new(done: Sequence[TrialResult]) -> list[TrialResult]:
    """Without tunings that ended as the probe they began with, where that probe has a trial of its own."""
    probed = any(r.rung == "frozen" for r in done)
    return [r for r in done if not (probed and r.rung == "tuned" and r.notes.get("kept") == "the start")]
