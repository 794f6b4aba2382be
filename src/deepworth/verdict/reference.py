"""What a deep model is compared with: the best of the floor and classical rungs, the hardest one to beat in doubt."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deepworth.types import SHALLOW, TrialResult
from deepworth.verdict.doubt import Doubt, few_rows_decide
from deepworth.verdict.gain import Comparison, Gains

APART = {"given": "were given", "time": "are later"}  # divisions whose test rows may be unlike the validation rows


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A shallow trial, the rivals it beat on the test rows themselves, and what must be said of that."""

    trial: TrialResult
    rivals: tuple[TrialResult, ...] = ()
    warning: str = ""


def reference(gains: Gains, base: TrialResult, deep: TrialResult, done: Sequence[TrialResult]) -> Reference:
    """`base`, the best on the validation rows, or the best on the test rows where these may be unlike them.

    Rows that are drawn at random, or by whole groups, make both parts alike, and a choice on one is fair on the other.
    Test rows that are later, or were given, do not: the best of before may be a straw man, and who gains on it may gain
    on no other. Where folds judge this deep model, other test rows than those of one division do: there `base` stays.
    """
    apart = APART.get(gains.run.splits.protocol)
    shallow = [r for r in done if r.rung in SHALLOW and math.isfinite(gains.test_error(r))]
    if apart is None or base not in shallow or gains.folds(base, deep):
        return Reference(trial=base)
    best = min(shallow, key=lambda r: (gains.test_error(r), r is not base))
    rivals = tuple(r for r in shallow if r is not best)
    if best is base:
        return Reference(trial=base, rivals=rivals)
    said = (
        f"{base.model} is the best on the validation rows, {best.model} ({best.rung}) on the test rows, which {apart}: "
        f"deep models that these judge are compared with {best.model}, and the interval allows for that choice"
    )
    return Reference(trial=best, rivals=rivals, warning=said)


def gain_over(gains: Gains, deep: TrialResult, against: Reference, until: float) -> Comparison | Doubt:
    """The gain over a reference, or why no interval can be made of it.

    Its lower end is the least of those over the reference and over each rival: a rival with a little more error may
    have a far wider interval, where the reference errs on the same rows as the deep model. "Worth it" is so said only
    where it holds against every one, an intersection-union test (Berger 1982), which needs no correction for their
    number. A rival of which a handful of rows tells nothing does not count. The upper end, and so "not worth it", is
    corrected for the choice (`metrics.intervals`).
    """
    number = len(against.rivals)
    own = gains.of(deep, against.trial, _share(until, 1 + number), 1 + number)
    if doubt := few_rows_decide(gains, against.trial, deep, own.gain):
        return doubt
    over = [own]
    for done, rival in enumerate(against.rivals):
        one = gains.of(deep, rival, _share(until, number - done))
        if not few_rows_decide(gains, rival, deep, one.gain):  # one wild row makes a rival's interval hold everything
            over.append(one)
    hardest = min(over, key=lambda one: one.gain.low)
    decides = hardest if own.gain.relative > gains.goals.worth else own  # the end that more rows would have to move
    return Comparison(replace(own.gain, low=hardest.gain.low), decides.interval)


def _share(until: float, parts: int) -> float:
    return (until - time.monotonic()) / parts
