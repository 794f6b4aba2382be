"""The scores of a trial and how each is turned into an error; definitions from scikit-learn where it has them.

It is loaded when something is scored, since that takes 0.5 s and whoever only plans scores nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepworth.errors import UserError, nearest
from deepworth.types import MetricInfo, Task, TaskKind

Score = Callable[[np.ndarray, np.ndarray], float]  # (labels, predictions) -> value
CLIP = 1e-15  # probabilities are kept this far from 0 and 1 in the log loss
BINS = 15  # of the expected calibration error (Guo et al. 2017)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score, its direction and the error it stands for. Predictions are (n, classes) probabilities or (n,) values."""

    name: str
    tasks: tuple[TaskKind, ...]
    higher_is_better: bool
    error: str
    score: Score
    best: float = 0.0  # the value at which nothing is left to gain

    @property
    def info(self) -> MetricInfo:
        return MetricInfo(name=self.name, higher_is_better=self.higher_is_better, error=self.error)

    def to_error(self, value: float | np.ndarray) -> float | np.ndarray:
        """The value as an error: smaller is better, 0 is perfect."""
        return 1.0 - value if self.higher_is_better else value


def _auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Binary: of class 1. Several classes: the mean over the classes present, each against the rest."""
    from sklearn.metrics import roc_auc_score

    if probabilities.shape[1] == 2:
        return float(roc_auc_score(labels, probabilities[:, 1])) if len(np.unique(labels)) == 2 else float("nan")
    present = [c for c in np.unique(labels) if not np.all(labels == c)]
    values = [roc_auc_score(labels == c, probabilities[:, c]) for c in present]
    return float(np.mean(values)) if values else float("nan")


def _accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(np.mean(probabilities.argmax(1) == labels))


def _macro_f1(labels: np.ndarray, probabilities: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(labels, probabilities.argmax(1), average="macro", zero_division=0))


def row_log_loss(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The log loss of each row."""
    return -np.log(np.clip(probabilities[np.arange(len(labels)), labels], CLIP, 1.0))


def row_brier(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The squared distance of each row's probabilities from the truth; with two classes, of class 1 alone, as usual."""
    if probabilities.shape[1] == 2:
        return (probabilities[:, 1] - labels) ** 2
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(labels)), labels] = 1.0
    return ((probabilities - truth) ** 2).sum(1)


def calibration_bins(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bin, confidence - right) of each row, by the confidence in its predicted class, in bins of equal width."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    return np.minimum((confidence * BINS).astype(int), BINS - 1), confidence - right


def _ece(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error of the predicted class (Guo et al. 2017)."""
    bins, gap = calibration_bins(labels, probabilities)
    return float(np.abs(np.bincount(bins, gap, minlength=BINS)).sum() / len(labels))


def _r2(labels: np.ndarray, predictions: np.ndarray) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(labels, predictions)) if len(labels) > 1 else float("nan")


CLASSES: tuple[TaskKind, ...] = ("binary", "multiclass")
METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric(name="auc", tasks=CLASSES, higher_is_better=True, error="1 - auc", score=_auc, best=1.0),
        Metric(name="accuracy", tasks=CLASSES, higher_is_better=True, error="1 - accuracy", score=_accuracy, best=1.0),
        Metric(name="macro_f1", tasks=CLASSES, higher_is_better=True, error="1 - macro_f1", score=_macro_f1, best=1.0),
        Metric(
            name="log_loss",
            tasks=CLASSES,
            higher_is_better=False,
            error="log_loss",
            score=lambda y, p: float(row_log_loss(y, p).mean()),
        ),
        Metric(
            name="brier",
            tasks=CLASSES,
            higher_is_better=False,
            error="brier",
            score=lambda y, p: float(row_brier(y, p).mean()),
        ),
        Metric(name="ece", tasks=CLASSES, higher_is_better=False, error="ece", score=_ece),
        Metric(
            name="rmse",
            tasks=("regression",),
            higher_is_better=False,
            error="rmse",
            score=lambda y, p: float(np.sqrt(np.mean((y - p) ** 2))),
        ),
        Metric(
            name="mae",
            tasks=("regression",),
            higher_is_better=False,
            error="mae",
            score=lambda y, p: float(np.mean(np.abs(y - p))),
        ),
        Metric(
            name="r2",
            tasks=("regression",),
            higher_is_better=True,
            error="1 - r2",
            score=_r2,
            best=1.0,
        ),
    )
}
PRIMARY: dict[TaskKind, str] = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}
ALWAYS: dict[TaskKind, str] = {"binary": "log_loss", "multiclass": "log_loss", "regression": "rmse"}  # on any rows


def metric(name: str, task: Task) -> Metric:
    """The metric called `name`. Raises UserError when it is unknown or does not fit the task."""
    fitting = [m.name for m in METRICS.values() if task.kind in m.tasks]
    if name not in METRICS:
        raise UserError(f"there is no metric {name!r}{nearest(name, METRICS)}")
    if name not in fitting:
        raise UserError(f"{name} does not fit a {task.kind} task; take one of {', '.join(fitting)}")
    return METRICS[name]


def defined_on(name: str, task: Task, labels: np.ndarray) -> bool:
    """Whether a metric has a value on rows with these labels: the AUC needs two classes, R2 two rows."""
    metric(name, task)
    least = {"auc": len(np.unique(labels)) > 1, "r2": len(labels) > 1}
    return least.get(name, len(labels) > 0)


def scores(task: Task, labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Every metric that fits the task and is defined on these rows."""
    values = {m.name: m.score(labels, predictions) for m in METRICS.values() if task.kind in m.tasks}
    return {name: value for name, value in values.items() if np.isfinite(value)}
