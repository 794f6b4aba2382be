"""What a person sees while a run climbs: one line a trial on stderr, and the time that is left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deepworth.climb.watch import Watch
from deepworth.decide.shapes import SHAPES
from deepworth.report.words import kinds, task_sentence
from deepworth.types import Candidate, Dataset, Plan, Profile, Range, Rung, Splits, Trial, TrialResult, Verdict
from deepworth.words import added, clock, count, duration, money_span, score, span

MARKS = {"done": ("✓", "green"), "skipped": ("–", "dim"), "failed": ("✗", "red"), "stopped": ("■", "yellow")}
WIDTHS = (1, 20, 9, 10, 17)  # mark, model, rung, elapsed, estimate; the rest of the line is the score or the reason
HEARTBEAT_SECONDS = 30.0  # between two lines of a running trial where nothing can be redrawn


@dataclass
class _Running:
    model: str
    rung: Rung
    expected: Range
    began: float
    which: str = ""  # seed, fold or subset of a trial made again
    share: float = 0.0
    message: str = ""
    told: float = 0.0


class Progress(Watch):
    """Draws on a terminal, prints plain lines elsewhere. Use it in a `with` block: that leaves the screen tidy."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.drawn = self.console.is_terminal
        self.running: dict[str, _Running] = {}
        self.ahead: list[Candidate] = []  # what is to run and has not begun, in its order
        self.reached: set[Rung] = set()  # rungs of which something has begun
        self.until = 0.0  # time.monotonic() at which the run must end
        self.metric = ""
        self.live = Live(
            console=self.console, get_renderable=self._now, refresh_per_second=4, transient=True, redirect_stdout=False
        )

    def __enter__(self) -> Progress:
        if self.drawn:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    # What the ladder tells

    def opened(self, dataset: Dataset, splits: Splits, profile: Profile) -> None:
        self.metric = dataset.task.metric
        width = f"{dataset.rows:,} rows, columns: {kinds(dataset.feature_columns)}"
        self._head(dataset.name, f"{dataset.modality}: {width}")
        self._head("task", f"{task_sentence(dataset)}; judged by {dataset.task.metric}")
        self._head("split", f"{splits.protocol}: {splits.train:,} train, {splits.valid:,} valid, {splits.test:,} test")
        for message in dict.fromkeys((*(c.message for c in profile.concerns), *splits.notes)):
            self._head("look at", message, "yellow")

    def planned(self, plan: Plan) -> None:
        tries = [c for c in plan.candidates if c.decision == "run"]
        self.ahead = list(tries)
        estimate = span(added([c.estimate.seconds for c in tries]))
        self._head(
            "plan", f"{len(tries)} models to try, {len(plan.candidates) - len(tries)} skipped; {estimate} in all"
        )
        for concern in plan.concerns:
            if concern.id in SHAPES:
                self._head("look at", concern.message, "yellow")
        for rule in plan.rules:
            if rule.skips or rule.fits_only:  # `deepworth plan` tells all of them
                self._head("", f"rule {rule.id}: {rule.effect}", "dim")
        self.console.print()

    def started(self, candidate: Candidate, trial: Trial, seconds_left: float) -> None:
        now = time.monotonic()
        self.until = now + seconds_left
        self.reached.add(candidate.rung)
        self._begun(candidate.model)
        self.running[trial.key] = _Running(candidate.model, candidate.rung, candidate.estimate.seconds, now, told=now)

    def progress(self, trial_key: str, share: float, message: str) -> None:
        if (run := self.running.get(trial_key)) is None:
            return
        run.share, run.message = share, message
        if not self.drawn and time.monotonic() - run.told > HEARTBEAT_SECONDS:
            run.told = time.monotonic()
            *cells, said = self._cells_running(run)
            self._line((*cells, f"{said}; {self._left()}"))

    def finished(self, result: TrialResult) -> None:
        self.running.pop(result.key, None)
        self._begun(result.model)
        mark, colour = MARKS[result.status]
        name = (mark, result.model, result.rung)
        if result.status == "done":
            estimate = span(result.estimate.seconds) if result.estimate else ""
            said = f"{self.metric} {score(result.valid.get(self.metric))}"
            self._line((*name, duration(result.seconds), estimate, said), colour)
        else:
            after = "" if result.status == "skipped" else f" after {duration(result.seconds)}"
            why = (
                result.reason if result.reason.startswith(result.status) else f"{result.status}{after}: {result.reason}"
            )
            self._line((*name, why), colour)

    def repeating(self, trial: Trial, which: str, expected: float, seconds_left: float) -> None:
        now = time.monotonic()
        self.until = now + seconds_left
        self.running[trial.key] = _Running(trial.model, trial.rung, Range.around(expected), now, which, told=now)

    def repeated(self, result: TrialResult) -> None:
        self.running.pop(result.key, None)

    def note(self, message: str) -> None:
        self._head("note", message, "yellow")

    def judged(self, verdict: Verdict) -> None:
        self.console.print()

    # How it is drawn

    def _head(self, name: str, text: str, style: str = "") -> None:
        if not self.drawn:
            self.console.print(Text(f"{name:<10} {text}"), soft_wrap=True)
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_column(min_width=10)
        grid.add_row(Text(name, "bold"), Text(text, style))
        self.console.print(grid)

    def _line(self, cells: tuple[str, ...], colour: str = "") -> None:
        """One line; the last cell takes what is left of it."""
        if self.drawn:
            self.console.print(_grid(cells, colour))
        else:
            padded = [f"{cell:<{width}}" for cell, width in zip(cells[:-1], WIDTHS, strict=False)]
            self.console.print(Text(" ".join([*padded, cells[-1]])), soft_wrap=True)

    def _cells_running(self, run: _Running) -> tuple[str, ...]:
        elapsed = duration(time.monotonic() - run.began)
        said = " ".join(part for part in (run.which, f"{run.share:.0%}" if run.share else "", run.message) if part)
        return ("…", run.model, run.rung, elapsed, span(run.expected), said)

    def _now(self) -> RenderableType:
        """The part of the screen that is redrawn: what runs, and the time left."""
        if not self.until:
            return Text("reading …", "dim")
        left = Text(f"{self._left()}; Ctrl-C ends with a verdict on what is done", "dim")
        return Group(*(_grid(self._cells_running(run)) for run in list(self.running.values())), left)

    def _left(self) -> str:
        """The time that is left, and the price of the rung that comes next."""
        left = f"{clock(self.until - time.monotonic())} left"
        rung = next((c.rung for c in self.ahead if c.rung not in self.reached), None)
        if rung is None:
            return f"{left}, {count(len(self.ahead), 'model')} to go" if self.ahead else left
        estimates = [c.estimate for c in self.ahead if c.rung == rung]
        costs = [estimate.usd for estimate in estimates if estimate.usd]
        price = f", {money_span(added(costs))}" if costs else ""
        return f"{left}; next rung {rung}: {span(added([e.seconds for e in estimates]))}{price}"

    def _begun(self, model: str) -> None:
        self.ahead = [candidate for candidate in self.ahead if candidate.model != model]


def _grid(cells: tuple[str, ...], colour: str = "") -> Table:
    """A line whose last cell is wrapped in its own column; readable at 80 columns."""
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    for _, width in zip(cells[:-1], WIDTHS, strict=False):
        grid.add_column(width=width)
    grid.add_column(ratio=1)
    grid.add_row(Text(cells[0], colour), *(Text(cell) for cell in cells[1:-1]), Text(cells[-1], colour))
    return grid
