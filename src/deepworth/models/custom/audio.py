"""A convolutional network over spectrograms, trained from nothing on the recordings."""

from __future__ import annotations

from typing import Any

from deepworth.models._media_cost import Arithmetic, estimate, frames
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the width in `params`."""
    wider = (params.get("width", 24) / 24) ** 2
    cnn = Arithmetic(
        gflop=lambda work: 0.085 * wider * frames(work) / 100,
        efficiency=0.45,
        epochs=(3.0, 20.0, 30.0),
        fixed_seconds=4.0,
        base_gb=0.6,
        row_mb=lambda work: 0.03 * wider**0.5 * frames(work),
        decode_ms=3.0,
    )
    return estimate(cnn, workload, machine)


SPECS = [
    ModelSpec(
        name="audio-cnn",
        summary="convolutional network over log-mel spectrograms, trained from nothing",
        rung="custom",
        modalities=("audio",),
        learner="deepworth.models.custom._media:AudioScratch",
        cost=f"{__name__}:cost",
        needs=("torch", "soundfile"),
    )
]
