"""Pretrained networks as modules that give one vector a row, that can be written down and rebuilt without their package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from deepworth.nets.transformer import masked_mean
from deepworth.weights._audio import ClipEncoder
from deepworth.weights._folder import PooledImage
from deepworth.weights._networks import AudioNetwork, ImageNetwork, TextNetwork
from deepworth.weights._quiet import quiet_imports
from deepworth.weights._text import StaticEncoder

Facts = dict[str, Any]  # JSON values


class TextBackbone(nn.Module):
    """(n, length) token ids, -1 where there is no token, to (n, width)."""

    def __init__(self, network: nn.Module, pad: int, pooling: str) -> None:
        super().__init__()
        if getattr(network, "pooler", None) is not None:
            network.pooler = None  # a layer on top that is not read: no weights to train, save or miss
        self.network, self.pad, self.pooling = network, pad, pooling

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        mask = ids >= 0
        tokens = ids.masked_fill(~mask, self.pad)
        states = self.network(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return states[:, 0] if self.pooling == "cls" else masked_mean(states, mask)


class ImageBackbone(nn.Module):
    """(n, 3, height, width) RGB in 0 to 1 to (n, width). Batch norms keep the statistics they were trained with.

    Batches here are small and of few classes: their own statistics are worse, and would make the loss of a row depend on
    its neighbours.
    """

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(3, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network((images - self.mean) / self.std)

    def train(self, mode: bool = True) -> ImageBackbone:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 the common class of all dimensions
                module.eval()
        return self


class AudioBackbone(nn.Module):
    """(n, mels, frames) log-mel, frames even, to (n, 2 * width): the mean and the maximum over time."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        states = self.network(mels)
        return torch.cat([states.mean(1), states.amax(1)], 1)


def wrap(network: TextNetwork | ImageNetwork | AudioNetwork) -> tuple[nn.Module, int, Facts]:
    """The backbone over a loaded network, the width of its vectors, and the facts `rebuild` needs."""
    facts = {"name": network.name, "licence": network.licence}
    if isinstance(network, TextNetwork):
        facts |= {"kind": "text", "pad": network.pad, "pooling": network.pooling} | _describe(network.module)
        return TextBackbone(network.module, network.pad, network.pooling), network.width, facts
    if isinstance(network, ImageNetwork):
        facts |= {"kind": "image", "mean": network.mean, "std": network.std} | _describe(network.module)
        return ImageBackbone(network.module, network.mean, network.std), network.width, facts
    facts |= {"kind": "audio"} | _describe(network.module)
    return AudioBackbone(network.module), 2 * network.width, facts


def rebuild(facts: Facts) -> nn.Module:
    """The backbone that `wrap` described, with random weights."""
    network = _rebuilders()[facts["library"]](facts["config"])
    if facts["kind"] == "text":
        return TextBackbone(network, facts["pad"], facts["pooling"])
    if facts["kind"] == "image":
        return ImageBackbone(network, facts["mean"], facts["std"])
    return AudioBackbone(network)


def _describe(module: nn.Module) -> Facts:
    """Library and configuration of a network."""
    if isinstance(module, StaticEncoder):
        return {"library": "static", "config": list(module.embeddings.weight.shape)}
    if isinstance(module, ClipEncoder):
        return {"library": "whisper", "config": module.encoder.config.to_diff_dict()}
    if isinstance(module, PooledImage):
        return {"library": "transformers-image", "config": module.network.config.to_diff_dict()}
    if hasattr(module, "pretrained_cfg"):
        return {"library": "timm", "config": module.pretrained_cfg["architecture"]}
    return {"library": "transformers", "config": module.config.to_diff_dict()}


def _rebuilders() -> dict[str, Callable[[Any], nn.Module]]:
    quiet_imports()
    import timm
    from transformers import AutoConfig, AutoModel, WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    def transformer(config: Facts) -> nn.Module:
        return AutoModel.from_config(AutoConfig.for_model(**config))

    return {
        "static": lambda shape: StaticEncoder(torch.zeros(shape)),
        "whisper": lambda config: ClipEncoder(WhisperEncoder(WhisperConfig(**config))),
        "transformers": transformer,
        "transformers-image": lambda config: PooledImage(transformer(config)),
        "timm": lambda name: timm.create_model(name, num_classes=0),
    }


def stages(backbone: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters in stages from the last layer down to the input, for rates that fall towards the input.

    The stages are the members of the list of layers that holds most of the parameters, or the network's own children where
    no list holds the half. What comes before a stage belongs to the lowest, what comes after it to the stage before it.
    """
    lists = [m for m in backbone.modules() if isinstance(m, (nn.ModuleList, nn.Sequential)) and len(m) > 1]
    body = max(lists, key=_tensors, default=backbone)
    if _tensors(body) < _tensors(backbone) / 2:
        body = backbone
        while len(grown := [child for child in body.children() if _tensors(child)]) == 1:
            body = grown[0]
    layers = [child for child in body.children() if _tensors(child)]
    level = {id(p): i for i, layer in enumerate(layers, start=1) for p in layer.parameters()}
    found: list[list[nn.Parameter]] = [[] for _ in range(len(layers) + 1)]
    current = 0
    for parameter in backbone.parameters():
        current = level.get(id(parameter), current)
        found[current].append(parameter)
    return [stage for stage in reversed(found) if stage]


def _tensors(module: nn.Module) -> int:
    return len(list(module.parameters()))
