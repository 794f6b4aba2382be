"""A small transformer trained from nothing on the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepworth.models._media_cost import PREDICT_ROWS, Arithmetic, estimate, tokens, transformer_gflop
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the width and depth in `params`."""
    width, layers = params.get("width", 128), params.get("layers", 2)

    def pace(item: Accelerator, count: int, work: Workload, batch: int, params: dict[str, Any]) -> Pace:
        from deepworth.cost import dims, onboard

        sizes = {"kind": "encoder", "layers": layers, "hidden": width, "heads": 4, "ffn": 4 * width, "vocab": 8000}
        model = dims.from_dims(sizes | {"mlp_mats": 2, "tied_embeddings": 1})
        return onboard.of_tokens(item, count, model, tokens(work, 256), batch, PREDICT_ROWS)

    transformer = Arithmetic(
        gflop=lambda work: transformer_gflop(tokens(work, 256), width, layers),
        efficiency=0.35,
        epochs=(2.0, 10.0, 15.0),
        fixed_seconds=4.0,
        base_gb=0.6,
        row_mb=lambda work: tokens(work, 256) * width * layers * 1e-4,
        pace=pace,
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
