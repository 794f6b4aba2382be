"""What data, tasks and trials are called, the same on the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable

from deepworth.types import RUNGS, Column, Dataset, TrialResult, Verdict
from deepworth.words import count, percent

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
