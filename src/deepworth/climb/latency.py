"""How long a trained model takes for single rows and for small batches, and the memory its process holds meanwhile."""

from __future__ import annotations

import math
import time
from statistics import median

import numpy as np
import psutil

from deepworth.data.examples import Examples
from deepworth.models.learner import Learner
from deepworth.types import record

BATCH = 32
SHARE, LEAST_SECONDS, SECONDS = 0.05, 0.05, 0.3  # of the fit, at least and at most: spent on each of the two
LEAST = 3  # timings: fewer are not told


@record
class Latency:
    """Milliseconds a prediction, 0 where there was no time to measure; GB resident, with what the fit still holds."""

    ms_1: float = 0.0
    ms_32: float = 0.0
    predict_gb: float = 0.0


def latency(learner: Learner, examples: Examples, until: float, fitted: float = math.inf) -> Latency:
    """Medians over rows of `examples`, each read and decoded anew, as far as there is time.

    The learner loses its feature cache: what it computed for these rows before would make a network look free.
    `until` is of `time.monotonic()`; rows, and then batches, take a share of the `fitted` seconds of the fit.
    """
    if getattr(learner, "cache", None) is not None:
        learner.cache = None  # type: ignore[attr-defined]  # a learner that keeps features has it
    if not len(examples):
        return Latency()
    order = np.random.default_rng(0).permutation(len(examples))
    enough = min(max(SHARE * fitted, LEAST_SECONDS), SECONDS)
    process, held = psutil.Process(), [0.0]

    def timed(size: int, first: float) -> float:
        """The median seconds of a prediction of so many rows, the first taking `first`; 0 where there is no room."""
        taken: list[float] = []
        start, position = time.monotonic(), 0
        while len(taken) <= LEAST or time.monotonic() - start < enough:
            needed = max(LEAST + 1 - len(taken), 1) * taken[-1] if taken else first
            if time.monotonic() + needed > until:
                break
            rows = examples.take(np.take(order, range(position, position + size), mode="wrap"))
            began = time.perf_counter()
            learner.predict(rows)
            taken.append(time.perf_counter() - began)
            position += size
            held.append(process.memory_info().rss / 1e9)
        return median(taken[1:]) if len(taken) > LEAST else 0.0

    one = timed(1, 0.0)
    many = timed(BATCH, BATCH * one) if one else 0.0
    return Latency(ms_1=1e3 * one, ms_32=1e3 * many / BATCH, predict_gb=max(held))
