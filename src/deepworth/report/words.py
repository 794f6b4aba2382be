"""Numbers as people read them: durations, scores, shares and sizes, the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Iterable

from deepworth.types import RUNGS, Column, Dataset, MetricInfo, Range, TrialResult, Verdict

ORDER = ("done", "stopped", "failed", "skipped")  # of the statuses in a table


def duration(seconds: float) -> str:
    """0.43 s, 12.3 s, 4 m 05 s, 2 h 03 m."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def clock(seconds: float) -> str:
    """A remaining time: 0:07, 4:05, 2:03:00; never negative."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def span(seconds: Range) -> str:
    """An estimate with its interval, short: ~12 s [6..24]."""
    if seconds.high <= 0:
        return ""
    if seconds.high < 0.1:
        return "<0.1 s"
    if seconds.likely >= 100:
        return f"~{seconds.likely / 60:.0f} m [{seconds.low / 60:.0f}..{seconds.high / 60:.0f}]"
    digits = 0 if seconds.likely >= 3 else 1
    return f"~{seconds.likely:.{digits}f} s [{seconds.low:.{digits}f}..{seconds.high:.{digits}f}]"


def score(value: float | None) -> str:
    """Four digits that matter; a dash where there is no value."""
    if value is None:
        return "–"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.5g}" if abs(value) < 1e5 else f"{value:,.0f}"


def percent(value: float, signed: bool = True) -> str:
    """A share as per cent; three digits at most."""
    shown = 100 * value
    digits = 1 if abs(shown) < 100 else 0
    return f"{shown:{'+' if signed else ''},.{digits}f}%"


def count(number: int, noun: str) -> str:
    """1 column, 1,234 columns, 2 categories."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


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


def by_reason(trials: Iterable[TrialResult]) -> list[tuple[str, str, str]]:
    """(status, models, reason) of trials that were not done or left a remark; models that share it share a line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for trial in trials:
        if trial.reason:
            lines.setdefault((trial.status, trial.reason), []).append(trial.model)
    return [(status, ", ".join(models), reason) for (status, reason), models in lines.items()]


def error_of(metric: MetricInfo, values: dict[str, float]) -> float | None:
    """The primary score as an error, or None where it is missing."""
    value = values.get(metric.name)
    return None if value is None else 1 - value if metric.higher_is_better else value
