"""Climbs: runs the candidates of a plan in their order under the limits, and records why each step was taken or not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepworth.climb.alarm import deferred
from deepworth.climb.trial import TrialReply, TrialRequest
from deepworth.climb.watch import Watch
from deepworth.climb.workers import Job
from deepworth.data.cache import cache_folder
from deepworth.metrics.scores import Metric, metric, scores
from deepworth.store import RunFolder, write
from deepworth.types import Candidate, Dataset, Goals, Machine, Plan, Splits, Trial, TrialResult, dump, load

TICK = 0.05  # seconds between two looks at a running trial
GRACE = 0.06  # share of a trial's time kept back from the learner, for what it does after its deadline
LEAST = 10.0  # seconds any trial may take while the limit allows: estimates of small ones are unsure
INTERRUPTED = "interrupted"  # the reason of what Ctrl-C ended
SOON = 1.0  # a trial is not begun with less time than this


@dataclass
class _Running:
    candidate: Candidate
    trial: Trial
    job: Job
    started: float
    until: float  # killed then


class Ladder:
    """One climb. `climb()` returns the results; what was not run has its reason in them."""

    def __init__(
        self, run: RunFolder, plan: Plan, goals: Goals, machine: Machine, deadline: float, watch: Watch
    ) -> None:
        self.run, self.plan, self.goals, self.machine, self.watch = run, plan, goals, machine, watch
        self.deadline = deadline  # time.monotonic()
        self.dataset: Dataset = run.dataset
        self.splits: Splits = run.splits
        self.metric: Metric = metric(self.dataset.task.metric, self.dataset.task)
        self.results: list[TrialResult] = []
        self.running: list[_Running] = []
        self.waiting: list[Candidate] = []
        self.interrupted = False

    def climb(self) -> tuple[TrialResult, ...]:
        """Run what the plan says until nothing is left, time is up, nothing is left to gain, or Ctrl-C."""
        self.waiting = [c for c in self.plan.candidates if c.decision == "run"]
        with deferred(self._interrupt):
            while (self.waiting or self.running) and not self.interrupted:
                self._begin_what_fits()
                self._look()
            if self.interrupted:
                self.watch.note("interrupted: ending with what is done")
                self._give_up(INTERRUPTED)
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
            if reason := self._reason_to_skip(candidate, left):
                self._skip(candidate, reason)
            elif not self._reuse(candidate):
                self._begin(candidate, self._allotment(candidate, left))

    def _reason_to_skip(self, candidate: Candidate, left: float) -> str:
        if self._perfect():
            return f"nothing is left to gain: {self.metric.name} is perfect on the validation rows"
        if left < SOON:
            return f"no time left: the limit of {self.goals.seconds:.0f} s is reached"
        if candidate.estimate.seconds.low > left:
            seconds = candidate.estimate.seconds
            return (
                f"estimated {seconds.likely:.0f} s [{seconds.low:.0f} .. {seconds.high:.0f}], "
                f"{left:.0f} s were left of the limit"
            )
        return ""

    def _allotment(self, candidate: Candidate, left: float) -> float:
        """Seconds a trial may take: what is left beside the later candidates that still fit.

        None of them holds back more than an even share. A trial gets at least twice its high estimate and LEAST seconds
        (60 % of what is left at most), and never more than four times its high estimate or an even share: a model that
        hangs must not take the time of the others.
        """
        even = left / (1 + len(self.waiting))
        spare = left - candidate.estimate.seconds.likely
        reserved = 0.0
        for later in self.waiting:
            if later.estimate.seconds.low <= spare - reserved:
                reserved += min(later.estimate.seconds.likely, spare - reserved, even)
        high = candidate.estimate.seconds.high
        least = min(max(2 * high, LEAST), 0.6 * left)
        return min(left, max(left - reserved, least), max(4 * high, even, LEAST))

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
        folder = self.run.trial(trial.key)
        write(folder / "trial.json", dump(trial))
        now = time.monotonic()
        request = TrialRequest(
            run=str(self.run.path.absolute()),
            key=trial.key,
            cache=str(cache_folder()),
            deadline=now + seconds * (1 - GRACE) - 0.2,
            threads=max(1, self.machine.threads // self.goals.jobs),
            memory_gb=(self.goals.memory_gb or self.machine.memory_gb) / self.goals.jobs,
            metric=self.metric.name,
            weights=self.goals.weights,
        )
        self.watch.started(candidate, trial, self.deadline - now)
        job = Job(request, lambda share, text: self.watch.progress(trial.key, share, text), folder / "worker.log")
        self.running.append(_Running(candidate, trial, job, now, now + seconds))

    def _reuse(self, candidate: Candidate) -> bool:
        """A trial that is done already is not run again: starting the same run twice is a no-op."""
        folder = self.run.trial(self._trial(candidate).key)
        if not (folder / "DONE").exists():
            return False
        self._finish(load(TrialResult, folder / "result.json"))
        return True

    # What runs, and how it ends

    def _look(self) -> None:
        for run in list(self.running):
            reply = run.job.poll(TICK / len(self.running))
            if reply is None and time.monotonic() > run.until:
                reply = run.job.end("Deadline", f"stopped after {run.until - run.started:.0f} s, all the time it had")
            if reply is not None:
                self.running.remove(run)
                self._finish(self._result(run, reply))

    def _result(self, run: _Running, reply: TrialReply) -> TrialResult:
        folder = self.run.trial(run.trial.key)
        result = TrialResult(
            key=run.trial.key,
            model=run.trial.model,
            rung=run.trial.rung,
            status="done",
            seconds=time.monotonic() - run.started,
            seconds_fit=reply.seconds_fit,
            ms_predict=reply.ms_predict,
            peak_gb=max(reply.peak_gb, run.job.peak_gb),
            artefact_mb=reply.artefact_mb,
            estimate=run.candidate.estimate,
            notes=reply.notes,
        )
        if reply.kind:
            stopped = reply.kind in ("Deadline", "OutOfTime", "Interrupted")
            result = replace(result, status="stopped" if stopped else "failed", reason=_said(reply))
        else:
            valid, test = (np.load(folder / f"predictions_{part}.npy") for part in ("valid", "test"))
            result = replace(
                result,
                reason=str(reply.notes.get("remark", "")),
                valid=scores(self.dataset.task, np.load(self.run.data / "labels_valid.npy"), valid),
                test=scores(self.dataset.task, np.load(self.run.sealed / "labels_test.npy"), test),
            )
        write(folder / "result.json", dump(result))
        if result.status == "done":
            write(folder / "DONE", "")
        return result

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

    def _give_up(self, reason: str) -> None:
        for run in self.running:
            self._finish(self._result(run, run.job.end("Interrupted", reason)))
        for candidate in self.waiting:
            self._skip(candidate, reason)
        self.running, self.waiting = [], []

    def _perfect(self) -> bool:
        """Whether a model beyond the floor has no error on the validation rows, and both sides have been tried."""
        done = [r for r in self.results if r.status == "done" and r.rung != "floor"]
        best = max((r.valid.get(self.metric.name, -np.inf) for r in done), default=-np.inf)
        return self.metric.higher_is_better and best >= self.metric.best and _both_sides(done)


def _both_sides(results: Sequence[TrialResult]) -> bool:
    rungs = {r.rung for r in results}
    return "classical" in rungs and len(rungs) > 1


def _said(reply: TrialReply) -> str:
    """Why a trial did not end well, in one line."""
    line = reply.error.strip().splitlines()[0] if reply.error.strip() else ""
    plain = reply.kind in (
        "Deadline",
        "OutOfTime",
        "OutOfMemory",
        "WorkerDied",
        "Interrupted",
        "MissingPackage",
        "UserError",
    )
    return line if plain and line else f"{reply.kind}: {line}".rstrip(": ")
