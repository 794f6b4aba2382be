"""Networks trained from scratch on tables: a perceptron with embeddings, and TabM, an ensemble that shares weights."""

from __future__ import annotations

from typing import Any

from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Range, Workload

NEEDS = ("torch", "rtdl_num_embeddings", "tabm")

SPECS = [
    ModelSpec(
        name="mlp",
        summary="multilayer perceptron with embeddings for numbers and categories",
        rung="custom",
        modalities=("tabular",),
        learner="deepworth.models.custom._tabular:PerceptronLearner",
        cost="deepworth.models.custom.tabular:cost_mlp",
        needs=NEEDS,
        order=10,
    ),
    ModelSpec(
        name="tabm",
        summary="TabM: many perceptrons in one that share most of their weights",
        rung="custom",
        modalities=("tabular",),
        learner="deepworth.models.custom._tabular:TabMLearner",
        cost="deepworth.models.custom.tabular:cost_tabm",
        needs=NEEDS,
        order=20,
    ),
]


def batch_size(rows: int) -> int:
    """Rows of a step: about 100 steps an epoch, and a power of two from 128 to 4096."""
    return min(4096, max(128, 1 << max(0, round(rows / 100) - 1).bit_length()))


def cost_mlp(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _cost(workload, machine, members=1, width=256, depth=3)


def cost_tabm(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _cost(workload, machine, members=16, width=192, depth=2)
