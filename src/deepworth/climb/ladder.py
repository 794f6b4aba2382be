"""Climbs: runs the candidates of a plan in their order under the limits, and records why each step was taken or not."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepworth.climb.alarm import deferred
from deepworth.climb.stopping import seen_enough
from deepworth.climb.trial import TrialReply, TrialRequest
from deepworth.climb.watch import Watch
from deepworth.climb.workers import Job
from deepworth.cost.history import actual, keep
from deepworth.data.cache import cache_folder
from deepworth.metrics.scores import Metric, metric, scores
from deepworth.store import RunFolder, write
from deepworth.types import (
    Candidate,
    Dataset,
    Estimate,
    Goals,
    Machine,
    Plan,
    Range,
    Splits,
    Trial,
    TrialResult,
    dump,
    load,
)

TICK = 0.05  # seconds between two looks at a running trial
GRACE = 0.06  # share of a trial's time kept back from the learner, for what it does after its deadline
LEAST = 10.0  # seconds any trial may take while the limit allows: estimates of small ones are unsure
INTERRUPTED = "interrupted"  # the reason of what Ctrl-C ended
SOON = 1.0  # a trial is not begun with less time than this
LONGER = 1.5  # times the limit of before, and what the trial was given then: one cut by the clock is run anew


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
            try:
                while (self.waiting or self.running) and not self.interrupted:
                    self._begin_what_fits()
                    self._look()
                if self.interrupted:
                    self.watch.note("interrupted: ending with what is done")
                    self._give_up(INTERRUPTED)
            finally:
                for run in self.running:  # a full disk ends a climb, too, and leaves no worker behind
                    run.job.end("Interrupted", INTERRUPTED)
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
                continue
            seconds = self._allotment(candidate, left)
            if not self._reuse(candidate, seconds):
                self._begin(candidate, seconds)

    def _reason_to_skip(self, candidate: Candidate, left: float) -> str:
        if reason := seen_enough(candidate, self.results, self.dataset, self.splits, self.goals, self.metric):
            return reason
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
        """Seconds a trial may take: what is left beside what the later candidates hold back.

        Each that may still fit holds back its likely time, a short one (LEAST) its high, and none more than an even
        share: so a trial never gets less than that, whatever it was estimated at. It never gets more than four times
        its high estimate either, or an even share: a model that hangs must not take the time of the others.
        """
        jobs, need = self.goals.jobs, candidate.estimate.seconds
        even = min(left, left * jobs / (1 + len(self.waiting)))
        held = 0.0
        for later in (c.estimate.seconds for c in self.waiting):
            if later.low <= max(left - need.likely - held / jobs, even):
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

    def _reuse(self, candidate: Candidate, seconds: float) -> bool:
        """A trial that is done already is not run again: starting the same run twice is a no-op.

        One that the clock cut is, where a longer limit gives it clearly more time than it had.
        """
        folder = self.run.trial(self._trial(candidate).key)
        if not (folder / "DONE").exists():
            return False
        before = load(TrialResult, folder / "result.json")
        longer = self.goals.seconds > LONGER * before.limit and seconds > LONGER * before.seconds_given
        if "cut" in before.notes and longer:
            _aside(folder).parent.mkdir(exist_ok=True)
            folder.rename(_aside(folder))
            return False
        self._finish(before)
        return True

    # What runs, and how it ends

    def _look(self) -> None:
        for run in list(self.running):
            reply = run.job.poll(TICK / len(self.running))
            if reply is None and time.monotonic() > run.until:
                reply = run.job.end("Deadline", f"stopped after {run.until - run.started:.0f} s, all the time it had")
            if reply is not None:
                self.running.remove(run)
                self._finish(self._ended(run, reply))

    def _ended(self, run: _Running, reply: TrialReply) -> TrialResult:
        """The result of a trial; what it took goes beside its estimate. One run anew in vain leaves what was before."""
        result, folder = self._result(run, reply), self.run.trial(run.trial.key)
        before = _aside(folder)
        foreseen = replace(result, estimate=run.candidate.estimate)
        if self.goals.jobs == 1 and (took := actual(foreseen, self.machine, run.trial.data, self.splits.train)):
            keep(took)
        if before.exists() and result.status != "done":
            shutil.rmtree(folder)
            before.rename(folder)
            return load(TrialResult, folder / "result.json")
        shutil.rmtree(before, ignore_errors=True)
        return result

    def _result(self, run: _Running, reply: TrialReply) -> TrialResult:
        folder = self.run.trial(run.trial.key)
        result = TrialResult(
            key=run.trial.key,
            model=run.trial.model,
            rung=run.trial.rung,
            status="done",
            seconds=time.monotonic() - run.started,
            seconds_fit=reply.seconds_fit,
            seconds_given=run.until - run.started,
            limit=self.goals.seconds,
            ms_predict=reply.ms_predict,
            peak_gb=max(reply.peak_gb, run.job.peak_gb),
            artefact_mb=reply.artefact_mb,
            estimate=_within(run.candidate.estimate, run.until - run.started),
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
            self._finish(self._ended(run, run.job.end("Interrupted", reason)))
        for candidate in self.waiting:
            self._skip(candidate, reason)
        self.running, self.waiting = [], []


def _within(estimate: Estimate, given: float) -> Estimate:
    """What a trial is expected to take when the clock ends it after the seconds it is given."""
    need = estimate.seconds
    if need.high <= given:
        return estimate
    cut = Range(low=min(need.low, given), likely=min(need.likely, given), high=given)
    return replace(estimate, seconds=cut, basis=f"{estimate.basis}, within the {given:.0f} s it was given")


def _aside(folder: Path) -> Path:
    """Where a trial's folder waits while the trial is run anew."""
    return folder.parent.parent / "before" / folder.name


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
