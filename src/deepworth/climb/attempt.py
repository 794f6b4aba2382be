"""One trial from its start in a worker to its scored result, within the seconds it is given; what a run has of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepworth.climb.trial import TrialReply, TrialRequest
from deepworth.climb.workers import Job
from deepworth.cost.history import actual, keep
from deepworth.data.cache import cache_folder
from deepworth.errors import DiskFull
from deepworth.metrics.scores import scores
from deepworth.store import INTERRUPTED, MIDWAY, RunFolder, write
from deepworth.types import Estimate, Goals, Machine, Range, Trial, TrialResult, dump, load

TOOK = "seconds"  # file of a trial that runs
OFTEN = 1.0  # seconds between two times it is written
TICK = 0.05  # seconds between two looks at a running trial
GRACE = 0.06  # share of a trial's time kept back from the learner, for what it does after its deadline
SOON = 1.0  # a trial is not begun with less time than this
LEAST = 10.0  # seconds any trial may take while the limit allows: estimates of small ones are unsure
LONGER = 1.5  # times the limit of before, and what the trial was given then: one cut by the clock is run anew


class Attempt:
    """One trial at work in a worker: `look` until it gives the result.

    It is scored here, on labels that the worker never sees. `run` is the folder of the division it is for; `estimate`
    is of its cost formula, and kept beside what the trial took; a trial without one leaves no trace in the history.
    """

    def __init__(
        self,
        run: RunFolder,
        trial: Trial,
        seconds: float,
        goals: Goals,
        machine: Machine,
        tell: Callable[[float, str], None],
        estimate: Estimate | None = None,
    ) -> None:
        self.run, self.trial, self.goals, self.machine, self.estimate = run, trial, goals, machine, estimate
        folder = run.trial(trial.key)
        write(folder / "trial.json", dump(trial))
        self.took = folder / TOOK
        goes_on = (folder / MIDWAY).exists() and self.took.exists()
        self.earlier = float(self.took.read_text()) if goes_on else 0.0  # seconds of what it goes on from
        self.started = self.told = time.monotonic()
        self.until = self.started + seconds  # killed then
        request = TrialRequest(
            run=str(run.path.absolute()),
            key=trial.key,
            cache=str(cache_folder()),
            deadline=self.started + seconds * (1 - GRACE) - 0.2,
            threads=max(1, machine.threads // goals.jobs),
            memory_gb=(goals.memory_gb or machine.memory_gb) / goals.jobs,
            metric=trial.task.metric,
            weights=goals.weights,
            latency=estimate is not None,
        )
        self.job = Job(request, tell, folder / "worker.log")

    def look(self, seconds: float) -> TrialResult | None:
        """The result, waiting for it at most so long; None while the trial runs."""
        reply = self.job.poll(seconds)
        if reply is None and time.monotonic() > self.told + OFTEN:
            self._keep_time()
        if reply is None and time.monotonic() > self.until:
            given = self.until - self.started
            reply = self.job.end("Deadline", f"stopped after {given:.0f} s, all the time it had")
        return None if reply is None else self._ended(reply)

    def end(self) -> TrialResult:
        """Kill it; the result says that it was interrupted."""
        return self._ended(self.job.end("Interrupted", INTERRUPTED))

    def drop(self) -> None:
        """Kill it and leave its folder as it is."""
        self.job.end("Interrupted", INTERRUPTED)

    def _keep_time(self) -> None:
        """Write what it took so far beside what it would go on from: a trial that was killed took that, too."""
        self.told = time.monotonic()
        if self.took.with_name(MIDWAY).exists():
            write(self.took, f"{self.earlier + self.told - self.started:.2f}")

    def _ended(self, reply: TrialReply) -> TrialResult:
        """What the trial took goes beside its estimate. One run anew in vain leaves what was before.

        Raises DiskFull for a trial that there was no room for: it has no result, and may be run when there is.
        """
        if reply.kind == DiskFull.__name__:
            raise DiskFull(
                f"{self.trial.model}: {_said(reply)}; what is done is kept: make room, and go on with --resume"
            )
        result, folder = self._result(reply), self.run.trial(self.trial.key)
        if reply.kind == "Interrupted":  # it goes on from here; what was before waits
            self._keep_time()
            return result
        shutil.rmtree(folder / MIDWAY, ignore_errors=True)
        self.took.unlink(missing_ok=True)
        before = _aside(folder)
        foreseen = replace(result, estimate=self.estimate)
        if self.goals.jobs == 1 and (took := actual(foreseen, self.machine, self.trial.data, self.run.splits.train)):
            keep(took)
        if result.status != "done" and (earlier := put_back(self.run, self.trial)) is not None:
            return earlier
        shutil.rmtree(before, ignore_errors=True)
        return result

    def _result(self, reply: TrialReply) -> TrialResult:
        folder, given = self.run.trial(self.trial.key), self.earlier + self.until - self.started
        result = TrialResult(
            key=self.trial.key,
            model=self.trial.model,
            rung=self.trial.rung,
            status="done",
            seconds=self.earlier + time.monotonic() - self.started - reply.seconds_timing,
            seconds_fit=reply.seconds_fit,
            seconds_given=given,
            limit=self.goals.seconds,
            ms_predict=reply.ms_predict,
            ms_1=reply.ms_1,
            ms_32=reply.ms_32,
            predict_gb=reply.predict_gb,
            peak_gb=max(reply.peak_gb, self.job.peak_gb),
            artefact_mb=reply.artefact_mb,
            estimate=None if self.estimate is None else _within(self.estimate, given),
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
                valid=scores(self.trial.task, np.load(self.run.data / "labels_valid.npy"), valid),
                test=scores(self.trial.task, np.load(self.run.sealed / "labels_test.npy"), test),
            )
        write(folder / "result.json", dump(result))
        if result.status == "done":
            write(folder / "DONE", "")
        return result


def result_before(run: RunFolder, trial: Trial) -> TrialResult | None:
    """The result of a trial that came to an end before: starting the same run twice is a no-op.

    Also of one that failed or that its deadline stopped, but not of one that Ctrl-C ended.
    """
    folder = run.trial(trial.key)
    if not folder.exists() and _aside(folder).exists():  # killed while it was put back
        _aside(folder).rename(folder)
    if not (folder / "result.json").exists():
        return None
    before = load(TrialResult, folder / "result.json")
    return None if before.reason == INTERRUPTED else before


def deserves_more(before: TrialResult, goals: Goals, seconds: float) -> bool:
    """Whether the clock cut a trial, and a longer limit and `seconds` give it clearly more time than it had."""
    longer = goals.seconds > LONGER * before.limit and seconds > LONGER * before.seconds_given
    return "cut" in before.notes and longer


def put_aside(run: RunFolder, trial: Trial) -> None:
    """Make place for a new attempt at a trial; what was before comes back where that is in vain."""
    folder = run.trial(trial.key)
    shutil.rmtree(_aside(folder), ignore_errors=True)
    _aside(folder).parent.mkdir(exist_ok=True)
    folder.rename(_aside(folder))


def put_back(run: RunFolder, trial: Trial) -> TrialResult | None:
    """The result that was put aside for an attempt that is not gone on with, in its place again; None without one."""
    folder = run.trial(trial.key)
    if not _aside(folder).exists():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    _aside(folder).rename(folder)
    return load(TrialResult, folder / "result.json")


def _within(estimate: Estimate, given: float) -> Estimate:
    """What a trial is expected to take when the clock ends it after the seconds it is given."""
    need = estimate.seconds
    if need.high <= given:
        return estimate
    cut = Range(low=min(need.low, estimate.needs, given), likely=min(need.likely, given), high=given)
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
        "DiskFull",
    )
    return line if plain and line else f"{reply.kind}: {line}".rstrip(": ")
