"""What can be asked, in Python and on the command line: fit, resume, plan, estimate, predict."""

from __future__ import annotations

import os
import re
import tempfile
import time as clock
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from deepworth.climb.watch import Watch
from deepworth.cost import rows
from deepworth.cost.dims import is_folder, is_known
from deepworth.cost.machine import measure
from deepworth.cost.requests import answer
from deepworth.course import carry_out, memory_for_trials, plan_of
from deepworth.data.about import About, source_options
from deepworth.decide.hardware import reckoned
from deepworth.decide.plan import not_ready
from deepworth.decide.rules import hours
from deepworth.errors import Unanswered, UserError, nearest
from deepworth.metrics.threshold import parse
from deepworth.profile.prepared import prepare_run, prepared
from deepworth.quantities import gigabytes, names, seconds, share, whole
from deepworth.quantities import weeks as as_weeks
from deepworth.registry import find
from deepworth.run import Run, open_run
from deepworth.store import Claim, RunFolder
from deepworth.types import (
    RUNGS,
    Goals,
    Plan,
    Rung,
)


def fit(
    source: Any,
    target: str | None = None,
    *,
    time: str | float = "5m",
    out: str | Path | None = None,
    metric: str | None = None,
    threshold: str | None = None,
    rungs: Sequence[Rung] | str | None = None,
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
    `about` (see `About`) what is to be read otherwise than it would be found; `threshold`, for two classes, what the
    probability from which the second is said is chosen for on validation rows: "f1", "balanced_accuracy",
    "precision=0.9", "recall=0.9", or "cost=1:5" of a false alarm and a miss.
    Raises UserError for what cannot be used, NothingTrained when no model could be trained.
    """
    begin = clock.monotonic() if started is None else started
    goals = Goals(
        seconds=seconds(time),
        metric=metric,
        threshold=_threshold(threshold),
        worth=share(worth),
        rungs=_rungs(rungs),
        models=_models(models),
        weights=weights,
        memory_gb=None if memory_gb is None else gigabytes(memory_gb),
        jobs=whole("jobs", 1 if jobs is None else jobs, least=1),
        seed=whole("seed", seed, least=0),
    )
    claim = Claim(
        source=_absolute(source) if isinstance(source, str | Path) else _name(source),
        options=source_options(target, **about),
        goals=goals,
        in_memory=not isinstance(source, str | Path),
    )
    return _told(carry_out(RunFolder.new(out, _name(source)), source, claim, watch or Watch(), begin), watch)


def resume(run: Run | str | Path, *, watch: Watch | None = None, started: float | None = None) -> Run:
    """Go on with a run that was killed, interrupted or cut off by a full disk, by what its folder says alone.

    What was read is not read again, trials that ended are not repeated, and a network goes on from its last checkpoint.
    Its time limit counts what it had used when its last trial ended. A run that has its verdict is left as it is,
    unless Ctrl-C ended it early. Raises UserError for a folder that is no run or at work, and where the source is not
    what it was.
    """
    begin = clock.monotonic() if started is None else started
    folder = RunFolder.open(run.folder if isinstance(run, Run) else run)
    claim = folder.claimed
    if claim.in_memory and prepared(folder) is None:
        raise UserError(
            f"{folder.path} was begun with a {claim.source} in memory and had not read it all: call fit() with it again"
        )
    return _told(carry_out(folder, None if claim.in_memory else claim.source, claim, watch or Watch(), begin), watch)


def _told(run: Run, watch: Watch | None) -> Run:
    """The run; where nobody watched who would say it, with a warning that its page could not be made."""
    if run.no_page and watch is None:
        warnings.warn(run.no_page, stacklevel=3)  # at the call of the verb
    return run


def plan(
    source: Any,
    target: str | None = None,
    *,
    time: str | float | None = None,
    weeks: str | float | None = None,
    hardware: str = "auto",
    metric: str | None = None,
    rungs: Sequence[Rung] | str | None = None,
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
        told=time is not None or span is not None,
        hardware=hardware,
    )
    options = source_options(target, **about)
    machine = measure()
    reckoned(hardware, machine)
    with tempfile.TemporaryDirectory(prefix="deepworth-plan-") as folder:
        run = RunFolder(Path(folder))
        try:
            prepare_run(run, source, options, goals)
        except Unanswered as error:
            return not_ready(error, machine, goals)
        (watch or Watch()).opened(run.dataset, run.splits, run.profile)
        here = hardware == "auto" and goals.memory_gb is None
        return plan_of(run, machine, replace(goals, memory_gb=memory_for_trials(goals, machine)) if here else goals)


def estimate(model: Any, *, example: Callable[[int], tuple[Any, ...]] | None = None, **request: Any) -> dict[str, Any]:
    """Peak memory, time and money of one step of a model, on hardware that need not be here, as 90 % intervals.

    `model` is a name ("llama-3.1-8b", "resnet50", "lightgbm"), a folder with a `config.json`, a whole request (with the
    fields of `deepworth estimate --requests`), or a `torch.nn.Module` with `example(n)`, which makes its inputs of n
    items. `request` holds further fields: hardware, method, seq_len, batch, ... The answer has `error` where a name is
    not known.
    """
    if isinstance(model, Mapping):
        return answer({**model, **request})
    if isinstance(model, str | Path):
        name = str(model)
        kind = "llm" if is_folder(name) or is_known(name) else "table" if rows.is_known(name) else "vision"
        return answer({"kind": kind, "model": name, **request})
    if example is None:
        raise UserError("a module is traced on inputs: give example=lambda n: (torch.zeros(n, ...),)")
    from deepworth.cost import _module  # the only verb that needs torch

    return _module.answer(model, example, **request)


def predict(run: Run | str | Path, source: Any) -> pa.Table:
    """The winner's predictions for every row of `source`: `prediction`, and `p_<class>` for each class.

    Rows that cannot be predicted have nulls, and a column `refused` says why; where rows are the files of a folder or
    an archive, the first column `file` names them. Warns (errors.PredictionWarning) of rows that differ from those the
    model learned from. Raises UserError for a source that lacks a column, or holds something else in it; see
    `Model.predict` for what is done with what differs.
    """
    return (run if isinstance(run, Run) else open_run(run)).best.table(source)


def _rungs(given: Sequence[str] | None) -> tuple[Rung, ...]:
    wanted = names(given)
    for name in wanted:
        if name not in RUNGS:
            raise UserError(f"there is no rung {name!r}{nearest(name, RUNGS)}")
    return tuple(rung for rung in RUNGS if not wanted or rung in wanted)


def _threshold(asked: str | None) -> str | None:
    if asked is not None:
        parse(asked)
    return asked


def _models(given: Sequence[str] | None) -> tuple[str, ...]:
    wanted = names(given)
    for name in wanted:
        find("models", name)
    return wanted


def _absolute(source: str | Path) -> str:
    """The source as it is called from any folder; what is no path that exists, the id of a hub, stays."""
    file, _, inside = str(source).partition("::")
    path = Path(file).expanduser()
    return str(path.absolute()) + (f"::{inside}" if inside else "") if os.path.exists(path) else str(source)


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
