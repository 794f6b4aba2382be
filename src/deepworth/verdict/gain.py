"""The gain of a deep model over a shallow one, from what both predicted for rows that chose nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepworth.data.examples import open_table
from deepworth.data.split import group_codes
from deepworth.metrics.intervals import Interval, paired_gain, resampled_gain
from deepworth.metrics.scores import Metric
from deepworth.store import RunFolder
from deepworth.types import Gain, Goals, TrialResult

FEW_ROWS = 1000  # test rows under which one division of the data says little
FEWEST_FOLDS = 5  # that both models have: fewer say nothing about how folds differ


class Judge:
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
