"""A convolutional network over spectrograms, trained from nothing on the recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepworth.models._media_cost import MELS, PREDICT_ROWS, Arithmetic, estimate, frames
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the width in `params`."""
    wider = (params.get("width", 24) / 24) ** 2

    def pace(item: Accelerator, count: int, work: Workload, batch: int, params: dict[str, Any]) -> Pace:
        from deepworth.cost import onboard

        seconds = frames(work) / 100
        sizes = (0.55 * wider, 0.0425 * wider * seconds, 0.17 * wider**0.5 * seconds, (MELS * frames(work)) ** 0.5)
        return onboard.of_images(item, count, onboard.plain(*sizes, convolutions=10), batch, PREDICT_ROWS)

    cnn = Arithmetic(
        gflop=lambda work: 0.085 * wider * frames(work) / 100,
        efficiency=0.45,
        epochs=(3.0, 20.0, 30.0),
        fixed_seconds=4.0,
        base_gb=0.6,
        row_mb=lambda work: 0.03 * wider**0.5 * frames(work),
        decode_ms=3.0,
        pace=pace,
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
