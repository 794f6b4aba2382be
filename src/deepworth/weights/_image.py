"""Image networks that ship inside packages."""

from __future__ import annotations

import torch

from deepworth.registry import find
from deepworth.weights._files import digest, package_folder
from deepworth.weights._networks import ImageNetwork
from deepworth.weights._quiet import quiet_imports

# Names in lukemelas' EfficientNet-PyTorch -> names in timm, inside a block without and with an expansion, and outside.
SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}


def load_efficientnet(package: str) -> ImageNetwork:
    """EfficientNet-Lite0 in `package`, as timm's tf_efficientnet_lite0.

    Not efficientnet_lite0: that has the same shapes and loads silently, but pads, normalises and rounds otherwise.
    """
    quiet_imports()
    import timm

    file = next((package_folder(package) / "models").glob("*.pth"))
    module = timm.create_model("tf_efficientnet_lite0")
    module.load_state_dict(_renamed(torch.load(file, map_location="cpu", weights_only=True), module))
    module.reset_classifier(0)
    return timm_network(module, "efficientnet-lite0", digest(file), find("weights", "efficientnet-lite0").licence)


def timm_network(module: torch.nn.Module, name: str, weights_digest: str, licence: str) -> ImageNetwork:
    """A timm model without its classifier, with the preprocessing it was trained with."""
    import timm

    config = timm.data.resolve_model_data_config(module)
    return ImageNetwork(
        module=module.eval(),
        size=config["input_size"][-1],
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        width=module.num_features if not hasattr(module, "head_hidden_size") else module.head_hidden_size,
        name=name,
        digest=weights_digest,
        licence=licence,
    )


def _renamed(state: dict[str, torch.Tensor], module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state under timm's names: timm nests the numbered blocks in stages."""
    places = [(i, j) for i, stage in enumerate(module.blocks) for j in range(len(stage))]
    renamed = {}
    for key, value in state.items():
        parts = key.split(".")
        if parts[0] == "_blocks":
            stage, block = places[int(parts[1])]
            names = INVERTED if f"_blocks.{parts[1]}._expand_conv.weight" in state else SEPARABLE
            renamed[f"blocks.{stage}.{block}.{names[parts[2]]}.{parts[3]}"] = value
        else:
            renamed[f"{OUTSIDE[parts[0]]}.{parts[1]}"] = value
    return renamed
