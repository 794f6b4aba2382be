"""Images through a pretrained backbone, then a linear head."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="image-backbone",
        summary="pretrained image network (EfficientNet-Lite0, or any of timm or Hugging Face) + linear head",
        rung="frozen",
        modalities=("image",),
        learner="deepworth.models.frozen._image:ImageBackbone",
        cost="deepworth.models.frozen._cost:image_cost",
        needs=("torch", "timm", "transformers"),
        weights="efficientnet-lite0",
        order=10,
    )
]
