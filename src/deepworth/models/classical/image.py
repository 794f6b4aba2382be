"""Images by hand: HOG, Gabor and colour features with a linear model or trees."""

from __future__ import annotations

from typing import Any

from deepworth.models._head_cost import linear_seconds, trees_seconds
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Range, Workload

WIDTH = 2264  # features
SMALL_PIXELS, SMALL_MS, LARGE_MS = 48 * 48, 0.9, 2.2  # describing one image, on one thread
FILE_MS, PIXEL_NS = 0.3, 8.0  # reading one file


def describe_seconds(workload: Workload, machine: Machine) -> float:
    """Seconds to decode and describe every row."""
    describe = SMALL_MS if workload.pixels <= SMALL_PIXELS else LARGE_MS
    return workload.rows * (1e-3 * (describe + FILE_MS) + 1e-9 * PIXEL_NS * workload.pixels) / machine.threads


def peak_gb(workload: Workload) -> Range:
    return Range.around(0.4 + 3e-9 * 4 * WIDTH * workload.rows, 2.0)


def cost_linear(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    head = linear_seconds(workload.train, WIDTH, max(workload.classes, 1), workload.task, machine)
    seconds = 1.0 + describe_seconds(workload, machine) + head
    return Estimate(seconds=Range.around(seconds, 3.0), peak_gb=peak_gb(workload), basis="rows, pixels and classes")


def cost_trees(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    head = trees_seconds(workload.train, WIDTH, max(workload.classes, 1), workload.task, machine)
    describe = describe_seconds(workload, machine)  # done already, unless the linear model has not run
    likely, high = 0.5 + head + 0.1 * describe, 3 * (0.5 + head + describe)
    return Estimate(
        seconds=Range(low=(0.5 + head) / 3, likely=likely, high=high),
        peak_gb=peak_gb(workload),
        basis="rows, pixels and classes",
    )


SPECS = [
    ModelSpec(
        name="hog-linear",
        summary="HOG, Gabor and colour features + softmax or ridge regression",
        rung="classical",
        modalities=("image",),
        learner="deepworth.models.classical._image:HogLinear",
        cost=f"{__name__}:cost_linear",
        order=10,
    ),
    ModelSpec(
        name="hog-trees",
        summary="HOG, Gabor and colour features + boosted trees",
        rung="classical",
        modalities=("image",),
        learner="deepworth.models.classical._image:HogTrees",
        cost=f"{__name__}:cost_trees",
        order=20,
    ),
]
