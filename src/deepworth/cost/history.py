"""What trials took on this machine beside what was estimated, and what the next estimates learn from it."""

from __future__ import annotations

import functools
import math
import os
import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from deepworth.data.cache import cache_folder
from deepworth.types import Estimate, Machine, Range, TrialResult, Workload, dump, record

FILE, OLDER = "actuals.jsonl", "actuals.older.jsonl"
MOST_BYTES = 500_000  # of each of the two files: about 1,500 trials
DOUBT = 0.5  # trials that the likely value before counts for
DOUBT_SPREAD = 3.0  # ... and its interval
NORMAL_90 = 1.645 * 1.4826  # half a 90 % interval in median absolute deviations, for normal logarithms
LEAST_SPREAD = 1.3  # no interval is narrower than likely times and over this
FADES = 20  # newer trials after which one counts half: the load of a machine changes
UNSURE = 0.3  # seconds of any trial that are noise
LEAST_GB = 0.01


@record
class Actual:
    """What one trial took, beside the estimate of its cost formula, before any correction."""

    model: str
    machine: str
    data: str  # fingerprint of the data set
    train: int  # rows
    estimated_seconds: float
    seconds: float
    estimated_gb: float
    peak_gb: float
    cut: bool = False  # the clock ended it: it would have taken at least so long
    at: float = 0.0  # Unix time


@dataclass(frozen=True)
class Correction:
    """Factor on a formula's likely value, and the factor that spans a 90 % interval around the product."""

    factor: float
    spread: float
    trials: int  # it rests on


def machine_key(machine: Machine) -> str:
    """What makes actuals comparable: the processor, the threads, the accelerator, and what versions fit on it."""
    from deepworth import __version__

    return "|".join((_processor(), str(machine.threads), machine.accelerator, __version__))


@functools.cache
def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else ()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def actual(result: TrialResult, machine: Machine, data: str, train: int) -> Actual | None:
    """The record of a trial that came to its end; None for one that did not, or whose cost was not estimated."""
    estimate = result.estimate
    if result.status != "done" or estimate is None or min(estimate.seconds.likely, result.seconds) <= 0:
        return None
    return Actual(
        model=result.model,
        machine=machine_key(machine),
        data=data,
        train=train,
        estimated_seconds=estimate.seconds.likely / estimate.corrected[0],
        seconds=result.seconds,
        estimated_gb=estimate.peak_gb.likely / estimate.corrected[1],
        peak_gb=result.peak_gb,
        cut="cut" in result.notes,
        at=time.time(),
    )


def keep(one: Actual, folder: Path | None = None) -> None:
    """Add a record to the history in the cache folder; where that cannot be written, the run goes on without.

    One write of one line in append mode, so two processes at once do not mix their lines. A full file becomes the
    older one, and the older one goes.
    """
    place = folder or cache_folder()
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        path = place / FILE
        if path.exists() and path.stat().st_size > MOST_BYTES:
            path.replace(place / OLDER)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, dump(one) + b"\n")
        finally:
            os.close(handle)


def history(machine: Machine, folder: Path | None = None) -> tuple[Actual, ...]:
    """What is kept of trials on a machine like this one, the oldest first. Lines that were torn off are passed over."""
    place, key, found = folder or cache_folder(), machine_key(machine), []
    for name in (OLDER, FILE):
        with suppress(OSError):
            for line in (place / name).read_bytes().splitlines():
                with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                    found.append(msgspec.json.decode(line, type=Actual))
    return tuple(one for one in found if one.machine == key)


def corrected(model: str, estimate: Estimate, work: Workload, past: Sequence[Actual]) -> Estimate:
    """`estimate`, straight from the cost formula, corrected by what the model and the others took here before.

    What makes one model slower than its formula, a busy machine, makes others slower too: the seconds of a model start
    from those of the others. Memory does not.
    """
    trials = first_of_each(past)
    if estimate.seconds.likely <= 0 or not trials:
        return estimate
    own = [one for one in trials if one.model == model]
    width = estimate.seconds.high / estimate.seconds.likely
    fresh = {id(one): 0.5 ** (newer / FADES) for newer, one in enumerate(reversed(trials))}
    others = _of_seconds([one for one in trials if one.model != model], work, width, fresh)
    seconds = _of_seconds(own, work, width, fresh, start=math.log(others.factor))
    if not seconds.trials + others.trials:
        return estimate
    gb = correction(
        [math.log(max(one.peak_gb, LEAST_GB) / max(one.estimated_gb, LEAST_GB)) for one in own],
        [_nearness(one, work) for one in own],
        [False] * len(own),
        estimate.peak_gb.high / estimate.peak_gb.likely,
    )
    counted = seconds.trials or others.trials
    told = ("a trial" if counted == 1 else f"{counted} trials") + ("" if seconds.trials else " of other models")
    return replace(
        estimate,
        seconds=_applied(estimate.seconds, seconds),
        least=None if estimate.least is None else estimate.least * seconds.factor,
        peak_gb=_applied(estimate.peak_gb, gb),
        basis=f"{estimate.basis}, corrected by {told} here",
        corrected=(seconds.factor, gb.factor),
    )


def _of_seconds(
    trials: Sequence[Actual], work: Workload, width: float, fresh: Mapping[int, float], start: float = 0.0
) -> Correction:
    return correction(
        [math.log((one.seconds + UNSURE) / (one.estimated_seconds + UNSURE)) for one in trials],
        [
            fresh[id(one)] * _nearness(one, work) * one.estimated_seconds / (one.estimated_seconds + UNSURE)
            for one in trials
        ],
        [one.cut for one in trials],
        width,
        start,
    )


def first_of_each(past: Iterable[Actual]) -> list[Actual]:
    """The first trial of each model on each size of each data set: later ones may find features that it had to make."""
    found: dict[tuple[str, str, int], Actual] = {}
    for one in past:
        found.setdefault((one.model, one.data, one.train), one)
    return list(found.values())


def correction(
    logs: Sequence[float], weights: Sequence[float], cut: Sequence[bool], width: float, start: float = 0.0
) -> Correction:
    """What `logs`, the logarithms of actual over estimate, say of the next estimate.

    The factor is their weighted median, drawn towards exp(`start`) as if that had been right DOUBT times. Of a trial
    that was `cut` the logarithm is a lower bound: it takes part where it lies above the median of the others (above
    `start` where there are none). `width` is high over likely of the formula.
    """
    seen = list(zip(logs, weights, cut, strict=True))
    whole = [(x, w) for x, w, short in seen if not short]
    middle = _median(whole) if whole else start
    known = whole + [(x, w) for x, w, short in seen if short and x > middle]
    if not known:
        return Correction(math.exp(start), max(width, 1.0), 0)
    weight = sum(w for _, w in known)
    about = (_median(known) * weight + start * DOUBT) / (weight + DOUBT)
    apart = NORMAL_90 * _median([(abs(x - about), w) for x, w in known])
    spread = (weight * apart + DOUBT_SPREAD * math.log(max(width, 1.0))) / (weight + DOUBT_SPREAD)
    return Correction(math.exp(about), math.exp(max(spread, math.log(LEAST_SPREAD))), len(known))


def _median(weighted: Sequence[tuple[float, float]]) -> float:
    """The value below and above which half the weight lies."""
    ordered, half, so_far = sorted(weighted), sum(w for _, w in weighted) / 2, 0.0
    for at, (value, weight) in enumerate(ordered):
        so_far += weight
        if math.isclose(so_far, half) and at + 1 < len(ordered):
            return statistics.fmean((value, ordered[at + 1][0]))
        if so_far > half:
            return value
    return ordered[-1][0]


def _nearness(one: Actual, work: Workload) -> float:
    """1 for data of the same size, a half at 10 times or a tenth of the rows."""
    return 1.0 / (1.0 + abs(math.log10(max(one.train, 1) / max(work.train, 1))))


def _applied(formula: Range, found: Correction) -> Range:
    """What the formula says about ending early (low further off than high) stays."""
    likely = formula.likely * found.factor
    early = max(formula.likely**2 / (formula.low * formula.high), 1.0) if formula.low > 0 else 1.0
    return Range(low=likely / (found.spread * early), likely=likely, high=likely * found.spread)
