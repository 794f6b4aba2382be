"""What a gain means: the answer for one rung in words, and what would decide it where that is open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deepworth.climb.again import FEW_ROWS
from deepworth.data.divisions import FOLDS
from deepworth.metrics.conclusions import MOST, conclude, needed
from deepworth.metrics.intervals import Interval
from deepworth.metrics.scores import Metric
from deepworth.store import INTERRUPTED
from deepworth.types import Gain, Goals, Rung, RungVerdict, Splits, TrialResult
from deepworth.verdict.doubt import Doubt
from deepworth.verdict.gain import Comparison
from deepworth.words import by_reason, count


def rung_answer(
    rung: Rung,
    base: TrialResult | None,
    deep: TrialResult | None,
    found: Comparison | Doubt | None,
    results: Sequence[TrialResult],
    primary: Metric,
    goals: Goals,
    splits: Splits,
) -> RungVerdict:
    if base is None or deep is None or found is None:
        return no_pair(base, results, goals, (rung,))
    if isinstance(found, Doubt):
        return RungVerdict(rung=rung, verdict="cannot tell yet", sentence=found.sentence, decide_next=found.decide_next)
    gain = found.gain
    perfect = primary.to_error(base.test.get(primary.name, math.nan)) == 0.0
    if perfect and splits.test >= FEW_ROWS and not gain.method.startswith("corrected"):
        sentence = f"{base.model} makes no error on the {splits.test:,} test rows: nothing is left to gain."
        return RungVerdict(rung=rung, verdict="not worth it", sentence=sentence)
    hardest = f", the hardest to beat of {gain.choices}," if gain.choices > 1 else ""
    by = f"{deep.model} ({deep.rung}) against {base.model}{hardest} on {_judged_on(gain, splits)}"
    span = _span(gain)
    answer = conclude(gain.low, gain.high, goals.worth)
    sentence = {
        "worth it": f"Deep learning removes {_span(gain, '')}: {by}.",
        "not worth it": f"Deep learning gains less than the {goals.worth:.1%} that would count: {span}, {by}.",
        "no measurable difference": f"The two cannot be told apart: {span}, {by}. Keep the cheaper one.",
        "cannot tell yet": f"The interval holds both sides of the {goals.worth:.1%} that would count: {span}, {by}.",
    }[answer]
    next_step = _to_decide(gain, found.interval, deep, goals, splits) if answer == "cannot tell yet" else ""
    return RungVerdict(rung=rung, verdict=answer, sentence=sentence, decide_next=next_step)


def _span(gain: Gain, sign: str = "+") -> str:
    """A gain with its interval, in whole per cents where the interval is wide."""
    digits = 0 if gain.high - gain.low > 0.2 else 1
    low, high = f"{gain.low:{sign}.{digits}%}", f"{gain.high:{sign}.{digits}%}"
    return f"{gain.relative:{sign}.{digits}%} of the error [{low} .. {high}]"


def _judged_on(gain: Gain, splits: Splits) -> str:
    if gain.method == "corrected resampled t":
        return f"{gain.units} folds of a {'repeated ' if gain.units > FOLDS else ''}cross-validation"
    groups = f" of {count(gain.units, 'group')}" if gain.method.endswith("groups") else ""
    return f"{splits.test:,} test rows{groups}" + (f", {gain.seeds} seeds" if gain.seeds > 1 else "")


def _to_decide(gain: Gain, interval: Interval, deep: TrialResult, goals: Goals, splits: Splits) -> str:
    """Rows, seeds and time that would decide, at the present difference."""
    need = needed(interval, goals.worth)
    seconds = deep.seconds or deep.seconds_fit
    seeds = [
        f"{_more(gain.seeds, times):,} more seeds of {deep.model} (about {seconds * _more(gain.seeds, times):.0f} s)"
        for times in (need.seeds, need.both[1])
        if 1 < times <= MOST
    ]
    rows = [_more_rows(gain, splits, times) for times in (need.rows, need.both[0]) if 1 < times <= MOST]
    together = max(need.both) > 1 and rows and seeds
    said = [f"{rows[0]} together with {seeds[0]}"] if together else [*rows, *seeds]
    if gain.method.endswith("groups") and gain.units < 2:
        said = ["test rows of more groups: one group tells nothing of another"]
    if "cut" in deep.notes:
        said.append(f"more time: {deep.model} was stopped by the clock after {deep.seconds:.0f} s")
    folds = gain.units if gain.method.startswith("corrected") else 0
    if splits.test < FEW_ROWS and splits.protocol != "given" and folds <= FOLDS:
        said.append("more time (--time), for a repeated cross-validation")
    if not said:
        said = [f"no test part of a usual size: the gain lies too near the {goals.worth:.1%} that would count"]
    return "about " + "; or ".join(said) if rows or seeds else "; or ".join(said)


def _more(have: int, times: float) -> int:
    return max(1, math.ceil(have * times) - have)


def _more_rows(gain: Gain, splits: Splits, times: float) -> str:
    whole = splits.train + splits.valid + splits.test
    if gain.method.startswith("corrected"):
        return f"{_round(_more(whole, times)):,} more rows at the present difference"
    if gain.method.endswith("groups"):
        return f"{_more(gain.units, times):,} more test groups at the present difference"
    more = _round(_more(splits.test, times))
    in_all = _round((more + splits.test) * whole / splits.test)
    return f"{more:,} more test rows ({in_all:,} rows in all) at the present difference"


def _round(number: float) -> int:
    """To two digits: it is a guess."""
    return int(float(f"{number:.1e}"))


def no_pair(
    base: TrialResult | None, results: Sequence[TrialResult], goals: Goals, rungs: Sequence[Rung]
) -> RungVerdict:
    """The answer where a floor or classical model, or a deep one, is missing."""
    kind = "deep" if len(rungs) > 1 else rungs[0]
    if base is None:
        sentence, next_step = "No floor or classical model was trained to compare with.", "run the classical rung too"
    else:
        sentence, next_step = f"No {kind} model was trained to compare with.", _why_none(results, goals, rungs)
    return RungVerdict(rung=rungs[-1], verdict="cannot tell yet", sentence=sentence, decide_next=next_step)


def _why_none(results: Sequence[TrialResult], goals: Goals, rungs: Sequence[Rung]) -> str:
    """Why no model of these rungs is there, and the time that those it was too short for would take."""
    tried = [r for r in results if r.rung in rungs]
    kind = "deep" if len(rungs) > 1 else rungs[0]
    if tried:
        if any(r.reason == INTERRUPTED for r in tried):
            return "the same command, or --resume with the run's folder, goes on where this one was interrupted"
        said = "; ".join(
            f"{models} {'were' if ',' in models else 'was'} {status}: {reason}"
            for status, models, reason in by_reason(tried)
        )
        late = [r.estimate.seconds.likely for r in tried if r.estimate and " left" in r.reason]
        return f"about {sum(late):.0f} s more time: {said}" if late else said
    if goals.models:
        return f"name a {kind} model beside {', '.join(goals.models)} (--models), or let the plan choose"
    if not set(goals.rungs) & set(rungs):
        return f"let {'a deep' if len(rungs) > 1 else 'the ' + kind} rung run: --rungs was {','.join(goals.rungs)}"
    return f"no {kind} model is known for this kind of data"
