"""The gain of a deep model over a shallow one, from what both predicted for rows that chose nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deepworth.climb.again import FEWEST_SEEDS, says_little
from deepworth.data.divisions import FEWEST_FOLDS
from deepworth.data.examples import open_table
from deepworth.data.split import group_codes
from deepworth.metrics.intervals import Interval, paired_gain, resampled_gain
from deepworth.metrics.scores import Metric
from deepworth.store import RunFolder
from deepworth.types import Gain, Goals, Repeat, TrialResult


@dataclass(frozen=True)
class Comparison:
    """A gain, and its interval with what made it wide."""

    gain: Gain
    interval: Interval


class Gains:
    """Reads what trials predicted for rows that chose nothing, and the truth; and what was made of them again."""

    def __init__(self, run: RunFolder, primary: Metric, goals: Goals) -> None:
        self.run, self.primary, self.goals = run, primary, goals
        self.labels = np.load(run.sealed / "labels_test.npy")
        self.groups = _groups(run)
        self.repeats = run.repeats
        groups = None if self.groups is None else len(np.unique(self.groups))
        self.says_little = says_little(len(self.labels), groups)  # one division of the data

    def test_error(self, trial: TrialResult) -> float:
        """The error of a trial on the test rows; infinite where it has none."""
        return float(self.primary.to_error(trial.test.get(self.primary.name, math.nan))) if trial.test else math.inf

    def predicted(self, trial: TrialResult) -> np.ndarray:
        """What a trial predicts for the test rows."""
        return np.load(self.run.trial(trial.key) / "predictions_test.npy")

    def of(self, deep: TrialResult, base: TrialResult, seconds: float, choices: int = 1) -> Comparison:
        """The gain of a deep model over `base`, which was chosen from so many on the test rows.

        From `folds` where there are any; else from the test rows, and from the seeds of the deep model where it has
        FEWEST_SEEDS.
        """
        seeds = 1
        if pairs := self.folds(base, deep):
            found = self._from_folds(pairs)
            method = "corrected resampled t"
        else:
            predicted = self._seeds(deep)
            seeds = len(predicted)
            found = paired_gain(
                self.primary,
                self.labels,
                [self.predicted(base)],
                predicted,
                groups=self.groups,
                seed=self.goals.seed,
                seconds=seconds,
                choices=choices,
            )
            method = f"paired bootstrap over {'rows' if self.groups is None else 'groups'}"
        return Comparison(
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
                choices=choices,
            ),
            found,
        )

    def folds(self, base: TrialResult, deep: TrialResult) -> list[tuple[Repeat, Repeat]]:
        """The folds both were made again on; none where the test part says enough, or they are under FEWEST_FOLDS."""
        ours, theirs = (self._folds(trial) for trial in (base, deep))
        common = sorted(ours.keys() & theirs.keys())
        enough = self.says_little and len(common) >= FEWEST_FOLDS
        return [(ours[number], theirs[number]) for number in common] if enough else []

    def _folds(self, trial: TrialResult) -> dict[int, Repeat]:
        return {r.number: r for r in self.repeats if r.of == trial.key and r.purpose == "fold"}

    def _from_folds(self, folds: Sequence[tuple[Repeat, Repeat]]) -> Interval:
        bases, challengers = (np.array([pair[side].error for pair in folds]) for side in (0, 1))
        test = [RunFolder(self.run.path / base.folder).splits.test for base, _ in folds]
        train = [base.rows for base, _ in folds]
        return resampled_gain(bases, challengers, train=float(np.mean(train)), test=float(np.mean(test)))

    def wrong_rows(self, trial: TrialResult) -> float:
        """How many rows a trial is wrong on in one whole cross-validation, where the metric is the accuracy."""
        folds = [(r.error, RunFolder(self.run.path / r.folder).splits.test) for r in self._folds(trial).values()]
        splits = self.run.splits
        whole = sum(test for _, test in folds) / (splits.train + splits.test)
        return sum(error * test for error, test in folds) / max(whole, 1.0)

    def _seeds(self, trial: TrialResult) -> list[np.ndarray]:
        """What the seeds of a trial predict for the test rows, its own first; that alone where there are too few."""
        keys = [r.key for r in self.repeats if r.of == trial.key and r.purpose == "seed"]
        chosen = [trial.key, *keys] if len(keys) + 1 >= FEWEST_SEEDS else [trial.key]
        return [np.load(self.run.trial(key) / "predictions_test.npy") for key in chosen]


def _groups(run: RunFolder) -> np.ndarray | None:
    """The group of each test row, where the dataset has groups."""
    name = run.dataset.roles.group
    if name is None:
        return None
    return group_codes(open_table(run.dataset.table).column(name))[np.load(run.path / "splits" / "test.npy")]
