"""A small residual network trained from nothing on the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepworth.models._media_cost import PREDICT_ROWS, Arithmetic, estimate, side
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For the width in `params`."""
    wider = (params.get("width", 32) / 32) ** 2

    def scale(work: Workload) -> float:
        return (side(work, 32, 64) / 32) ** 2

    def pace(item: Accelerator, count: int, work: Workload, batch: int, params: dict[str, Any]) -> Pace:
        from deepworth.cost import onboard

        sizes = (0.70 * wider, 0.105 * wider * scale(work), 0.29 * wider**0.5 * scale(work), side(work, 32, 64))
        return onboard.of_images(item, count, onboard.plain(*sizes, convolutions=15), batch, PREDICT_ROWS)

    resnet = Arithmetic(
        gflop=lambda work: 0.21 * wider * scale(work),
        efficiency=0.5,
        epochs=(3.0, 20.0, 30.0),
        fixed_seconds=4.0,
        base_gb=0.6,
        row_mb=lambda work: 4.0 * wider**0.5 * scale(work),
        decode_ms=2.0,
        pace=pace,
    )
    return estimate(resnet, workload, machine)


SPECS = [
    ModelSpec(
        name="image-resnet",
        summary="small residual network, trained from nothing",
        rung="custom",
        modalities=("image",),
        learner="deepworth.models.custom._media:ImageScratch",
        cost=f"{__name__}:cost",
        needs=("torch", "PIL"),
    )
]
