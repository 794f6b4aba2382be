"""The course of one fit: open, divide, profile, plan, climb, repeat, judge, report; or what is left of it."""

from __future__ import annotations

import time as clock
import traceback
from contextlib import nullcontext, suppress
from dataclasses import replace
from threading import Thread
from typing import Any

from deepworth.climb.alarm import alarm
from deepworth.climb.ladder import Ladder
from deepworth.climb.repeats import Repeats
from deepworth.climb.watch import Watch
from deepworth.climb.workers import dismiss, warm
from deepworth.cost.history import history
from deepworth.cost.machine import measure, process_memory_gb, threads_allowed
from deepworth.cost.pace import pace
from deepworth.decide.plan import make_plan
from deepworth.errors import UserError
from deepworth.profile.prepared import prepare_run
from deepworth.registry import find, resolve
from deepworth.report.build import NO_PAGE, write_report
from deepworth.report.svg import library as load_plots
from deepworth.run import Run
from deepworth.store import INTERRUPTED, Claim, RunFolder, write
from deepworth.types import Goals, Machine, Plan, Workload
from deepworth.verdict import judge
from deepworth.verdict.threshold import check_threshold, set_thresholds

MORE = "nothing could be trained; give it more with --time"
MEMORY_SHARE = 0.8  # of the free memory, when no limit is given
LOOKED = 15.0  # seconds at most that are kept for what drives the winner
REPORT_SECONDS = 1.0  # kept for writing the verdict and the page, its plotting library loaded
JUDGE_GB = 0.1  # more than now this process holds when it judges and reports
LEAST_GB = 0.25  # what a worker holds before it has read a row


def carry_out(run: RunFolder, source: Any, claim: Claim, watch: Watch, begin: float) -> Run:
    """Do what is claimed, or what is left of it where the same was begun in this folder before."""
    goals = claim.goals
    with run.alone():
        begun = run.claim(claim)
        if begun == "same" and run.is_over:
            watch.note(f"{run.path} has its verdict: nothing is left to do")
            return _shown(run, watch)
        warm(threads_allowed() // goals.jobs or 1)
        planned, started = begun == "same" and (run.path / "plan.json").exists(), begin
        late = f"the limit of {goals.seconds:g} s was over before the source was read: {MORE}"
        with (
            run.removed_if_it_fails(begun == "fresh"),
            nullcontext() if planned else alarm(begin + goals.seconds, late),
        ):
            prepare_run(run, source, claim.options, goals)
            check_threshold(goals.threshold, run.dataset.task)
            splits, slower = run.splits, pace()
            reserve = _reserve(goals.seconds, splits.test, slower)
            report = min(REPORT_SECONDS * slower, 0.7 * reserve)
            watch.opened(run.dataset, splits, run.profile)
            machine = measure()
            memory = memory_for_trials(goals, machine)
            if begun == "other goals":
                run.forget("plan.json", "verdict.json")
                run.give_more_chances()
            elif begun == "same":  # what was used counts; a verdict gets its time all the same
                claim = run.claimed
                begin -= max(0.0, min(claim.used, goals.seconds - reserve - report))
            claim = replace(claim, machine=machine)
            run.save("run", claim)
            plan = run.plan if planned else plan_of(run, machine, replace(goals, memory_gb=memory))
            run.save("plan", plan)

        def count() -> None:
            used = claim.used + clock.monotonic() - started
            run.save("run", replace(claim, used=used))

        count()
        watch.planned(plan)
        Thread(target=load_plots, daemon=True).start()  # 0.7 s, beside the first trial

        deadline = begin + goals.seconds - reserve
        limited = replace(goals, memory_gb=memory)
        results = Ladder(run, plan, limited, machine, deadline, watch, count).climb()
        repeats = Repeats(run, results, limited, machine, deadline, watch, count)
        repeats.make()
        if goals.memory_gb is not None:  # the verdict and the page take memory, too; else the next fit finds them warm
            dismiss()
        count()

        limits = {
            "seconds": goals.seconds,
            "memory_gb": goals.memory_gb or memory,
            "threads": machine.threads,
            "jobs": goals.jobs,
            "worth": goals.worth,
            "seed": goals.seed,
        } | ({INTERRUPTED: True} if repeats.interrupted else {})
        verdict = judge(run, results, goals, limits, until=begin + goals.seconds - report)
        thresholds = set_thresholds(run, results, goals.threshold)
        limits |= {"seconds_used": claim.used + clock.monotonic() - started}
        verdict = replace(verdict, limits=limits, thresholds=thresholds, not_made=tuple(repeats.not_made))
        run.forget("report.html")
        run.save("verdict", verdict)
        return _shown(run, watch)


def _shown(run: RunFolder, watch: Watch) -> Run:
    """A run that has its verdict, with its page, or else with `no_page`: why there is none, and what to do."""
    no_page = ""
    if not (run.path / "report.html").exists():
        try:
            write_report(run.path)
        # The border of the page: the verdict stands, and is shown, whatever becomes of it. Ctrl-C ends the page alone.
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001
            log, why = run.path / NO_PAGE, f"{type(error).__name__}: {error}".rstrip(": ")
            no_page = f"no report page ({why}); `deepworth report {run.path}` makes it"
            with suppress(UserError):  # a full disk
                write(log, traceback.format_exc())
                no_page += f", {log} has the traceback"
    watch.judged(run.verdict)
    return Run(run, no_page)


def plan_of(run: RunFolder, machine: Machine, goals: Goals) -> Plan:
    """The plan for what lies in a run folder."""
    dataset, splits = run.dataset, run.splits
    work: Workload = resolve(find("modalities", dataset.modality).workload)(dataset, splits)
    return make_plan(dataset, splits, run.profile, work, machine, goals, history(machine))


def memory_for_trials(goals: Goals, machine: Machine) -> float:
    """GB that trials may take together: what a limit leaves beside this process, or a share of what is free."""
    if goals.memory_gb is None:
        return MEMORY_SHARE * machine.memory_gb
    own = process_memory_gb()
    if goals.memory_gb - own < LEAST_GB:
        raise UserError(
            f"the memory limit of {goals.memory_gb:.2f} GB leaves no room for a model: this process alone holds "
            f"{own:.2f} GB; give a limit of {own + 2 * LEAST_GB:.1f}GB or more"
        )
    return max(goals.memory_gb - own - JUDGE_GB, LEAST_GB)


def _reserve(limit: float, test_rows: int, slower: float) -> float:
    """Seconds kept for the verdict and the report: about a second for each bootstrap of 40 million draws.

    And a little for the report to look at what drives the winner; a network takes seconds to be read back. All of it
    takes so many times longer on a machine that is `slower` (see `pace`) for others are at work on it.
    """
    seconds = 1.5 + 4e-5 * test_rows + min(LOOKED, 0.04 * limit)
    return min(min(0.15 * slower, 0.4) * limit, seconds * slower)
