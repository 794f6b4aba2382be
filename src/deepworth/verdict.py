"""Results to Verdict: is deep learning worth it here, by how much, and what would decide it where that is open."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepworth.climb.ladder import INTERRUPTED
from deepworth.data.examples import open_table
from deepworth.data.split import group_codes
from deepworth.errors import Interrupted, NothingTrained
from deepworth.metrics.conclusions import MOST, conclude, needed
from deepworth.metrics.intervals import Interval, paired_gain, resampled_gain
from deepworth.metrics.scores import Metric, metric
from deepworth.store import RunFolder
from deepworth.types import (
    DEEP,
    SHALLOW,
    Conclusion,
    Dataset,
    Gain,
    Goals,
    Rung,
    RungVerdict,
    Splits,
    TrialResult,
    Verdict,
)

FEW_ROWS = 1000  # test rows under which one division of the data says little
FEWEST_FOLDS = 5  # that both models have: fewer say nothing about how folds differ
FEW_GROUPS = 10  # in the test part


def judge(
    run: RunFolder,
    results: Sequence[TrialResult],
    goals: Goals,
    limits: dict[str, Any],
    until: float = math.inf,
) -> Verdict:
    """The verdict on the trials of a run: chosen on validation rows, judged on rows that chose nothing.

    The gain is the relative reduction of the error of the best of the floor and classical rungs by the best deep model;
    each deep rung has an answer of its own. It is judged by a paired bootstrap over the test rows, or over their groups
    where the dataset has a group column, and over seeds where a trial has several; on few test rows by the folds of a
    repeated cross-validation where both trials have them (`_Judge`).
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
    new = _new(done)
    rungs: dict[str, TrialResult | None] = {rung: _best(new, (rung,), primary) for rung in DEEP}
    pairs = {rung: (base, deep) for rung, deep in rungs.items() if base and deep}
    judge_of = _Judge(run, primary, goals)
    judged: dict[str, tuple[Gain, Interval]] = {}
    for rung, (one, other) in pairs.items():
        judged[rung] = judge_of.gain(one, other, (until - time.monotonic()) / (len(pairs) - len(judged)))
    answers: dict[str, RungVerdict] = {
        rung: _rung_answer(rung, base, rungs[rung], judged.get(rung), results, primary, goals, splits) for rung in DEEP
    }
    challenger = _best(new, DEEP, primary)
    gains = {rung: gain for rung, (gain, _) in judged.items()}
    gain = gains.get(challenger.rung) if challenger else None
    answer = answers[challenger.rung] if challenger else _no_pair(base, results, goals, DEEP)
    winner = _winner(answer.verdict, base, challenger, done, primary)
    return Verdict(
        verdict=answer.verdict,
        sentence=answer.sentence,
        metric=primary.info,
        gain=gain,
        gains=gains,
        winner=winner.key,
        trials=tuple(results),
        limits=limits,
        decide_next=answer.decide_next,
        dataset=dataset.name,
        rows={"train": splits.train, "valid": splits.valid, "test": splits.test},
        warnings=_warnings(run, dataset, splits, done, gain),
        answers=answers,
    )


def _new(done: Sequence[TrialResult]) -> list[TrialResult]:
    """Without tunings that ended as the probe they began with, where that probe has a trial of its own."""
    probed = any(r.rung == "frozen" for r in done)
    return [r for r in done if not (probed and r.rung == "tuned" and r.notes.get("kept") == "the start")]


def _best(done: Sequence[TrialResult], rungs: Sequence[str], primary: Metric) -> TrialResult | None:
    """The best of some rungs on the validation rows; the cheaper of two equal ones."""
    some = [r for r in done if r.rung in rungs]
    return min(some, key=lambda r: (primary.to_error(r.valid[primary.name]), r.seconds), default=None)


class _Judge:
    """Reads what trials predicted for rows that chose nothing, and the truth.

    `trials/<key>/predictions_test.npy` is of the trial's own seed, `predictions_test-<n>.npy` of further ones.
    `predictions_fold-<n>.npy` are for the rows of `splits/fold-<n>/test.npy` by a fit on those of
    `splits/fold-<n>/train.npy`; their labels lie in `data/sealed/labels_fold-<n>.npy`.
    """

    def __init__(self, run: RunFolder, primary: Metric, goals: Goals) -> None:
        self.run, self.primary, self.goals = run, primary, goals
        self.labels = np.load(run.sealed / "labels_test.npy")
        self.groups = _groups(run)

    def gain(self, base: TrialResult, deep: TrialResult, seconds: float) -> tuple[Gain, Interval]:
        """The gain of a deep model, and its interval with what made it wide."""
        folders = self.run.trial(base.key), self.run.trial(deep.key)
        folds = sorted(set.intersection(*({p.name for p in f.glob("predictions_fold-*.npy")} for f in folders)))
        seeds = 1
        if len(self.labels) < FEW_ROWS and len(folds) >= FEWEST_FOLDS:
            found, method = (
                self._from_folds(folders, [name[:-4].split("-")[1] for name in folds]),
                "corrected resampled t",
            )
        else:
            ours, theirs = (_of_seeds(folder) for folder in folders)
            seeds = len(theirs)
            found = paired_gain(
                self.primary, self.labels, ours, theirs, groups=self.groups, seed=self.goals.seed, seconds=seconds
            )
            method = f"paired bootstrap over {'rows' if self.groups is None else 'groups'}"
        return (
            Gain(
                rung=deep.rung,
                challenger=deep.key,
                base=base.key,
                relative=found.relative,
                low=found.low,
                high=found.high,
                level=found.level,
                resamples=found.resamples,
                method=method,
                units=found.units,
                seeds=seeds,
            ),
            found,
        )

    def _from_folds(self, folders: tuple[Path, Path], folds: Sequence[str]) -> Interval:
        errors, train, test = np.empty((2, len(folds))), [], []
        for position, fold in enumerate(folds):
            labels = np.load(self.run.sealed / f"labels_fold-{fold}.npy")
            train.append(len(np.load(self.run.path / "splits" / f"fold-{fold}" / "train.npy")))
            test.append(len(labels))
            for side, folder in enumerate(folders):
                value = self.primary.score(labels, np.load(folder / f"predictions_fold-{fold}.npy"))
                errors[side, position] = self.primary.to_error(value)
        return resampled_gain(*errors, train=float(np.mean(train)), test=float(np.mean(test)))


def _of_seeds(folder: Path) -> list[np.ndarray]:
    return [np.load(path) for path in (folder / "predictions_test.npy", *sorted(folder.glob("predictions_test-*.npy")))]


def _groups(run: RunFolder) -> np.ndarray | None:
    """The group of each test row, where the dataset has groups."""
    name = run.dataset.roles.group
    if name is None:
        return None
    return group_codes(open_table(run.dataset.table).column(name))[np.load(run.path / "splits" / "test.npy")]


def _rung_answer(
    rung: Rung,
    base: TrialResult | None,
    deep: TrialResult | None,
    judged: tuple[Gain, Interval] | None,
    results: Sequence[TrialResult],
    primary: Metric,
    goals: Goals,
    splits: Splits,
) -> RungVerdict:
    if base is None or deep is None or judged is None:
        return _no_pair(base, results, goals, (rung,))
    gain, interval = judged
    if primary.to_error(base.test.get(primary.name, math.nan)) == 0.0:
        sentence = f"{base.model} makes no error on the {splits.test:,} test rows: nothing is left to gain."
        return RungVerdict(rung=rung, verdict="not worth it", sentence=sentence)
    by = f"{deep.model} ({deep.rung}) against {base.model} on {_judged_on(gain, splits)}"
    span = f"{gain.relative:+.1%} of the error [{gain.low:+.1%} .. {gain.high:+.1%}]"
    answer = conclude(gain.low, gain.high, goals.worth)
    sentence = {
        "worth it": f"Deep learning removes {gain.relative:.1%} of the error [{gain.low:.1%} .. {gain.high:.1%}]: "
        f"{by}.",
        "not worth it": f"Deep learning gains less than the {goals.worth:.1%} that would count: {span}, {by}.",
        "no measurable difference": f"The two cannot be told apart: {span}, {by}. Keep the cheaper one.",
        "cannot tell yet": f"The interval holds both sides of the {goals.worth:.1%} that would count: {span}, {by}.",
    }[answer]
    next_step = _to_decide(gain, interval, deep, goals, splits) if answer == "cannot tell yet" else ""
    return RungVerdict(rung=rung, verdict=answer, sentence=sentence, decide_next=next_step)


def _judged_on(gain: Gain, splits: Splits) -> str:
    if gain.method == "corrected resampled t":
        return f"{gain.units} folds of a repeated cross-validation"
    groups = f" of {gain.units:,} groups" if gain.method.endswith("groups") else ""
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
    if not said:
        said = [f"no test part of a usual size: the gain lies too near the {goals.worth:.1%} that would count"]
    if "cut" in deep.notes:
        said.append(f"more time: {deep.model} was stopped by the clock after {deep.seconds:.0f} s")
    if splits.test < FEW_ROWS and not gain.method.startswith("corrected"):
        said.append("repeated cross-validation over all rows")
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


def _no_pair(
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
        said = "; ".join(f"{r.model} was {r.status}: {r.reason}" for r in tried)
        late = [r.estimate.seconds.likely for r in tried if r.estimate and " left" in r.reason]
        return f"about {sum(late):.0f} s more time: {said}" if late else said
    if goals.models:
        return f"name a {kind} model beside {', '.join(goals.models)} (--models), or let the plan choose"
    if not set(goals.rungs) & set(rungs):
        return f"let {'a deep' if len(rungs) > 1 else 'the ' + kind} rung run: --rungs was {','.join(goals.rungs)}"
    return f"no {kind} model is known for this kind of data"


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
    if gain and splits.test < FEW_ROWS and gain.method.startswith("paired"):
        found.append(
            f"the interval comes from {splits.test:,} test rows of one division of the data: another division may tell "
            "another story"
        )
    if gain and gain.method.startswith("paired") and gain.seeds == 1:
        found.append(f"{gain.challenger} was trained with one seed: the interval says nothing about another")
    if gain and gain.method.endswith("groups") and gain.units < FEW_GROUPS:
        found.append(
            f"the test rows come from {gain.units} groups of {dataset.roles.group!r}: so few say little about another"
        )
    return tuple(dict.fromkeys((*found, *dataset.notes, *splits.notes)))
