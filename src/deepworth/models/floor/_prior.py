"""The learner of the floor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from deepworth.data.examples import Examples
from deepworth.models.learner import Context
from deepworth.types import Column, Estimate, Machine, Range, Task, Workload


class Prior:
    """The same for every row: the share of each class in training, or the mean (the median when judged by MAE)."""

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task = task
        self.value = np.zeros(max(len(task.classes), 1))

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        assert train.labels is not None
        if self.task.is_classification:
            counts = np.bincount(train.labels, minlength=len(self.task.classes)) + 1e-6  # no class is impossible
            self.value = counts / counts.sum()
        else:
            self.value = np.array([np.median(train.labels) if context.metric == "mae" else train.labels.mean()])

    def predict(self, examples: Examples) -> np.ndarray:
        if self.task.is_classification:
            return np.tile(self.value, (len(examples), 1))
        return np.full(len(examples), self.value[0])

    def save(self, folder: Path) -> None:
        about = {"kind": self.task.kind, "classes": self.task.classes, "target": self.task.target}
        (folder / "prior.json").write_text(json.dumps({**about, "value": self.value.tolist()}))

    @classmethod
    def load(cls, folder: Path) -> Prior:
        about = json.loads((folder / "prior.json").read_text())
        self = cls(Task(kind=about["kind"], target=about["target"], classes=tuple(about["classes"])), (), {})
        self.value = np.array(about["value"])
        return self


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    seconds = 0.25 + 1e-8 * workload.rows * max(workload.classes, 1)  # mostly files and the first word with a worker
    return Estimate(seconds=Range.around(seconds, 3.0), peak_gb=Range.around(0.12, 2.0), basis="rows x classes")
