"""From which probability on the second class is said: chosen on validation rows where asked, kept with each model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepworth.climb.model import keep_threshold
from deepworth.errors import UserError
from deepworth.metrics.threshold import HALF, Rule, choose, cost, measures, parse, reaches
from deepworth.store import RunFolder
from deepworth.types import Task, Threshold, TrialResult


def check_threshold(asked: str | None, task: Task) -> None:
    """Raises UserError for a threshold on anything but two classes."""
    if asked is not None and task.kind != "binary":
        what = f"{len(task.classes)} classes" if task.is_classification else "numbers"
        raise UserError(f"--threshold {asked} is for two classes, but {task.target!r} holds {what}: leave it out")


def set_thresholds(run: RunFolder, results: Sequence[TrialResult], asked: str | None) -> dict[str, Threshold]:
    """Choose the threshold of every trial that is done on its validation rows, and write it into its model folder.

    Nothing asked: the class of the higher probability is said, and a threshold of before is taken out of the folder.
    """
    found = {}
    rule = None if asked is None else parse(asked)
    for trial in (one for one in results if one.status == "done"):
        if rule is not None and asked is not None:
            found[trial.key] = _threshold(run, trial, asked, rule)
        keep_threshold(run.trial(trial.key) / "model", found[trial.key].value if rule else None)
    return found


def _threshold(run: RunFolder, trial: TrialResult, asked: str, rule: Rule) -> Threshold:
    folder = run.trial(trial.key)
    valid = np.load(run.data / "labels_valid.npy"), np.load(folder / "predictions_valid.npy")[:, 1]
    test = np.load(run.sealed / "labels_test.npy"), np.load(folder / "predictions_test.npy")[:, 1]
    value = choose(*valid, rule)
    on_valid = _measured(*valid, value, rule)
    return Threshold(
        rule=asked,
        value=value,
        positive=run.dataset.task.classes[1],
        valid=on_valid,
        test=_measured(*test, value, rule),
        test_at_half=_measured(*test, HALF, rule),
        reached=reaches(on_valid, rule),
    )


def _measured(labels: np.ndarray, probabilities: np.ndarray, threshold: float, rule: Rule) -> dict[str, float]:
    found = measures(labels, probabilities, threshold)
    return found | {"cost_per_1000": cost(labels, probabilities, threshold, rule)} if rule.name == "cost" else found
