"""The data path on one page: open, divide, profile, plan, climb, judge, report; and a run to look at afterwards."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from deepworth.climb.alarm import alarm
from deepworth.climb.ladder import Ladder
from deepworth.climb.model import Model
from deepworth.climb.watch import Watch
from deepworth.climb.workers import warm
from deepworth.cost.machine import measure, process_memory_gb, threads_allowed
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.decide.plan import make_plan
from deepworth.errors import UserError, nearest
from deepworth.profile.run import profile_data
from deepworth.registry import find, resolve
from deepworth.report.build import write_report
from deepworth.store import RunFolder
from deepworth.types import (
    RUNGS,
    Dataset,
    Goals,
    Kind,
    Machine,
    Modality,
    Plan,
    Profile,
    Rung,
    SourceOptions,
    TaskKind,
    Verdict,
    Workload,
)
from deepworth.verdict import judge

MORE = "nothing could be trained; give it more with --time"
MEMORY_SHARE = 0.8  # of the free memory, when no limit is given
REPORT_SECONDS = 0.5  # kept for writing the verdict and the page
LEAST_GB = 0.25  # what a worker holds before it has read a row


def fit(
    source: Any,
    target: str | None = None,
    *,
    time: str | float = "5m",
    out: str | Path | None = None,
    task: TaskKind | None = None,
    metric: str | None = None,
    group: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
    kinds: dict[str, Kind] | None = None,
    ignore: Sequence[str] = (),
    modality: Modality | None = None,
    rungs: Sequence[Rung] | None = None,
    models: Sequence[str] | None = None,
    weights: str | None = None,
    worth: float | str = 0.01,
    memory_gb: float | str | None = None,
    jobs: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
    started: float | None = None,
) -> Run:
    """Find out whether deep learning is worth it on `source`, and train the model that is.

    `source` is a path (table, folder or zip of class folders), a frame, or a Hugging Face dataset. `time` limits
    the whole call, report included ("90s", "5m", "1h" or seconds); `started` the `time.monotonic()` it counts from.
    Raises UserError for what cannot be used, NothingTrained when no model could be trained.
    """
    begin = clock.monotonic() if started is None else started
    watch = watch or Watch()
    goals = Goals(
        seconds=seconds(time),
        metric=metric,
        worth=share(worth),
        rungs=_rungs(rungs),
        models=tuple(models or ()),
        weights=weights,
        memory_gb=None if memory_gb is None else gigabytes(memory_gb),
        jobs=_whole("jobs", 1 if jobs is None else jobs, least=1),
        seed=_whole("seed", seed, least=0),
    )
    options = SourceOptions(
        target=target,
        task=task,
        kinds=kinds or {},
        ignore=tuple(ignore),
        group=group,
        time=time_column,
        split=split,
        modality=modality,
    )
    for kind, names in (("models", goals.models), ("modalities", (modality,) if modality else ())):
        for name in names:
            find(kind, name)
    run = RunFolder.new(out, _name(source))
    about = {"source": str(source) if isinstance(source, str | Path) else _name(source), "options": options}
    run.claim(about)
    warm(threads_allowed() // goals.jobs or 1)
    late = f"the limit of {goals.seconds:g} s was over before the source was read: {MORE}"
    with run.kept_if_planned(), alarm(begin + goals.seconds, late):
        opened = open_source(source, options, run.data)
        prepare(opened, goals, options, run.path)
        dataset, splits = run.dataset, run.splits
        profile = profile_data(run.path)
        run.save("profile", profile)
        watch.opened(dataset, splits, profile)
        work: Workload = resolve(find("modalities", dataset.modality).workload)(dataset, splits)
        machine = measure()
        memory = _memory_for_trials(goals, machine)
        plan = make_plan(work, machine, replace(goals, memory_gb=memory))
        run.save("plan", plan)
    run.save("run", about | {"goals": goals, "machine": machine})
    watch.planned(plan)

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


def open_run(path: str | Path) -> Run:
    """A run that was made before. Raises UserError when the folder is none."""
    return Run(RunFolder.open(path))


def predict(run: Run | str | Path, source: Any) -> pa.Table:
    """The winner's predictions for every row of `source`: `prediction`, and `p_<class>` for each class."""
    return (run if isinstance(run, Run) else open_run(run)).best.table(source)


class Run:
    """A run folder and what is in it."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def verdict(self) -> Verdict:
        return self._folder.verdict

    @property
    def best(self) -> Model:
        """The model the verdict recommends."""
        return self.model(self.verdict.winner)

    def model(self, key: str) -> Model:
        """The model of any trial that is done. Raises UserError when there is none."""
        done = [r.key for r in self.verdict.trials if r.status == "done"]
        if key not in done:
            raise UserError(f"no trained model {key!r} in {self.folder}{nearest(key, done)}")
        return Model(self._folder.trial(key) / "model")

    @property
    def plan(self) -> Plan:
        return self._folder.plan

    @property
    def dataset(self) -> Dataset:
        return self._folder.dataset

    @property
    def profile(self) -> Profile:
        return self._folder.profile

    @property
    def report(self) -> Path:
        """The page to show."""
        return self.folder / "report.html"

    def __repr__(self) -> str:
        verdict = self.verdict
        return f"<deepworth run {self.folder}: {verdict.verdict}; winner {verdict.winner}>"

    def _repr_html_(self) -> str:
        from deepworth.report.build import fragment

        return fragment(self.folder)


def seconds(text: str | float) -> float:
    """ "90s", "5m", "1.5h" or a number, as seconds. Raises UserError."""
    units = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
    return _quantity(text, units, "a time limit", "90s, 5m or 1h")


def gigabytes(text: str | float) -> float:
    """ "4GB", "500MB" or a number of GB. Raises UserError."""
    units = {"": 1, "g": 1, "gb": 1, "gib": 1.073741824, "m": 1e-3, "mb": 1e-3}
    return _quantity(text, units, "a memory limit", "4GB or 500MB")


def share(text: str | float) -> float:
    """ "1%" or 0.01. Raises UserError."""
    return _quantity(text, {"": 1, "%": 0.01}, "a least useful gain", "1% or 0.01", zero=True)


def _quantity(text: str | float, units: Mapping[str, float], what: str, example: str, zero: bool = False) -> float:
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*([a-zA-Z%]*)\s*", str(text))
    value = float(match[1]) * units.get(match[2].lower(), float("nan")) if match else float("nan")
    if not (value > 0 or (zero and value == 0)):
        raise UserError(f"{text!r} is not {what}: give something like {example}")
    return value


def _whole(name: str, value: int, least: int) -> int:
    if value < least:
        raise UserError(f"{name} is {value}: give a whole number of {least} or more")
    return value


def _rungs(wanted: Sequence[str] | None) -> tuple[Rung, ...]:
    for name in wanted or ():
        if name not in RUNGS:
            raise UserError(f"there is no rung {name!r}{nearest(name, RUNGS)}")
    return tuple(rung for rung in RUNGS if not wanted or rung in wanted)


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
