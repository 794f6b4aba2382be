"""The verdict as a person reads it: the trials, why some were not done, what to look at, the answer last."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.report.prices import price_line
from deepworth.report.words import by_rung
from deepworth.types import DEEP, Threshold, TrialResult, Verdict
from deepworth.views.console import bullets
from deepworth.words import by_reason, duration, percent, score

COLOURS = {"done": "green", "skipped": "dim", "failed": "red", "stopped": "yellow"}
SHOWN = ("precision", "recall", "f1")
ANSWERS = {
    "worth it": "bold green",
    "not worth it": "bold red",
    "no measurable difference": "bold",
    "cannot tell yet": "bold",
}


def verdict_view(verdict: Verdict, folder: Path) -> RenderableType:
    """The trials, why some were not done, what to look at, and the verdict last: it is what stays on the screen."""
    parts: list[RenderableType] = [trials_table(verdict)]
    reasons = Table.grid(padding=(0, 2))
    for status, models, reason in by_reason(by_rung(verdict)):
        reasons.add_row(Text(status, COLOURS[status]), Text(models), Text(reason))
    if reasons.row_count:
        parts.append(Padding(reasons, (1, 0, 0, 0)))
    if verdict.warnings:
        parts.append(Padding(bullets("look at", verdict.warnings), (1, 0, 0, 0)))
    parts.append(Padding(_answer(verdict, folder), (1, 0, 0, 0)))
    return Group(*parts)


def trials_table(verdict: Verdict) -> Table:
    """One row a trial, up the ladder; the winner is marked."""
    metric = verdict.metric.name
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("rung")
    for name in (f"{metric} valid", "test", "time", "peak GB"):
        table.add_column(name, justify="right")
    table.add_column("status")
    for trial in by_rung(verdict):
        table.add_row(
            *_cells(trial, metric, trial.key == verdict.winner), style="bold" if trial.key == verdict.winner else ""
        )
    return table


def _cells(trial: TrialResult, metric: str, winner: bool) -> tuple[Text | str, ...]:
    ran = trial.status != "skipped"
    return (
        "→" if winner else "",
        Text(trial.model),
        trial.rung,
        score(trial.valid.get(metric)),
        score(trial.test.get(metric)),
        duration(trial.seconds) if ran else "–",
        f"{trial.peak_gb:.2f}" if ran else "–",
        Text(trial.status, COLOURS[trial.status]),
    )


def _answer(verdict: Verdict, folder: Path) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_row("verdict", Text(verdict.verdict, ANSWERS[verdict.verdict]))
    grid.add_row("", Text(verdict.sentence))
    gains = [verdict.gains[rung] for rung in DEEP if rung in verdict.gains]
    for number, gain in enumerate(gains):
        interval = f"{percent(gain.relative)} of the error [{percent(gain.low)} .. {percent(gain.high)}]"
        grid.add_row("" if number else "gain", Text(f"{gain.rung}: {interval}"))
    models = {trial.key: trial.model for trial in verdict.trials}
    for number, one in enumerate(verdict.prices):
        grid.add_row("" if number else "price", Text(f"{models[one.trial]}: {price_line(one)}"))
    if verdict.winner in verdict.thresholds:
        grid.add_row("threshold", Text(_threshold(verdict.thresholds[verdict.winner])))
    if verdict.curve:
        grid.add_row("more rows", Text(" ".join(verdict.curve.sentences)))
    if verdict.not_made:
        grid.add_row("not made", Text("; ".join(verdict.not_made)))
    if verdict.decide_next:
        grid.add_row("to decide", Text(verdict.decide_next))
    grid.add_row("winner", Text(verdict.winner))
    if (page := folder / "report.html").exists():
        grid.add_row("report", Text(str(page)))
    return grid


def _threshold(found: Threshold) -> str:
    """From when on the second class is said, and what that gives on test rows."""
    shown = [name for name in SHOWN if name in found.test]
    at, half = (", ".join(f"{name} {some[name]:.3f}" for name in shown) for some in (found.test, found.test_at_half))
    missed = "" if found.reached else ", which is not reached on validation rows"
    return (
        f"{found.positive} from a probability of {found.value:.3g} on, for {found.rule}{missed}; test rows: {at} "
        f"(from one half on: {half})"
    )
