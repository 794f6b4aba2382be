"""Every sentence of the report that holds a number, made from the records of the run."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.data.divisions import FOLDS
from deepworth.report.figures import pareto
from deepworth.types import DEEP, Gain, MetricInfo, Plan, Rung, RungVerdict, TrialResult, Verdict
from deepworth.words import added, count, duration, score, span


def trial_named(verdict: Verdict, key: str) -> str:
    """The model of a trial, or its key where the trial is not in the verdict."""
    return next((t.model for t in verdict.trials if t.key == key), key)


def answers(verdict: Verdict) -> dict[Rung, tuple[str, ...]]:
    """For each deep rung its answer, what would decide it where that is open, and how its gain was judged."""
    return {rung: _answer(verdict, verdict.answers[rung]) for rung in DEEP if rung in verdict.answers}


def _answer(verdict: Verdict, answer: RungVerdict) -> tuple[str, ...]:
    gain, next_step = verdict.gains.get(answer.rung), answer.decide_next
    if gain is None:
        return (f"{answer.sentence.rstrip('.')}: {next_step}." if next_step else answer.sentence,)
    same = verdict.gain is not None and gain.challenger == verdict.gain.challenger
    said = f"This is the answer above, of {trial_named(verdict, gain.challenger)}." if same else answer.sentence
    open_ = (f"What would decide it: {next_step}.",) if next_step and not same else ()
    return (said, *open_, judged(verdict, gain))


def judged(verdict: Verdict, gain: Gain) -> str:
    """What the interval of a gain was made from: rows, groups or folds, and seeds."""
    one, other = trial_named(verdict, gain.challenger), trial_named(verdict, gain.base)
    if gain.method.startswith("corrected"):
        division = "a repeated cross-validation" if gain.units > FOLDS else "a cross-validation"
        return (
            f"Judged on {count(gain.units, 'fold')} of {division}, the same for {one} and {other} "
            f"({gain.method} interval)."
        )
    rows = count(verdict.rows.get("test", gain.units), "test row")
    of = f" of {count(gain.units, 'group')}" if gain.method.endswith("groups") else ""
    how = f" by {count(gain.resamples, 'resample')} ({gain.method})" if gain.resamples else ""
    return f"Judged on {rows}{of}{how}, {one} with {count(gain.seeds, 'seed')}."


def curve(verdict: Verdict) -> tuple[str, ...]:
    """What more rows would change, or that no curve tells it; and why there is none, or no further seeds or folds."""
    why = [f"{line[:1].upper()}{line[1:]}." for line in verdict.not_made]
    if verdict.curve:
        return (*verdict.curve.sentences, *why)
    if any("learning curve" in line for line in why):
        return tuple(why)
    if verdict.gain:
        return ("No learning curve was drawn.", *why)
    done = {t.rung in DEEP for t in verdict.trials if t.status == "done"}
    reason = "a few rows decide" if len(done) > 1 else "no two models could be compared"
    return (f"No learning curve was drawn: {reason}.", *why)


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
