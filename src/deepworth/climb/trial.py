"""Runs one trial in this process: fit, predict on validation and test rows, save the model; scores nothing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepworth.climb.latency import Latency, latency
from deepworth.data.drift import describe
from deepworth.data.examples import Examples
from deepworth.data.media import unreadable_files
from deepworth.errors import OutOfTime
from deepworth.models.learner import Context
from deepworth.registry import build, find
from deepworth.store import LOCK, taken, write, write_array
from deepworth.types import Trial, dump, load, record

LATENCY_SHARE, LATENCY_SECONDS = 0.02, 1.5  # of the time, and at most: kept back to time single predictions
VERSIONED = ("deepworth", "numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "torch", "transformers", "timm")


@record
class TrialRequest:
    """What a worker needs to run one trial; the trial itself lies in its folder."""

    run: str  # the run folder
    key: str
    cache: str
    deadline: float  # when predictions included it should be done, by `time.monotonic()`: one clock for a whole machine
    threads: int
    memory_gb: float
    metric: str
    weights: str | None = None
    latency: bool = True  # whether single predictions are timed: of a trial, not of its repeats


@record
class TrialReply:
    """What one trial gave. `error` and `kind` are empty when it went well."""

    key: str
    seconds_fit: float = 0.0
    ms_predict: float = 0.0
    ms_1: float = 0.0
    ms_32: float = 0.0
    predict_gb: float = 0.0
    seconds_timing: float = 0.0  # went into timing predictions: no cost of the trial
    peak_gb: float = 0.0
    artefact_mb: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)
    kind: str = ""  # name of the exception
    error: str = ""


def run_trial(request: TrialRequest, tell: Callable[[float, str], None]) -> TrialReply:
    """Fit the model of the trial and leave `predictions_{valid,test}.npy` and `model/` in its folder."""
    folder = Path(request.run) / "trials" / request.key
    with taken(folder / LOCK, request.deadline) as alone:  # a worker whose parent was killed may not have ended yet
        if not alone:
            raise OutOfTime("another process is at work in the folder of this trial")
        with unreadable_files() as broken:  # of all parts: a learner counts those it learns from
            reply = _run_trial(request, folder, tell)
    return replace(reply, notes=reply.notes | ({"broken": len(broken)} if broken else {}))


def _run_trial(request: TrialRequest, folder: Path, tell: Callable[[float, str], None]) -> TrialReply:
    start = time.monotonic()
    run = Path(request.run)
    trial = load(Trial, folder / "trial.json")
    train, valid, test = (Examples.open(run, part) for part in ("train", "valid", "test"))
    kept_back = min(LATENCY_SECONDS, LATENCY_SHARE * (request.deadline - start)) if request.latency else 0.0
    context = Context(
        folder=folder,
        cache=Path(request.cache),
        seed=trial.seed,
        threads=request.threads,
        memory_gb=request.memory_gb,
        deadline=request.deadline - kept_back,
        predict_rows=len(test),
        metric=request.metric,
        weights=request.weights,
        tell=tell,
    )
    spec = find("models", trial.model)
    learner = build(spec)(trial.task, train.dataset.feature_columns, trial.params)
    learner.fit(train, valid, context)
    fitted = time.monotonic()
    tell(0.95, "predicting")
    write_array(folder / "predictions_valid.npy", _checked(learner.predict(valid), valid, trial))
    predicting = time.monotonic()
    write_array(folder / "predictions_test.npy", _checked(learner.predict(test), test, trial))
    ms_predict = (time.monotonic() - predicting) * 1000 / max(1, len(test))
    dump(context.notes)  # what is no JSON value fails the trial here, not the worker when it replies
    size = save_model(learner, train, trial, folder / "model", context.notes)
    saved = time.monotonic()
    found = latency(learner, test, request.deadline, fitted - start) if request.latency else Latency()
    shutil.rmtree(context.midway, ignore_errors=True)
    return TrialReply(
        key=request.key,
        seconds_fit=fitted - start,
        ms_predict=ms_predict,
        ms_1=found.ms_1,
        ms_32=found.ms_32,
        predict_gb=found.predict_gb,
        seconds_timing=time.monotonic() - saved,
        artefact_mb=size,
        notes=context.notes,
    )


def _checked(predictions: np.ndarray, examples: Examples, trial: Trial) -> np.ndarray:
    """The predictions, if they have the promised shape and are finite. Raises ValueError."""
    classes = len(trial.task.classes)
    shape = (len(examples), classes) if classes else (len(examples),)
    if predictions.shape != shape:
        raise ValueError(f"{trial.model} predicted an array of shape {predictions.shape}, expected {shape}")
    if not np.isfinite(predictions).all():
        raise ValueError(f"{trial.model} predicted {int((~np.isfinite(predictions)).sum())} values that are not finite")
    return predictions.astype(np.float64)


def save_model(learner: Any, train: Examples, trial: Trial, folder: Path, notes: dict[str, Any]) -> float:
    """Write the model folder in one step and return its size in MB."""
    for leftover in folder.parent.glob(f".{folder.name}.*"):  # of an attempt that was killed here
        shutil.rmtree(leftover)
    half = folder.with_name(f".{folder.name}.{os.getpid()}")
    half.mkdir(parents=True)
    learner.save(half)
    if (half / "model.json").exists():
        raise ValueError(f"{trial.model} saves a model.json: that is the name of what describes a model")
    manifest = {
        "model": trial.model,
        "dataset": train.dataset,
        "licence": notes.get("licence", "that of your data"),
        "versions": _versions(),
        "files": checksums(half),
        "seen": describe(train),
    }
    write(half / "model.json", dump(manifest))
    if folder.exists():
        shutil.rmtree(folder)  # of an attempt that did not come to its end: a trial that did is not run again
    half.rename(folder)
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by the name of every file below a model folder, but hidden ones and its `model.json`."""
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())
    found = {}
    for name in names:
        if name != "model.json" and not name.rpartition("/")[2].startswith("."):
            with (folder / name).open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _versions() -> dict[str, str]:
    found = {}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
