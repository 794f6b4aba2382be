"""Makes trials that are compared again after a climb, with other seeds, on folds and subsets, in the time left."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from deepworth.climb.again import (
    HERE,
    REPETITIONS,
    SLACK,
    Block,
    Costs,
    Place,
    Step,
    blocks,
    says_little,
)
from deepworth.climb.alarm import deferred
from deepworth.climb.attempt import LEAST, SOON, TICK, Attempt, result_before
from deepworth.climb.sides import choose_sides
from deepworth.climb.watch import Watch
from deepworth.data import divisions
from deepworth.metrics.curves import LEAST_SEEDS, LEAST_SIZES
from deepworth.metrics.scores import Metric, metric
from deepworth.store import INTERRUPTED, RunFolder
from deepworth.types import Goals, Machine, Repeat, Trial, TrialResult, load
from deepworth.words import duration

SHARES = (16, 8, 4, 2)  # of the training rows, that subsets are made of
LEAST_SUBSET = 30  # rows
DRAWN = 500_000  # rows of subsets drawn in a second

Fit = tuple[str, str, int]


class Repeats:
    """Makes trials again; `make()` writes `repeats.json` and returns what stands in it.

    A repeat is an ordinary trial in the folder of its division, made with the time that the first one was given. It is
    begun only where what it is expected to take is left. One that the clock cut otherwise than the first is another
    model, and does not count.
    """

    def __init__(
        self,
        run: RunFolder,
        results: Sequence[TrialResult],
        goals: Goals,
        machine: Machine,
        deadline: float,
        watch: Watch,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.run, self.goals, self.machine, self.deadline, self.watch = run, goals, machine, deadline, watch
        self.ended = ended  # called when a trial did
        self.results = results
        self.dataset, self.splits = run.dataset, run.splits
        self.metric: Metric = metric(self.dataset.task.metric, self.dataset.task)
        self.divisions: dict[str, divisions.Division] = {}  # by their folders
        self.costs = Costs(self.splits.train, goals.jobs)
        self.made: dict[Fit, TrialResult] = {}  # what counts
        self.failed: dict[str, str] = {}  # trials that are not made again any more, and why
        self.found: dict[tuple[str, str, int, int], Repeat] = {}  # each once
        self.running: list[tuple[Step, Attempt]] = []
        self.refused: list[str] = []
        self.not_made: list[str] = []  # what is not there, and why: told, and kept for the report
        self.interrupted = any(result.reason == INTERRUPTED for result in results)

    def make(self) -> tuple[Repeat, ...]:
        """Make again what is worth it and fits the time that is left."""
        with deferred(self._interrupt):
            try:
                for block in self._blocks():
                    self._whole(block)
            finally:
                for _, attempt in self.running:
                    attempt.drop()
        if self.refused and not self.interrupted:
            left = duration(max(self._left(), 0.0))
            self._not_made(f"{left} were left for the verdict, too little for {'; '.join(self.refused)}")
        found = tuple(self.found.values())
        self.run.save("repeats", found)
        return found

    def _interrupt(self) -> None:
        self.interrupted = True

    def _not_made(self, why: str) -> None:
        self.not_made.append(why)
        self.watch.note(why)

    # What could be made

    def _blocks(self) -> list[Block]:
        sides = choose_sides(self.results, self.metric)
        if self.interrupted or sides.base is None or sides.challenger is None:
            return []
        if self._left() < SOON:
            self._not_made("no time is left for further seeds, folds or a learning curve")
            return []
        self.made |= {(t.key, HERE, 0): t for t in (sides.base, *sides.deep)}
        self.rows = rows = divisions.Rows.of(self.run)
        pair = (sides.base, sides.challenger)
        return blocks(sides, self.splits.train, self._folds(rows), self._subsets(rows, pair))

    def _folds(self, rows: divisions.Rows) -> list[list[Place]]:
        if not says_little(self.splits.test, rows.groups_in(2)):
            return []
        if self.splits.protocol == "given":
            self._not_made("no cross-validation: which rows are tested on was given")
            return []
        made = [divisions.folds(rows, repetition, self.splits.seed) for repetition in range(REPETITIONS)]
        if not made[0]:
            units = "times" if rows.groups is None else "groups"
            self._not_made(f"no cross-validation: the {units} are too few for folds")
        return [self._known(some) for some in made if some]

    def _subsets(self, rows: divisions.Rows, pair: Sequence[TrialResult]) -> list[list[Place]]:
        train = self.splits.train
        if cut := [trial.model for trial in pair if "cut" in trial.notes]:
            self._not_made(f"no learning curve: the clock cut {' and '.join(cut)}, and would cut fewer rows less")
            return []
        if LEAST_SEEDS * train > DRAWN * self._left():
            self.refused.append("a learning curve")
            return []
        sizes = tuple(train // share for share in SHARES if train // share >= max(LEAST_SUBSET, 2 * rows.classes))
        drawn = [divisions.nested(rows, sizes, self.splits.seed + n) for n in range(LEAST_SEEDS)] if sizes else []
        if min((len(some) for some in drawn), default=0) < LEAST_SIZES - 1:
            units = "" if rows.groups is None else f" of {rows.groups_in(0)} groups"
            self._not_made(f"no learning curve: {train:,} training rows{units} do not make {LEAST_SIZES} sizes")
            return []
        return [self._known(some) for some in drawn]

    def _known(self, some: Sequence[divisions.Division]) -> list[Place]:
        """As the plan sees them; none is written before it is needed."""
        found = [Place(folder=f"divisions/{one.name}", rows=len(one.train)) for one in some]
        self.divisions |= {of_plan.folder: one for of_plan, one in zip(found, some, strict=True)}
        return found

    # How it is made

    def _whole(self, block: Block) -> None:
        """Make a block where it fits as a whole, and tell. What is done of it is kept in any case."""
        begun, before = time.monotonic(), len(self.made)
        for step in block.steps:
            known = (self.run.path / step.folder).exists() and step.fit not in self.made
            if known and (old := result_before(self._division(step), self._trial(step))) and not _short(step, old):
                self._ended(step, old)
        self._keep(block)
        if self.interrupted:
            return
        if why := next((self.failed[step.of.key] for step in block.steps if step.of.key in self.failed), ""):
            self._not_made(f"{block.name} not made: {why}")
            return
        need = self.costs.of(block, self.made)
        if SLACK * need > self._left():
            self.refused.append(f"{block.name} (up to {duration(SLACK * need)})")
            if block.instead:
                self._whole(block.instead)
            return
        why = self._run(block)
        self._keep(block)
        if why and not self.interrupted:
            self._not_made(f"{block.name}: {why}")
        elif len(self.made) > before:
            self.watch.note(f"{block.name}: {duration(time.monotonic() - begun)}")

    def _run(self, block: Block) -> str:
        """Why it ended early, or "". What runs then comes to its own end."""
        waiting = list({step.fit: step for step in block.steps if step.fit not in self.made}.values())
        why = ""
        while ((waiting and not why) or self.running) and not self.interrupted:
            while waiting and len(self.running) < self.goals.jobs and not why:
                step = waiting.pop(0)
                if self.costs.expected(step) > self._left():
                    why = f"ended early: {duration(max(self._left(), 0))} were left"
                else:
                    self._begin(step, block.which(step))
            why = self._look() or why
        for _, attempt in self.running:
            self.watch.repeated(attempt.end())
        self.running = []
        return why

    def _begin(self, step: Step, which: str) -> None:
        trial, expected = self._trial(step), self.costs.expected(step)
        seconds = min(self._left(), max(step.of.seconds_given, LEAST))
        self.watch.repeating(trial, which, expected, self._left())
        attempt = Attempt(
            self._division(step),
            trial,
            seconds,
            self.goals,
            self.machine,
            lambda share, text: self.watch.progress(trial.key, share, text),
        )
        self.running.append((step, attempt))

    def _look(self) -> str:
        """Why what ended does not count, or ""."""
        why = ""
        for step, attempt in list(self.running):
            if (result := attempt.look(TICK / len(self.running))) is not None:
                self.running.remove((step, attempt))
                self._ended(step, result)
                self.ended()
                self.watch.repeated(result)
                why = self.failed.get(step.of.key, why)
        return why

    def _ended(self, step: Step, result: TrialResult) -> None:
        """Take in what a step gave: its model is of no more use."""
        shutil.rmtree(self._division(step).trial(result.key) / "model", ignore_errors=True)
        if _short(step, result):
            self.failed[step.of.key] = f"the clock cut {step.of.model} otherwise than the first time"
        elif result.status != "done":
            self.failed[step.of.key] = f"{step.of.model} was {result.status}: {result.reason}"
        else:
            self.costs.learn(step, result.seconds)
            self.made[step.fit] = result

    def _keep(self, block: Block) -> None:
        """Take what is made of a block into what is found."""
        steps = [step for step in block.steps if step.fit in self.made]
        if all(step.purpose == "size" and step.folder == HERE for step in steps):  # made for other ends
            return
        for step in steps:
            result = self.made[step.fit]
            error = float(self.metric.to_error(result.test.get(self.metric.name, math.nan)))
            if math.isfinite(error):  # else a fold that lacks a class
                self.found[step.of.key, step.purpose, step.number, step.rows] = Repeat(
                    of=step.of.key,
                    purpose=step.purpose,
                    number=step.number,
                    rows=step.rows,
                    folder=step.folder,
                    key=result.key,
                    seconds=result.seconds,
                    error=error,
                )

    def _division(self, step: Step) -> RunFolder:
        if step.folder == HERE:
            return self.run
        return divisions.write_division(self.run, self.rows, self.divisions[step.folder])

    def _trial(self, step: Step) -> Trial:
        first = load(Trial, self.run.trial(step.of.key) / "trial.json")
        return replace(first, seed=self.goals.seed + step.number, splits=self._division(step).splits.fingerprint)

    def _left(self) -> float:
        return self.deadline - time.monotonic()


def _short(step: Step, result: TrialResult) -> bool:
    """Whether the clock took from one of both what it left the other: they are different models."""
    return result.status == "stopped" or (
        result.status == "done" and result.notes.get("cut") != step.of.notes.get("cut")
    )
