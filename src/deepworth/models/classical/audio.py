"""Audio by hand: statistics of MFCC and their deltas with a linear model or trees."""

from __future__ import annotations

from typing import Any

from deepworth.models._head_cost import linear_seconds, trees_seconds
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Range, Workload

WIDTH = 396  # features
CLIP_MS, SECOND_MS = 1.2, 0.95  # to decode and describe a clip, and a second of it, on one thread


def describe_seconds(workload: Workload, machine: Machine) -> float:
    """Seconds to decode and describe every row."""
    return workload.rows * 1e-3 * (CLIP_MS + SECOND_MS * min(workload.clip_seconds, 30.0)) / machine.threads


def peak_gb(workload: Workload) -> Range:
    chunks = 3 * 32 * min(workload.clip_seconds, 30.0) * 22_050 * 4
    return Range.around(0.35 + 1e-9 * (3 * 4 * WIDTH * workload.rows + chunks), 2.0)


def cost_linear(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    head = linear_seconds(workload.train, WIDTH, max(workload.classes, 1), workload.task, machine)
    seconds = 1.0 + describe_seconds(workload, machine) + head
    return Estimate(seconds=Range.around(seconds, 3.0), peak_gb=peak_gb(workload), basis="rows, seconds and classes")


def cost_trees(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    head = trees_seconds(workload.train, WIDTH, max(workload.classes, 1), workload.task, machine)
    describe = describe_seconds(workload, machine)  # done already, unless the linear model has not run
    likely, high = 0.5 + head + 0.1 * describe, 3 * (0.5 + head + describe)
    return Estimate(
        seconds=Range(low=(0.5 + head) / 3, likely=likely, high=high),
        peak_gb=peak_gb(workload),
        basis="rows, seconds and classes",
    )


SPECS = [
    ModelSpec(
        name="mfcc-linear",
        summary="statistics of MFCC and deltas + softmax or ridge regression",
        rung="classical",
        modalities=("audio",),
        learner="deepworth.models.classical._audio:MfccLinear",
        cost=f"{__name__}:cost_linear",
        order=10,
    ),
    ModelSpec(
        name="mfcc-trees",
        summary="statistics of MFCC and deltas + boosted trees",
        rung="classical",
        modalities=("audio",),
        learner="deepworth.models.classical._audio:MfccTrees",
        cost=f"{__name__}:cost_trees",
        order=20,
    ),
]
