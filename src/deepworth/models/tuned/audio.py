"""A pretrained speech encoder, fine-tuned on the recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepworth.models._media_cost import PREDICT_ROWS, Arithmetic, estimate, frames, transformer_gflop
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace


def pace(item: Accelerator, count: int, work: Workload, batch: int, params: dict[str, Any]) -> Pace:
    """Of the encoder of Whisper tiny: its convolutions are counted as steps more."""
    from deepworth.cost import onboard

    steps = frames(work) / 2
    steps *= whisper_gflop(work) / transformer_gflop(steps, width=384, layers=4)
    return onboard.of_tokens(item, count, onboard.whisper_encoder(), steps, batch, PREDICT_ROWS)


def whisper_gflop(workload: Workload) -> float:
    """Two convolutions, 80 to 384 and 384 to 384 at half the frames, and four layers on the halved frames."""
    steps = frames(workload) / 2
    convolutions = 2 * 3 * 384 * steps * (2 * 80 + 384) / 1e9
    return convolutions + transformer_gflop(steps, width=384, layers=4)


WHISPER = Arithmetic(
    gflop=whisper_gflop,
    efficiency=0.65,
    epochs=(1.0, 4.0, 5.0),
    fixed_seconds=6.0,
    base_gb=1.0,
    row_mb=lambda work: 0.07 * frames(work),
    decode_ms=3.0,
    bf16=1.5,
    probe=True,
    pace=pace,
)


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the encoder of Whisper tiny; a larger network the user names costs more."""
    return estimate(WHISPER, workload, machine, params)


SPECS = [
    ModelSpec(
        name="audio-tuned",
        summary="speech encoder fine-tuned: linear probe, then all layers, with gain, shift and SpecAugment",
        rung="tuned",
        modalities=("audio",),
        learner="deepworth.models.tuned._tuned:AudioTuned",
        cost=f"{__name__}:cost",
        needs=("torch", "transformers", "soundfile"),
        weights="whisper-tiny-en",
    )
]
