"""A Hugging Face or timm id: fetched once into the user's Hugging Face cache, and only when the user named it."""

from __future__ import annotations

from deepworth.registry import WeightsSpec
from deepworth.types import Modality


def _hub(modality: Modality) -> WeightsSpec:
    return WeightsSpec(
        name=f"hub-{modality}",
        summary=f"a pretrained {modality} network of the Hugging Face hub",
        modality=modality,
        package="huggingface_hub",
        install="pip install 'deepworth[deep]'",
        licence="as its model card says",
        trained_on=(),
        load=f"deepworth.weights._hub:load_{modality}",
    )


SPECS = [_hub("text"), _hub("image"), _hub("audio")]
