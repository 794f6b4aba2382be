"""Results to Verdict: is deep learning worth it here, by how much, and what would decide it where that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepworth.climb.ladder import INTERRUPTED
from deepworth.errors import Interrupted, NothingTrained
from deepworth.metrics.intervals import paired_gain
from deepworth.metrics.scores import Metric, metric
from deepworth.store import RunFolder
from deepworth.types import DEEP, SHALLOW, Answer, Dataset, Gain, Goals, Splits, TrialResult, Verdict

WIDE = 0.25  # an interval that reaches further from 0 says that the test part is small, not that the models are equal
WORK = 4e7  # rows x resamples of one bootstrap: about a second


def judge(run: RunFolder, results: Sequence[TrialResult], goals: Goals, limits: dict[str, Any]) -> Verdict:
    """The verdict on the trials of a run: chosen on validation rows, judged on test rows by a paired bootstrap.

    The gain is the relative reduction of the error of the best of the floor and classical rungs by the best deep model.
    Raises NothingTrained when no trial ended well, Interrupted when Ctrl-C is why.
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
    gains = {rung: _gain(run, base, deep, primary, goals) for rung, deep in rungs.items() if base and deep}
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
        warnings=_warnings(run, dataset, splits),
    )


def _best(done: Sequence[TrialResult], rungs: Sequence[str], primary: Metric) -> TrialResult | None:
    """The best of some rungs on the validation rows; the cheaper of two equal ones."""
    some = [r for r in done if r.rung in rungs]
    return min(some, key=lambda r: (primary.to_error(r.valid[primary.name]), r.seconds), default=None)


def _gain(run: RunFolder, base: TrialResult, deep: TrialResult, primary: Metric, goals: Goals) -> Gain:
    labels = np.load(run.sealed / "labels_test.npy")
    predictions = [np.load(run.trial(r.key) / "predictions_test.npy") for r in (base, deep)]
    resamples = int(np.clip(WORK / max(1, len(labels)), 200, 1000))
    relative, low, high = paired_gain(primary, labels, *predictions, resamples=resamples, seed=goals.seed)
    return Gain(
        rung=deep.rung,
        challenger=deep.key,
        base=base.key,
        relative=relative,
        low=low,
        high=high,
        resamples=resamples,
    )


def _answer(
    gain: Gain | None,
    base: TrialResult | None,
    deep: TrialResult | None,
    results: Sequence[TrialResult],
    primary: Metric,
    goals: Goals,
    splits: Splits,
) -> tuple[Answer, str, str]:
    """(class, sentence, what would decide it)."""
    if base is None:
        return (
            "cannot tell yet",
            "No floor or classical model was trained to compare with.",
            "run the classical rung too",
        )
    if deep is None or gain is None:
        return "cannot tell yet", "No deep model was trained to compare with.", _why_no_deep(results)
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
    if gain.low <= 0 <= gain.high and max(-gain.low, gain.high) <= WIDE:
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


def _why_no_deep(results: Sequence[TrialResult]) -> str:
    tried = [r for r in results if r.rung in DEEP]
    if not tried:
        return "let deep rungs run (--rungs) or install them: pip install 'deepworth[deep]'"
    installs = {reason.partition(": ")[2] for r in tried if (reason := r.reason).startswith("needs ")}
    if len(installs) == 1 and all(r.reason.startswith("needs ") for r in tried):
        return f"install what the deep models need: {installs.pop()}"
    return "; ".join(f"{r.model} was {r.status}: {r.reason}" for r in tried)


def _winner(
    answer: Answer, base: TrialResult | None, deep: TrialResult | None, done: list[TrialResult], primary: Metric
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


def _warnings(run: RunFolder, dataset: Dataset, splits: Splits) -> tuple[str, ...]:
    concerns = tuple(c.message for c in run.profile.concerns) if (run.path / "profile.json").exists() else ()
    return tuple(dict.fromkeys((*concerns, *dataset.notes, *splits.notes)))
