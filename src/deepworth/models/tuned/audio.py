"""A pretrained speech encoder, fine-tuned on the recordings."""

from __future__ import annotations

from typing import Any

from deepworth.models._media_cost import Arithmetic, estimate, frames, transformer_gflop
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload


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
)


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the encoder of Whisper tiny; a larger network the user names costs more."""
    return estimate(WHISPER, workload, machine)


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
