"""Climbs: runs the candidates of a plan in their order under the limits, and records why each step was taken or not."""

from __future__ import annotations

import time
from collections.abc import Callable

from deepworth.climb.alarm import deferred
from deepworth.climb.attempt import LEAST, SOON, TICK, Attempt, deserves_more, put_aside, put_back, result_before
from deepworth.climb.stopping import seen_enough
from deepworth.climb.watch import Watch
from deepworth.decide.limits import limited
from deepworth.metrics.scores import Metric, metric
from deepworth.store import INTERRUPTED, RunFolder
from deepworth.types import Candidate, Dataset, Goals, Machine, Plan, Splits, Trial, TrialResult
from deepworth.words import duration, span


class Ladder:
    """One climb. `climb()` returns the results; what was not run has its reason in them."""

    def __init__(
        self,
        run: RunFolder,
        plan: Plan,
        goals: Goals,
        machine: Machine,
        deadline: float,
        watch: Watch,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.run, self.plan, self.goals, self.machine, self.watch = run, plan, goals, machine, watch
        self.deadline = deadline  # time.monotonic()
        self.ended = ended  # called when a trial did
        self.dataset: Dataset = run.dataset
        self.splits: Splits = run.splits
        self.metric: Metric = metric(self.dataset.task.metric, self.dataset.task)
        self.results: list[TrialResult] = []
        self.running: list[Attempt] = []
        self.waiting: list[Candidate] = []
        self.interrupted = False

    def climb(self) -> tuple[TrialResult, ...]:
        """Run what the plan says until nothing is left, time is up, nothing is left to gain, or Ctrl-C."""
        self.waiting = [c for c in self.plan.candidates if c.decision == "run"]
        with deferred(self._interrupt):
            try:
                while (self.waiting or self.running) and not self.interrupted:
                    self._begin_what_fits()
                    self._look()
                if self.interrupted:
                    self.watch.note("interrupted: ending with what is done")
                    self._give_up()
            finally:
                for attempt in self.running:  # a full disk ends a climb, too, and leaves no worker behind
                    attempt.drop()
        for candidate in self.plan.candidates:
            if candidate.decision == "skip":
                self._skip(candidate, candidate.reason)
        return tuple(self.results)

    def _interrupt(self) -> None:
        self.interrupted = True

    # What begins, and how long it may take

    def _begin_what_fits(self) -> None:
        while self.waiting and len(self.running) < self.goals.jobs:
            candidate = self.waiting.pop(0)
            left = self.deadline - time.monotonic()
            seconds, trial = self._allotment(candidate, left), self._trial(candidate)
            before, reason = result_before(self.run, trial), self._reason_to_skip(candidate, left)
            if before is not None and (reason or not deserves_more(before, self.goals, seconds)):
                self._finish(before)
            elif reason:
                if (earlier := put_back(self.run, trial)) is not None:
                    self._finish(earlier)
                else:
                    self._skip(candidate, reason)
            else:
                if before is not None:
                    put_aside(self.run, trial)
                self._begin(candidate, seconds)

    def _reason_to_skip(self, candidate: Candidate, left: float) -> str:
        if reason := seen_enough(candidate, self.results, self.dataset, self.splits, self.goals, self.metric):
            return reason
        if left < SOON:
            return f"no time left: the limit of {limited(self.goals.seconds)} is reached"
        if candidate.estimate.needs > left:
            return f"estimated {span(candidate.estimate.seconds)}, {duration(left)} were left of the limit"
        return ""

    def _allotment(self, candidate: Candidate, left: float) -> float:
        """Seconds a trial may take: what is left beside what the later candidates hold back.

        Each that may still fit holds back its likely time, a short one (LEAST) its high, and none more than an even
        share: so a trial never gets less than that, whatever it was estimated at. It never gets more than four times
        its high estimate either, or an even share: a model that hangs must not take the time of the others.
        """
        jobs, need = self.goals.jobs, candidate.estimate.seconds
        even = min(left, left * jobs / (1 + len(self.waiting)))
        held = 0.0
        for estimate in (c.estimate for c in self.waiting):
            if estimate.needs <= max(left - need.likely - held / jobs, even):
                later = estimate.seconds
                held += min(max(later.likely, min(later.high, LEAST)), even)
        return min(max(left - held / jobs, even), max(4 * need.high, even, LEAST))

    def _trial(self, candidate: Candidate) -> Trial:
        return Trial(
            model=candidate.model,
            rung=candidate.rung,
            data=self.dataset.fingerprint,
            splits=self.splits.fingerprint,
            task=self.dataset.task,
            seed=self.goals.seed,
            params=candidate.params,
        )

    def _begin(self, candidate: Candidate, seconds: float) -> None:
        trial = self._trial(candidate)
        self.watch.started(candidate, trial, self.deadline - time.monotonic())
        self.running.append(
            Attempt(
                self.run,
                trial,
                seconds,
                self.goals,
                self.machine,
                lambda share, text: self.watch.progress(trial.key, share, text),
                candidate.estimate,
            )
        )

    # What runs, and how it ends

    def _look(self) -> None:
        for attempt in list(self.running):
            if (result := attempt.look(TICK / len(self.running))) is not None:
                self.running.remove(attempt)
                self.ended()
                self._finish(result)

    def _finish(self, result: TrialResult) -> None:
        self.results.append(result)
        self.watch.finished(result)

    def _skip(self, candidate: Candidate, reason: str) -> None:
        self._finish(
            TrialResult(
                key=self._trial(candidate).key,
                model=candidate.model,
                rung=candidate.rung,
                status="skipped",
                reason=reason,
                estimate=candidate.estimate,
            )
        )

    def _give_up(self) -> None:
        for attempt in self.running:
            self._finish(attempt.end())
        for candidate in self.waiting:
            self._skip(candidate, INTERRUPTED)
        self.running, self.waiting = [], []
