"""A local folder: a Hugging Face model (config.json and safetensors) or a timm checkpoint."""

from __future__ import annotations

from deepworth.registry import WeightsSpec
from deepworth.types import Modality


def _folder(modality: Modality, package: str) -> WeightsSpec:
    return WeightsSpec(
        name=f"folder-{modality}",
        summary=f"a local folder with a pretrained {modality} network",
        modality=modality,
        package=package,
        install="pip install 'deepworth[deep]'",
        licence="as the folder says",
        trained_on=(),
        load=f"deepworth.weights._folder:load_{modality}",
    )


SPECS = [_folder("text", "transformers"), _folder("image", "timm"), _folder("audio", "transformers")]
