"""What data, tasks and trials are called, the same on the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable

from deepworth.types import RUNGS, Column, Dataset, TrialResult, Verdict
from deepworth.words import count, percent

MEANS = {
    "auc": "chance that a row of a class is ranked above a row of another: 0.5 is guessing, 1 is perfect",
    "accuracy": "share of the rows whose class is right",
    "macro_f1": "mean over the classes of F1, the balance of false alarms and misses: 1 is perfect",
    "log_loss": "mean surprise at the truth, -log of its probability: 0 is perfect, what is surely wrong costs most",
    "brier": "mean squared distance of the probabilities from the truth: 0 is perfect",
    "ece": "expected calibration error, how far probabilities lie from how often they come true: 0 is perfect",
    "rmse": "root of the mean squared error, in units of the target: large errors count most",
    "mae": "mean absolute error, in units of the target",
    "r2": "share of the spread of the target that is explained: 1 is perfect, 0 is always saying the mean",
}
ORDER = ("done", "stopped", "failed", "skipped")  # of the statuses in a table


def kinds(columns: Iterable[Column]) -> str:
    """6 numbers, 8 categories."""
    found = [column.kind for column in columns]
    return ", ".join(count(found.count(kind), kind) for kind in dict.fromkeys(found))


def task_sentence(dataset: Dataset, most: int = 4) -> str:
    """predict 'income', binary: <=50K, >50K."""
    task = dataset.task
    classes = [str(label) for label in task.classes]
    shown = ", ".join(classes[:most]) + (f" and {len(classes) - most} more" if len(classes) > most else "")
    return f"predict {task.target!r}, {task.kind}" + (f": {shown}" if classes else "")


def by_rung(verdict: Verdict) -> list[TrialResult]:
    """The trials as one wants to read them: done up the ladder, the best of a rung first, then the rest likewise."""
    name, sign = verdict.metric.name, -1 if verdict.metric.higher_is_better else 1

    def place(trial: TrialResult) -> tuple[int, int, float]:
        step = sign * trial.valid.get(name, sign * float("inf"))
        return ORDER.index(trial.status), RUNGS.index(trial.rung), step

    return sorted(verdict.trials, key=place)


def number(value: float) -> str:
    """Four digits that matter, no exponent from a tenth of a thousandth up: 0.1234, 12.34, 67,110."""
    if abs(value) >= 1000:
        digits = max(0, len(str(int(abs(value)))) - 4)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.4g}"


def means(name: str) -> str:
    """What a metric, or the loss of rows that stands for it, says in plain words; empty for one that says it itself."""
    return MEANS.get(name.lower().removesuffix(" score").replace(" ", "_"), "")


def small(value: float) -> str:
    """Three digits that matter, never an exponent: 27.8, 0.0157, <0.001."""
    return "<0.001" if 0 < value < 0.001 else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def loss(value: float, what: str, signed: bool = False) -> str:
    """A loss of rows as metrics.quality.row_losses calls it: a share in per cent, else four digits."""
    if what == "share of wrong rows":
        return percent(max(-1.0, min(1.0, value)), signed=signed)  # a normal interval may reach beyond
    if not signed:
        return number(value)
    digits = min(6, max(0, 1 - math.floor(math.log10(abs(value))))) if value else 0  # two that matter
    return f"{value:+,.{digits}f}"


def short(text: str, most: int = 60) -> str:
    """A name from the data that fits a cell."""
    return text if len(text) <= most else text[: most - 1] + "…"
