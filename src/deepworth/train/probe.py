"""Rows at once by counting, precision, threads and compilation by timing a few real steps that leave no trace."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch

from deepworth.train.batches import Batches
from deepworth.train.loop import train
from deepworth.train.memory import fitting
from deepworth.train.options import Moment, Observer, Options, Outcome
from deepworth.train.recipe import Recipe
from deepworth.train.runtime import LocalRuntime, Precision, out_of_memory

STEPS = 9  # timed per setting, fewer where time is short
GAIN = 1.15  # how much faster a setting must be to replace the one before: less is noise, and noise changes results
COMPILE_WORTH = 600.0  # seconds of training from which compiling (20 to 80 s on a CPU) can pay
COUNTED = 2  # rows whose activations are counted


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a net is trained fastest on this machine."""

    precision: Precision = "fp32"
    threads: int = 1
    compile: bool = False
    micro_batch: int = 0  # rows at once that fitted into memory
    recompute: bool = False  # whether layers are computed twice to save memory
    step_seconds: float = 0.0
    tried: tuple[tuple[str, float], ...] = ()  # each setting and its seconds a step
    remark: str = ""  # what could not be tried

    def __str__(self) -> str:
        more = (", compiled" if self.compile else "") + (", activations recomputed" if self.recompute else "")
        return f"{self.precision}, {self.threads} threads{more}"


class _Stopwatch:
    def __init__(self) -> None:
        self.laps: list[float] = []
        self.last = time.monotonic()

    def see(self, moment: Moment) -> None:
        now = time.monotonic()
        if moment.score is None:
            self.laps.append(now - self.last)
        self.last = now


def probe(
    recipe: Recipe,
    batches: Batches,
    options: Options,
    *,
    device: torch.device,
    threads: int,
    precisions: Sequence[Precision] = ("fp32",),
    compilable: bool = False,
    seconds: float = 5.0,
    free: float = math.inf,
) -> Choice:
    """The fastest way to train `recipe`: the first of `precisions` on all threads, unless another is clearly faster.

    Each setting trains a few steps by the loop itself; weights and random state are then as before. A challenger gets
    no more time than the fastest so far took, so a bad one costs little; all together get about `seconds`. Compiling is
    tried where the training is long enough to pay for it, with `options.deadline` in mind, and no memory must be saved.
    `free` are the bytes that activations may take.
    """
    before = {name: tensor.detach().clone() for name, tensor in recipe.module.state_dict().items()}

    def timed(choice: Choice, allowed: float) -> Choice:
        torch.set_num_threads(choice.threads)
        runtime = LocalRuntime(device, choice.precision, choice.compile)
        begun = time.monotonic()
        first = _steps(recipe, batches, options, runtime, 1, ())  # fills caches, compiles, finds the rows that fit
        seconds, watch = time.monotonic() - begun, _Stopwatch()
        if seconds < allowed:
            found = replace(options, micro_batch=first.micro_batch, recompute=first.recompute)
            until = replace(found, deadline=begun + allowed)
            _steps(recipe, batches, until, runtime, STEPS + 2, (watch,))
        recipe.module.load_state_dict(before)
        return replace(
            choice,
            step_seconds=median(watch.laps[1:] or [seconds]),
            micro_batch=first.micro_batch,
            recompute=first.recompute,
        )

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        if math.isfinite(free):
            options = _in_memory(recipe, batches, options, device, free)
        _steps(recipe, batches, options, LocalRuntime(device), 1, ())  # the first step of a process imports for seconds
        end = time.monotonic() + seconds
        best = timed(Choice(precision=precisions[0], threads=threads), seconds / 2)
        tried = [(str(best), best.step_seconds)]
        challengers = [replace(best, threads=1)] if threads > 1 and device.type == "cpu" else []
        challengers += [replace(best, precision=precision) for precision in precisions[1:]]
        for challenger in challengers:
            allowed = min(end - time.monotonic(), 2 + best.step_seconds * (STEPS + 2))
            result = timed(challenger, allowed)
            tried.append((str(result), result.step_seconds))
            best = result if result.step_seconds * GAIN < best.step_seconds else best
        training = min(best.step_seconds * options.epochs * len(batches), options.deadline - time.monotonic())
        if compilable and training > COMPILE_WORTH and not best.recompute:
            try:
                result = timed(replace(best, compile=True), 120.0)
                tried.append((str(result), result.step_seconds))
                best = result if result.step_seconds * GAIN < best.step_seconds else best
            except RuntimeError as error:  # torch's own class for a compiler that is missing or fails derives from it
                if out_of_memory(error):
                    raise
                recipe.module.load_state_dict(before)
                best = replace(best, remark=f"not compiled: {str(error).splitlines()[0]}")
            if not best.compile:
                torch.compiler.reset()
    torch.set_num_threads(best.threads)
    return replace(best, tried=tuple(tried))


def _in_memory(recipe: Recipe, batches: Batches, options: Options, device: torch.device, free: float) -> Options:
    """The options with the rows at once, and the recomputing, that `free` bytes ask for, every group thawed."""
    recipe.module.to(device).train()
    recipe.advance(recipe.make_optimizer(), 1.0)
    (batch,) = batches.read([batches.largest(COUNTED)])
    most = options.micro_batch or batches.batch_size
    micro_batch, recompute = fitting(recipe, batch, min(COUNTED, batches.rows), most, free)
    return replace(options, micro_batch=micro_batch, recompute=recompute)


def _steps(
    recipe: Recipe, batches: Batches, options: Options, runtime: LocalRuntime, count: int, watch: Sequence[Observer]
) -> Outcome:
    """A few steps of the loop, every one of them shown."""
    brief = replace(options, epochs=count / len(batches), evaluate_every=10**9, report_seconds=-1.0)
    return train(recipe, batches, lambda module: 0.0, brief, runtime, watch=watch)
