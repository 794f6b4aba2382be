"""A small transformer trained from nothing on the texts."""

from __future__ import annotations

from typing import Any

from deepworth.models._media_cost import Arithmetic, estimate, tokens, transformer_gflop
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the width and depth in `params`."""
    width, layers = params.get("width", 128), params.get("layers", 2)
    transformer = Arithmetic(
        gflop=lambda work: transformer_gflop(tokens(work, 256), width, layers),
        efficiency=0.35,
        epochs=(2.0, 10.0, 15.0),
        fixed_seconds=4.0,
        base_gb=0.6,
        row_mb=lambda work: tokens(work, 256) * width * layers * 1e-4,
    )
    return estimate(transformer, workload, machine)


SPECS = [
    ModelSpec(
        name="text-transformer",
        summary="small transformer over word pieces, trained from nothing",
        rung="custom",
        modalities=("text",),
        learner="deepworth.models.custom._media:TextScratch",
        cost=f"{__name__}:cost",
        needs=("torch", "tokenizers"),
    )
]
