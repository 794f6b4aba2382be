"""Results to Verdict: is deep learning worth it here, by how much, and what would decide it where that is open."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from deepworth.climb.again import FEW_GROUPS, FEW_ROWS
from deepworth.climb.sides import Sides, best, choose_sides, well_done
from deepworth.errors import Interrupted, NothingTrained
from deepworth.metrics.scores import Metric, metric
from deepworth.store import INTERRUPTED, RunFolder
from deepworth.types import (
    DEEP,
    SHALLOW,
    Conclusion,
    Dataset,
    Gain,
    Goals,
    LearningCurve,
    RungVerdict,
    Splits,
    TrialResult,
    Verdict,
)
from deepworth.verdict.answer import no_pair, rung_answer
from deepworth.verdict.curve import RowNoise, learning_curve
from deepworth.verdict.doubt import Doubt
from deepworth.verdict.gain import Comparison, Gains
from deepworth.verdict.price import price_models
from deepworth.verdict.reference import Reference, gain_over, reference
from deepworth.words import count


def judge(
    run: RunFolder,
    results: Sequence[TrialResult],
    goals: Goals,
    limits: dict[str, Any],
    until: float = math.inf,
) -> Verdict:
    """The verdict on the trials of a run: chosen on validation rows, judged on rows that chose nothing.

    The gain is the relative reduction of the error of the best of the floor and classical rungs by the best deep model;
    each deep rung has an answer of its own. Where test rows may be unlike the validation rows, it is that over the best
    shallow model on the test rows (`reference`), which is not the winner for that: what judges does not choose. It is
    judged by a paired bootstrap over the test rows, or over their groups where the dataset has a group column, and over
    seeds where a trial has several; on few test rows by the folds of a repeated cross-validation where both trials have
    them (`Gains`). Where a few rows decide, there is no gain.

    The bootstrap makes fewer resamples when `until` (`time.monotonic()`) comes near. Raises NothingTrained when no
    trial ended well, Interrupted when Ctrl-C is why.
    """
    dataset, splits = run.dataset, run.splits
    primary = metric(dataset.task.metric, dataset.task)
    done = well_done(results, primary)
    if not done and any(r.reason == INTERRUPTED for r in results):
        raise Interrupted("interrupted before any model was done: there is nothing to judge")
    if not done:
        raise NothingTrained(_nothing(results))
    sides, gains = choose_sides(results, primary), Gains(run, primary, goals)
    base, challenger = sides.base, sides.challenger
    pairs = [(deep, reference(gains, base, deep, done)) for deep in sides.deep] if base else []
    bases = {deep.rung: against.trial for deep, against in pairs}
    found = _compared(gains, pairs, until)
    answers: dict[str, RungVerdict] = {
        rung: rung_answer(
            rung, bases.get(rung) or base, sides.rungs[rung], found.get(rung), results, primary, goals, splits
        )
        for rung in DEEP
    }
    known = {rung: one.gain for rung, one in found.items() if isinstance(one, Comparison)}
    overall = known.get(challenger.rung) if challenger else None
    answer = answers[challenger.rung] if challenger else no_pair(base, results, goals, DEEP)
    winner = _winner(answer.verdict, base, challenger, done, primary)
    over = bases.get(challenger.rung) if challenger else None
    shown = [trial for trial in (base, over if over is not base else None, challenger) if trial]
    return Verdict(
        verdict=answer.verdict,
        sentence=answer.sentence,
        metric=primary.info,
        gain=overall,
        gains=known,
        winner=winner.key,
        trials=tuple(results),
        limits=limits,
        decide_next=answer.decide_next,
        dataset=dataset.name,
        rows={"train": splits.train, "valid": splits.valid, "test": splits.test},
        warnings=_warnings(run, dataset, splits, done, overall, [one.warning for _, one in pairs if one.warning]),
        answers=answers,
        curve=_curve(gains, sides, overall, until),
        prices=price_models(run, shown),
    )


def _compared(
    gains: Gains, pairs: Sequence[tuple[TrialResult, Reference]], until: float
) -> dict[str, Comparison | Doubt]:
    """The deep models beside their references, by rung, or why they cannot be."""
    found: dict[str, Comparison | Doubt] = {}
    for deep, against in pairs:
        now = time.monotonic()
        parts = len(pairs) - len(found) + 1  # one for the learning curve, see `_curve`
        found[deep.rung] = gain_over(gains, deep, against, now + (until - now) / parts)
    return found


def _curve(gains: Gains, sides: Sides, gain: Gain | None, until: float) -> LearningCurve | None:
    """Of the two that were made again on fewer rows, which the best on the validation rows is one of."""
    base, challenger, run = sides.base, sides.challenger, gains.run
    if base is None or challenger is None or gain is None:
        return None
    if gain.base != base.key:
        gain = gains.of(challenger, base, until - time.monotonic()).gain
    noise = RowNoise(run, gains.primary, gains.labels, gains.groups)
    return learning_curve(run.repeats, base, challenger, gain, run.splits.train, noise)


def _winner(
    answer: Conclusion, base: TrialResult | None, deep: TrialResult | None, done: list[TrialResult], primary: Metric
) -> TrialResult:
    """The deep model where it is worth it, the base where it is not or equal, else the best on valid."""
    if answer == "worth it" and deep:
        return deep
    if answer in ("not worth it", "no measurable difference") and base:
        return base
    found = best(done, (*SHALLOW, *DEEP), primary)
    assert found is not None  # `done` is not empty
    return found


def _nothing(results: Sequence[TrialResult]) -> str:
    lines = [f"  {r.model}: {r.status}: {r.reason}" for r in results]
    return "nothing could be trained\n" + "\n".join(lines) if lines else "nothing could be trained: the plan is empty"


def _warnings(
    run: RunFolder, dataset: Dataset, splits: Splits, done: Sequence[TrialResult], gain: Gain | None, found: list[str]
) -> tuple[str, ...]:
    found += [c.message for c in run.profile.concerns] if (run.path / "profile.json").exists() else []
    if broken := max((int(r.notes.get("broken", 0)) for r in done), default=0):
        found.append(f"{broken:,} media files could not be read: models saw silence or a grey picture in their place")
    if gain and splits.test < FEW_ROWS and gain.method.startswith("paired"):
        found.append(
            f"the interval comes from {splits.test:,} test rows of one division of the data: another division may tell "
            "another story"
        )
    if gain and gain.method.startswith("paired") and gain.seeds == 1:
        found.append(f"{gain.challenger} was trained with one seed: the interval says nothing about another")
    if gain and gain.method.endswith("groups") and gain.units < FEW_GROUPS:
        found.append(
            f"the test rows come from {count(gain.units, 'group')} of {dataset.roles.group!r}: so few say little about "
            "another"
        )
    return tuple(dict.fromkeys((*found, *dataset.notes, *splits.notes)))
