"""The data path on one page: open, divide, profile, plan, climb, judge, report; and a run to look at afterwards."""

from __future__ import annotations

import re
import tempfile
import time as clock
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, TypedDict, Unpack

import pyarrow as pa

from deepworth.climb.alarm import alarm
from deepworth.climb.ladder import Ladder
from deepworth.climb.watch import Watch
from deepworth.climb.workers import warm
from deepworth.cost.dims import is_folder, is_known
from deepworth.cost.history import history
from deepworth.cost.machine import measure, process_memory_gb, threads_allowed
from deepworth.cost.requests import answer
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.decide.hardware import reckoned
from deepworth.decide.plan import make_plan, not_ready
from deepworth.decide.rules import hours
from deepworth.errors import Unanswered, UserError, nearest
from deepworth.profile.look import look as look_into
from deepworth.profile.run import profile_data
from deepworth.quantities import gigabytes, seconds, share, whole
from deepworth.quantities import weeks as as_weeks
from deepworth.registry import find, resolve
from deepworth.report.build import write_report
from deepworth.report.svg import library as load_plots
from deepworth.run import Run, open_run
from deepworth.store import RunFolder
from deepworth.types import (
    RUNGS,
    Goals,
    Kind,
    Look,
    Machine,
    Modality,
    Plan,
    Rung,
    SourceOptions,
    Splits,
    TaskKind,
    Workload,
)
from deepworth.verdict import judge

MORE = "nothing could be trained; give it more with --time"
MEMORY_SHARE = 0.8  # of the free memory, when no limit is given
REPORT_SECONDS = 1.0  # kept for writing the verdict and the page, its plotting library loaded
LEAST_GB = 0.25  # what a worker holds before it has read a row


class About(TypedDict, total=False):
    """What a user says about a source, the same for every verb that opens one; everything left out is found."""

    task: TaskKind | None
    group: str | None  # column whose values must not be divided over the parts
    time_column: str | None  # column to split by, past to future
    split: str | None  # column that says train, valid or test
    kinds: dict[str, Kind] | None  # column -> kind, overrides what is found
    ignore: Sequence[str]
    modality: Modality | None


def fit(
    source: Any,
    target: str | None = None,
    *,
    time: str | float = "5m",
    out: str | Path | None = None,
    metric: str | None = None,
    rungs: Sequence[Rung] | None = None,
    models: Sequence[str] | None = None,
    weights: str | None = None,
    worth: float | str = 0.01,
    memory_gb: float | str | None = None,
    jobs: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
    started: float | None = None,
    **about: Unpack[About],
) -> Run:
    """Find out whether deep learning is worth it on `source`, and train the model that is.

    `source` is a path (table, folder or zip of class folders), a frame, or a Hugging Face dataset. `time` limits
    the whole call, report included ("90s", "5m", "1h" or seconds); `started` the `time.monotonic()` it counts from;
    `about` (see `About`) what is to be read otherwise than it would be found.
    Raises UserError for what cannot be used, NothingTrained when no model could be trained.
    """
    begin = clock.monotonic() if started is None else started
    watch = watch or Watch()
    goals = Goals(
        seconds=seconds(time),
        metric=metric,
        worth=share(worth),
        rungs=_rungs(rungs),
        models=_models(models),
        weights=weights,
        memory_gb=None if memory_gb is None else gigabytes(memory_gb),
        jobs=whole("jobs", 1 if jobs is None else jobs, least=1),
        seed=whole("seed", seed, least=0),
    )
    options = _options(target, **about)
    run = RunFolder.new(out, _name(source))
    claim = {"source": str(source) if isinstance(source, str | Path) else _name(source), "options": options}
    with run.alone():
        run.claim(claim)
        warm(threads_allowed() // goals.jobs or 1)
        late = f"the limit of {goals.seconds:g} s was over before the source was read: {MORE}"
        with run.kept_if_planned(), alarm(begin + goals.seconds, late):
            splits = _open(run, source, options, goals, watch)
            machine = measure()
            memory = _memory_for_trials(goals, machine)
            plan = _plan(run, machine, replace(goals, memory_gb=memory))
            run.save("plan", plan)
        run.save("run", claim | {"goals": goals, "machine": machine})
        watch.planned(plan)
        Thread(target=load_plots, daemon=True).start()  # 0.7 s, beside the first trial

        deadline = begin + goals.seconds - _reserve(goals.seconds, splits.test)
        results = Ladder(run, plan, replace(goals, memory_gb=memory), machine, deadline, watch).climb()

        limits = {
            "seconds": goals.seconds,
            "memory_gb": goals.memory_gb or memory,
            "threads": machine.threads,
            "jobs": goals.jobs,
            "worth": goals.worth,
            "seed": goals.seed,
        }
        verdict = judge(run, results, goals, limits, until=begin + goals.seconds - REPORT_SECONDS)
        verdict = replace(verdict, limits=limits | {"seconds_used": clock.monotonic() - begin})
        run.save("verdict", verdict)
        write_report(run.path)
        watch.judged(verdict)
        return Run(run)


def plan(
    source: Any,
    target: str | None = None,
    *,
    time: str | float | None = None,
    weeks: str | float | None = None,
    hardware: str = "auto",
    metric: str | None = None,
    rungs: Sequence[Rung] | None = None,
    models: Sequence[str] | None = None,
    weights: str | None = None,
    worth: float | str = 0.01,
    memory_gb: float | str | None = None,
    seed: int = 0,
    watch: Watch | None = None,
    **about: Unpack[About],
) -> Plan:
    """The four answers, the candidates and what each would cost, before anything is trained: what `fit` would follow.

    `hardware` is "auto" (what is here), "none", or accelerators by name ("T4", "2x L4"); `weeks` how long the project
    may iterate; `time` the limit of one run, else a night to a weekend by `weeks`, else 5 minutes as in `fit`. Needs no
    torch and no network. A plan that cannot be made yet says so in `not_ready`. Raises UserError for what cannot be
    used.
    """
    span = None if weeks is None else as_weeks(weeks)
    limit = seconds(time) if time is not None else seconds("5m") if span is None else 3600 * hours(span)
    goals = Goals(
        seconds=limit,
        metric=metric,
        worth=share(worth),
        rungs=_rungs(rungs),
        models=_models(models),
        weights=weights,
        memory_gb=None if memory_gb is None else gigabytes(memory_gb),
        seed=whole("seed", seed, least=0),
        weeks=span,
        hardware=hardware,
    )
    options = _options(target, **about)
    machine = measure()
    reckoned(hardware, machine)
    with tempfile.TemporaryDirectory(prefix="deepworth-plan-") as folder:
        run = RunFolder(Path(folder))
        try:
            _open(run, source, options, goals, watch or Watch())
        except Unanswered as error:
            return not_ready(error, machine, goals)
        here = hardware == "auto" and goals.memory_gb is None
        return _plan(run, machine, replace(goals, memory_gb=_memory_for_trials(goals, machine)) if here else goals)


def look(source: Any, target: str | None = None, **about: Unpack[About]) -> Look:
    """What is in a source, column by column, and what looks wrong; more of it can be told with a target."""
    options = _options(target, **about)
    with tempfile.TemporaryDirectory(prefix="deepworth-look-") as folder:
        return look_into(source, options, Path(folder))


def estimate(model: Any, *, example: Callable[[int], tuple[Any, ...]] | None = None, **request: Any) -> dict[str, Any]:
    """Peak memory, time and money of one step of a model, on hardware that need not be here, as 90 % intervals.

    `model` is a name ("llama-3.1-8b", "resnet50"), a folder with a `config.json`, a whole request (a mapping with the
    fields of `deepworth estimate --requests`), or a `torch.nn.Module` with `example(n)`, which makes its inputs of n
    items. `request` holds further fields: hardware, method, seq_len, batch, ... The answer has `error` where a name is
    not known.
    """
    if isinstance(model, Mapping):
        return answer({**model, **request})
    if isinstance(model, str | Path):
        name = str(model)
        kind = "llm" if is_folder(name) or is_known(name) else "vision"
        return answer({"kind": kind, "model": name, **request})
    if example is None:
        raise UserError("a module is traced on inputs: give example=lambda n: (torch.zeros(n, ...),)")
    from deepworth.cost import _module  # the only verb that needs torch

    return _module.answer(model, example, **request)


def _options(
    target: str | None,
    *,
    task: TaskKind | None = None,
    group: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
    kinds: dict[str, Kind] | None = None,
    ignore: Sequence[str] = (),
    modality: Modality | None = None,
) -> SourceOptions:
    """The record of what `About` says. Raises UserError for a modality that does not exist, before anything is read."""
    if modality:
        find("modalities", modality)
    return SourceOptions(
        target=target,
        task=task,
        kinds=kinds or {},
        ignore=tuple(ignore),
        group=group,
        time=time_column,
        split=split,
        modality=modality,
    )


def _open(run: RunFolder, source: Any, options: SourceOptions, goals: Goals, watch: Watch) -> Splits:
    """Open, divide and profile a source into a run folder."""
    opened = open_source(source, options, run.data)
    prepare(opened, goals, options, run.path)
    profile = profile_data(run.path)
    run.save("profile", profile)
    watch.opened(run.dataset, run.splits, profile)
    return run.splits


def _plan(run: RunFolder, machine: Machine, goals: Goals) -> Plan:
    """The plan for what lies in a run folder."""
    dataset, splits = run.dataset, run.splits
    work: Workload = resolve(find("modalities", dataset.modality).workload)(dataset, splits)
    return make_plan(dataset, splits, run.profile, work, machine, goals, history(machine))


def predict(run: Run | str | Path, source: Any) -> pa.Table:
    """The winner's predictions for every row of `source`: `prediction`, and `p_<class>` for each class.

    Rows that cannot be predicted have nulls, and a column `refused` says why. Warns (errors.PredictionWarning) of rows
    that differ from those the model learned from. Raises UserError for a source that lacks a column, or holds something
    else in it; see `Model.predict` for what is done with what differs.
    """
    return (run if isinstance(run, Run) else open_run(run)).best.table(source)


def _rungs(wanted: Sequence[str] | None) -> tuple[Rung, ...]:
    for name in wanted or ():
        if name not in RUNGS:
            raise UserError(f"there is no rung {name!r}{nearest(name, RUNGS)}")
    return tuple(rung for rung in RUNGS if not wanted or rung in wanted)


def _models(wanted: Sequence[str] | None) -> tuple[str, ...]:
    for name in wanted or ():
        find("models", name)
    return tuple(wanted or ())


def _name(source: Any) -> str:
    """A short name for the run folder."""
    if not isinstance(source, str | Path):
        return type(source).__name__.lower()
    path = Path(str(source).partition("::")[0])
    name = path.stem if path.suffix else path.name
    if name in ("data", "images", "audio", "train", "labels"):
        with suppress(OSError):
            name = path.resolve().parent.name or name
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name) or "run"


def _memory_for_trials(goals: Goals, machine: Machine) -> float:
    """GB that trials may take together: what a limit leaves beside this process, or a share of what is free."""
    if goals.memory_gb is None:
        return MEMORY_SHARE * machine.memory_gb
    own = process_memory_gb()
    if goals.memory_gb - own < LEAST_GB:
        raise UserError(
            f"the memory limit of {goals.memory_gb:.2f} GB leaves no room for a model: this process alone holds "
            f"{own:.2f} GB; give a limit of {own + 2 * LEAST_GB:.1f}GB or more"
        )
    return goals.memory_gb - own


def _reserve(limit: float, test_rows: int) -> float:
    """Seconds kept for the verdict and the report: about a second for each bootstrap of 40 million draws."""
    return min(0.15 * limit, 1.5 + 4e-5 * test_rows)
