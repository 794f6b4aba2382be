"""A pretrained image network, fine-tuned on the images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepworth.models._media_cost import PREDICT_ROWS, Arithmetic, estimate, side
from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace


def pace(item: Accelerator, count: int, work: Workload, batch: int, params: dict[str, Any]) -> Pace:
    """Of EfficientNet-Lite0, or of a network of timm that --weights names."""
    from deepworth.cost import onboard

    network = onboard.network(params.get("weights"), "efficientnet_lite0", side(work, 128, 224))
    return onboard.of_images(item, count, network, batch, PREDICT_ROWS)


EFFICIENTNET = Arithmetic(
    gflop=lambda work: 0.77 * (side(work, 128, 224) / 224) ** 2,
    efficiency=0.33,
    epochs=(1.0, 4.0, 5.0),
    fixed_seconds=8.0,
    base_gb=1.3,
    row_mb=lambda work: 80.0 * (side(work, 128, 224) / 224) ** 2,
    decode_ms=3.0,
    backward=2.2,
    accelerated=0.22,
    probe=True,
    pace=pace,
)


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """For EfficientNet-Lite0; a larger network the user names costs more."""
    return estimate(EFFICIENTNET, workload, machine, params)


SPECS = [
    ModelSpec(
        name="image-tuned",
        summary="image network fine-tuned: linear probe, then the upper layers, with flips, crops and mixup",
        rung="tuned",
        modalities=("image",),
        learner="deepworth.models.tuned._tuned:ImageTuned",
        cost=f"{__name__}:cost",
        needs=("torch", "torchvision", "timm", "PIL"),
        weights="efficientnet-lite0",
    )
]
