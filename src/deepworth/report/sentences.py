"""Every sentence of the report that holds a number, made from the records of the run."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.metrics.conclusions import conclude
from deepworth.metrics.quality import Coverage, Slice
from deepworth.report.drivers import Driver
from deepworth.report.figures import pareto
from deepworth.report.quality import Mistakes, Quality
from deepworth.report.words import number
from deepworth.types import DEEP, Gain, MetricInfo, Plan, TrialResult, Verdict
from deepworth.words import added, count, duration, percent, score, span

NEAR = 1.05  # a ratio below it is called equal
WARNED = 5  # slices named in a warning


def trial_named(verdict: Verdict, key: str) -> str:
    """The model of a trial, or its key where the trial is not in the verdict."""
    return next((t.model for t in verdict.trials if t.key == key), key)


def gains(verdict: Verdict) -> tuple[str, ...]:
    """One sentence a deep rung."""
    return tuple(_gain(verdict, verdict.gains[rung]) for rung in DEEP if rung in verdict.gains)


def _gain(verdict: Verdict, gain: Gain) -> str:
    one, other = trial_named(verdict, gain.challenger), trial_named(verdict, gain.base)
    said = conclude(gain.low, gain.high, verdict.limits["worth"])
    span_ = f"{percent(gain.relative)} of the error [{percent(gain.low)} .. {percent(gain.high)}]"
    return f"{gain.rung}: {one} against {other} {span_}, {said}."


def ladder(trials: Sequence[TrialResult], metric: MetricInfo) -> str:
    """Which trials no other beats in both seconds and error."""
    sign = -1 if metric.higher_is_better else 1
    front = [trials[i] for i in pareto([(t.seconds, sign * t.test[metric.name]) for t in trials])]
    steps = ", ".join(f"{t.model} ({duration(t.seconds)}, {score(t.test[metric.name])})" for t in front)
    beaten = len(trials) - len(front)
    rest = f"; {count(beaten, 'other')} took longer for a score that is no better" if beaten else ""
    return f"What no other model beats in both seconds and {metric.name}: {steps}{rest}."


def estimates(plan: Plan, trials: Sequence[TrialResult]) -> str:
    """How many trials took what was estimated; empty where nothing was."""
    known = [(t, t.estimate.seconds) for t in trials if t.estimate]
    if not known:
        return ""
    inside = sum(guess.low <= t.seconds <= guess.high for t, guess in known)
    took = duration(sum(t.seconds for t, _ in known))
    return (
        f"{inside} of {count(len(known), 'trial')} took the time that was estimated before; together {took}, "
        f"estimated {span(added(guess for _, guess in known))}."
    )


def price(base: TrialResult, challenger: TrialResult, gain: Gain | None = None) -> tuple[str, ...]:
    """What the challenger costs in units of the base, and what one per cent of the error less costs."""
    train, predict = _ratio(challenger.seconds, base.seconds), _ratio(challenger.ms_predict, base.ms_predict)
    size = _ratio(challenger.artefact_mb, base.artefact_mb)
    said = (
        f"Beside {base.model}, {challenger.model} takes {train} the time to train, {predict} the time to predict and "
        f"{size} the space on disk."
    )
    more = challenger.seconds - base.seconds, challenger.ms_predict - base.ms_predict
    if gain is None or gain.low <= 0 or min(more) <= 0:
        return (said,)
    per = 100 * gain.relative
    return (
        said,
        f"It pays where one per cent of the errors less is worth more than {duration(more[0] / per)} of training and "
        f"{duration(more[1] / per)} on every 1,000 predictions.",
    )


def _ratio(one: float, other: float) -> str:
    if one <= 0 or other <= 0:
        return "an unknown multiple"
    ratio = one / other
    if 1 / NEAR < ratio < NEAR:
        return "about"
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times" if ratio >= 0.1 else f"{ratio:.2f} times"


def calibration(trial: TrialResult, quality: Quality) -> str:
    """The calibration error, and where the curve leaves the diagonal for sure."""
    off = [b for b in quality.curve if not b.low <= b.predicted <= b.high]
    said = f"{trial.model}'s probabilities are {percent(trial.test['ece'], signed=False)} off on average"
    if not off:
        return said + "; what came true agrees with what was said in every bin of rows."
    far = max(off, key=lambda b: abs(b.predicted - b.observed))
    return (
        f"{said}; in {len(off)} of {len(quality.curve)} bins of rows something else came true, most where "
        f"{far.predicted:.0%} was said and {far.observed:.0%} [{far.low:.0%} .. {far.high:.0%}] did."
    )


def mistakes(found: Mistakes, rows: int) -> str:
    if not found.most:
        return f"Not one of {rows:,} test rows is given to a wrong class."
    true, said, often = found.most[0]
    return f"The most frequent mistake: {true} taken for {said}, in {often:,} of {rows:,} test rows."


def coverage(found: Coverage, target: str, classes: bool) -> str:
    """What conformal prediction promised on validation rows and held on test rows."""
    held = f"{found.measured:.1%} [{found.low:.1%} .. {found.high:.1%}] of {found.rows:,} test rows"
    verdict = (
        "as promised"
        if found.low <= found.level <= found.high
        else ("less than promised" if found.high < found.level else "more than promised")
    )
    if classes:
        return (
            f"Sets of classes made on validation rows to hold the true one for {found.level:.0%} of rows hold it for "
            f"{held}, {verdict}; they name {found.size:.2f} classes on average, and one alone for {found.alone:.0%}."
        )
    return (
        f"Intervals of {target} made on validation rows to hold the true value for {found.level:.0%} of rows hold it "
        f"for {held}, {verdict}; they are {number(found.size)} wide."
    )


def slices(quality: Quality, winner: str, other: str | None) -> tuple[str, ...]:
    """A warning for each slice where the winner is worse than the other for sure, or that there is none."""
    judged = [s for s in quality.slices if s.low is not None]
    if not judged or other is None:
        return ()
    worse = [s for s in judged if s.worse]
    if not worse:
        return (
            f"On none of {count(len(judged), 'slice')} of the test rows is {winner} measurably worse than {other}.",
        )
    lines = tuple(_slice(s, quality.loss, winner, other) for s in worse[:WARNED])
    rest = len(worse) - WARNED
    return (*lines, f"And on {count(rest, 'slice')} more.") if rest > 0 else lines


def _slice(s: Slice, loss: str, winner: str, other: str) -> str:
    losses = f"{loss} {number(s.winner)} against {number(s.other or 0.0)}"
    return (
        f"On {s.column} = {s.value} ({s.rows:,} rows) {winner} is worse than {other}: {losses}, "
        f"{s.difference:+.2g} [{s.low:+.2g} .. {s.high:+.2g}]."
    )


def drivers(found: Sequence[Driver], loss: str) -> str:
    """The columns that matter for sure, and how many do not."""
    sure = [d for d in found if d.low > 0]
    if not sure:
        return f"Shuffling no single column measurably raises the {loss}."
    first = sure[0]
    others = f", then {', '.join(d.column for d in sure[1:4])}" if len(sure) > 1 else ""
    return (
        f"{first.column} matters most{others}: without it the {loss} grows by {first.increase:.3g} "
        f"[{first.low:.3g} .. {first.high:.3g}]. {len(sure)} of {count(len(found), 'column')} shown matter measurably."
    )


def expected(plan: Plan, verdict: Verdict) -> tuple[str, ...]:
    """Whether the measurement agreed with the rules that fired and name the rung they expect to win."""
    rung = next((t.rung for t in verdict.trials if t.key == verdict.winner), "")
    measured = {t.rung for t in verdict.trials if t.status == "done"}
    said = []
    for rule in plan.rules:
        if not rule.expects:
            continue
        if verdict.verdict == "cannot tell yet":
            outcome = "the measurement cannot tell yet"
        elif rung in rule.expects:
            outcome = f"the model to use is {rung}: the measurement agrees"
        elif measured.isdisjoint(rule.expects):
            outcome = "none of it was measured: it stays open"
        else:
            outcome = f"the model to use is {rung}: the measurement overrules it"
        said.append(f"Rule {rule.id} expects {' or '.join(rule.expects)}; {outcome}.")
    return tuple(said)


def limits(verdict: Verdict) -> str:
    """The time and memory that were allowed."""
    had = verdict.limits
    return (
        f"{duration(had['seconds_used'])} of {duration(had['seconds'])} were used, {had['memory_gb']:.1f} GB of memory "
        f"allowed, {count(had['threads'], 'thread')}, seed {had['seed']}."
    )
