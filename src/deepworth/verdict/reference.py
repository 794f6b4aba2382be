"""What deep models are compared with: the best of the floor and classical rungs, the hardest one to beat in doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deepworth.types import SHALLOW, TrialResult
from deepworth.verdict.gain import Gains

APART = {"given": "were given", "time": "are later"}  # divisions whose test rows may be unlike the validation rows


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A shallow trial, from how many it was chosen on the test rows themselves, and what must be said of that."""

    trial: TrialResult | None
    choices: int = 1
    warning: str = ""


def reference(gains: Gains, base: TrialResult | None, done: Sequence[TrialResult]) -> Reference:
    """`base`, the best on the validation rows, or the best on the test rows where these may be unlike them.

    Rows that are drawn at random, or by whole groups, make both parts alike, and a choice on one is fair on the other.
    Test rows that are later, or were given, do not: the best of before may be a straw man, and who gains on it may gain
    on no other. So the hardest one to beat is the reference. "Worth it" is then an intersection-union test (Berger
    1982): it is said where it holds against every one, which needs no correction for their number; the upper end of the
    interval, and so "not worth it", is corrected for the choice (`metrics.intervals`). Where folds judge, other test
    rows than those of one division do: there `base` stays.
    """
    apart = APART.get(gains.run.splits.protocol)
    rivals = [r for r in done if r.rung in SHALLOW and math.isfinite(gains.test_error(r))]
    if base is None or apart is None or base not in rivals or gains.has_folds(base):
        return Reference(trial=base)
    best = min(rivals, key=lambda r: (gains.test_error(r), r is not base))
    if best is base:
        return Reference(trial=base, choices=len(rivals))
    said = (
        f"{base.model} is the best on the validation rows, {best.model} ({best.rung}) on the test rows, which {apart}: "
        f"deep models are compared with {best.model}, and the interval allows for that choice"
    )
    return Reference(trial=best, choices=len(rivals), warning=said)
