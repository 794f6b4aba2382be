"""Results to Verdict: is deep learning worth it here, by how much, and what would decide it where that is open."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepworth.climb.ladder import INTERRUPTED
from deepworth.errors import Interrupted, NothingTrained
from deepworth.metrics.intervals import paired_gain
from deepworth.metrics.scores import Metric, metric
from deepworth.store import RunFolder
from deepworth.types import DEEP, SHALLOW, Conclusion, Dataset, Gain, Goals, Splits, TrialResult, Verdict

NARROW = 5.0  # times the least useful gain: an interval that reaches further from 0 comes from too few rows ...
LEAST_NARROW = 0.02  # ... but this far is narrow whatever gain would count
WORK = 4e7  # rows x resamples of one bootstrap: about a second
FEW_ROWS = 1000  # test rows under which one division of the data says little


def judge(
    run: RunFolder,
    results: Sequence[TrialResult],
    goals: Goals,
    limits: dict[str, Any],
    until: float = math.inf,
) -> Verdict:
    """The verdict on the trials of a run: chosen on validation rows, judged on test rows by a paired bootstrap.

    The gain is the relative reduction of the error of the best of the floor and classical rungs by the best deep model.
    The bootstrap makes fewer resamples when `until` (`time.monotonic()`) comes near. Raises NothingTrained when no
    trial ended well, Interrupted when Ctrl-C is why.
    """
    dataset, splits = run.dataset, run.splits
    primary = metric(dataset.task.metric, dataset.task)
    done = [r for r in results if r.status == "done" and primary.name in r.valid]
    if not done and any(r.reason == INTERRUPTED for r in results):
        raise Interrupted("interrupted before any model was done: there is nothing to judge")
    if not done:
        raise NothingTrained(_nothing(results))
    base = _best(done, SHALLOW, primary)
    rungs: dict[str, TrialResult | None] = {rung: _best(done, (rung,), primary) for rung in DEEP}
    pairs = {rung: (base, deep) for rung, deep in rungs.items() if base and deep}
    gains: dict[str, Gain] = {}
    for rung, (one, other) in pairs.items():
        spare = (until - time.monotonic()) / (len(pairs) - len(gains))
        gains[rung] = _gain(run, one, other, primary, goals, spare)
    challenger = _best(done, DEEP, primary)
    gain = gains.get(challenger.rung) if challenger else None
    answer, sentence, next_step = _answer(gain, base, challenger, results, primary, goals, splits)
    winner = _winner(answer, base, challenger, done, primary)
    return Verdict(
        verdict=answer,
        sentence=sentence,
        metric=primary.info,
        gain=gain,
        gains=gains,
        winner=winner.key,
        trials=tuple(results),
        limits=limits,
        decide_next=next_step,
        dataset=dataset.name,
        rows={"train": splits.train, "valid": splits.valid, "test": splits.test},
        warnings=_warnings(run, dataset, splits, done, gain),
    )


def _best(done: Sequence[TrialResult], rungs: Sequence[str], primary: Metric) -> TrialResult | None:
    """The best of some rungs on the validation rows; the cheaper of two equal ones."""
    some = [r for r in done if r.rung in rungs]
    return min(some, key=lambda r: (primary.to_error(r.valid[primary.name]), r.seconds), default=None)


def _gain(run: RunFolder, base: TrialResult, deep: TrialResult, primary: Metric, goals: Goals, seconds: float) -> Gain:
    labels = np.load(run.sealed / "labels_test.npy")
    predictions = [np.load(run.trial(r.key) / "predictions_test.npy") for r in (base, deep)]
    resamples = int(np.clip(WORK / max(1, len(labels)), 200, 1000))
    relative, low, high, made = paired_gain(
        primary, labels, *predictions, resamples=resamples, seed=goals.seed, seconds=seconds
    )
    return Gain(
        rung=deep.rung,
        challenger=deep.key,
        base=base.key,
        relative=relative,
        low=low,
        high=high,
        resamples=made,
    )


def _answer(
    gain: Gain | None,
    base: TrialResult | None,
    deep: TrialResult | None,
    results: Sequence[TrialResult],
    primary: Metric,
    goals: Goals,
    splits: Splits,
) -> tuple[Conclusion, str, str]:
    """(class, sentence, what would decide it)."""
    if base is None:
        return (
            "cannot tell yet",
            "No floor or classical model was trained to compare with.",
            "run the classical rung too",
        )
    if deep is None or gain is None:
        return "cannot tell yet", "No deep model was trained to compare with.", _why_no_deep(results, goals)
    if primary.to_error(base.test.get(primary.name, math.nan)) == 0.0:
        sentence = f"{base.model} makes no error on the {splits.test:,} test rows: nothing is left to gain."
        return "not worth it", sentence, ""
    by = f"{deep.model} ({deep.rung}) against {base.model} on {splits.test:,} test rows"
    span = f"{gain.relative:+.1%} of the error [{gain.low:+.1%} .. {gain.high:+.1%}]"
    if gain.low > goals.worth:
        return (
            "worth it",
            f"Deep learning removes {gain.relative:.1%} of the error [{gain.low:.1%} .. {gain.high:.1%}]: {by}.",
            "",
        )
    if gain.high < goals.worth:
        return (
            "not worth it",
            f"Deep learning gains less than the {goals.worth:.1%} that would count: {span}, {by}.",
            "",
        )
    if gain.low <= 0 <= gain.high and max(-gain.low, gain.high) <= max(NARROW * goals.worth, LEAST_NARROW):
        return (
            "no measurable difference",
            f"The two cannot be told apart: {span}, {by}. Keep the cheaper one.",
            "",
        )
    rows = _rows_to_decide(gain, goals, splits)
    return (
        "cannot tell yet",
        f"The interval holds both sides of the {goals.worth:.1%} that would count: {span}, {by}.",
        f"about {rows:,} more test rows (or repeated cross-validation) at the present difference",
    )


def _rows_to_decide(gain: Gain, goals: Goals, splits: Splits) -> int:
    """Test rows to add until the interval, which shrinks with the root of the rows, excludes the least useful gain."""
    distance = max(abs(gain.relative - goals.worth), 0.005)
    half = (gain.high - gain.low) / 2 if np.isfinite(gain.high - gain.low) else 1.0
    needed = splits.test * (half / distance) ** 2
    return max(1, int(round(needed - splits.test, -2)) or 100)


def _why_no_deep(results: Sequence[TrialResult], goals: Goals) -> str:
    tried = [r for r in results if r.rung in DEEP]
    if tried:
        return "; ".join(f"{r.model} was {r.status}: {r.reason}" for r in tried)
    if goals.models:
        return f"name a deep model beside {', '.join(goals.models)} (--models), or let the plan choose"
    if not set(goals.rungs) & set(DEEP):
        return f"let a deep rung run: --rungs was {','.join(goals.rungs)}"
    return "no deep model is known for this kind of data"


def _winner(
    answer: Conclusion, base: TrialResult | None, deep: TrialResult | None, done: list[TrialResult], primary: Metric
) -> TrialResult:
    """The deep model where it is worth it, the base where it is not or equal, else the best on valid."""
    if answer == "worth it" and deep:
        return deep
    if answer in ("not worth it", "no measurable difference") and base:
        return base
    best = _best(done, (*SHALLOW, *DEEP), primary)
    assert best is not None  # `done` is not empty
    return best


def _nothing(results: Sequence[TrialResult]) -> str:
    lines = [f"  {r.model}: {r.status}: {r.reason}" for r in results]
    return "nothing could be trained\n" + "\n".join(lines) if lines else "nothing could be trained: the plan is empty"


def _warnings(
    run: RunFolder, dataset: Dataset, splits: Splits, done: Sequence[TrialResult], gain: Gain | None
) -> tuple[str, ...]:
    found = [c.message for c in run.profile.concerns] if (run.path / "profile.json").exists() else []
    if broken := max((int(r.notes.get("broken", 0)) for r in done), default=0):
        found.append(f"{broken:,} media files could not be read: models saw silence or a grey picture in their place")
    if gain and splits.test < FEW_ROWS:
        found.append(
            f"the interval comes from {splits.test:,} test rows of one division of the data, with one seed a model: "
            "another division may tell another story"
        )
    return tuple(dict.fromkeys((*found, *dataset.notes, *splits.notes)))
