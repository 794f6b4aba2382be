"""A pretrained sentence encoder, fine-tuned on the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepworth.models._media_cost import PREDICT_ROWS, Arithmetic, estimate, tokens, transformer_gflop
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace


def pace(item: Accelerator, count: int, work: Workload, batch: int, params: dict[str, Any]) -> Pace:
    """Of MiniLM, or of an encoder with known sizes that --weights names."""
    from deepworth.cost import onboard

    model = onboard.transformer(params.get("weights"), "minilm-l6")
    return onboard.of_tokens(item, count, model, tokens(work, 256), batch, PREDICT_ROWS)


MINILM = Arithmetic(
    gflop=lambda work: transformer_gflop(tokens(work, 256), width=384, layers=6),
    efficiency=0.7,
    epochs=(1.0, 2.5, 3.0),
    fixed_seconds=6.0,
    base_gb=1.9,
    row_mb=lambda work: 0.25 * tokens(work, 256),
    bf16=1.8,
    probe=True,
    pace=pace,
)


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For MiniLM; a larger network the user names costs more."""
    return estimate(MINILM, workload, machine, params)


SPECS = [
    ModelSpec(
        name="text-tuned",
        summary="sentence encoder fine-tuned: linear probe, then all layers",
        rung="tuned",
        modalities=("text",),
        learner="deepworth.models.tuned._tuned:TextTuned",
        cost=f"{__name__}:cost",
        needs=("torch", "transformers", "tokenizers"),
        weights="minilm",
    )
]
