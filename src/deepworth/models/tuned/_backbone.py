"""Pretrained networks as modules that give one vector a row, and can be rebuilt without the package they came in.

The vectors are those of the frozen rung, pooled by the same modules, so that fine-tuning starts from its solution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from deepworth.models.frozen._audio import PooledAudio
from deepworth.models.frozen._image import PooledImage
from deepworth.models.frozen._text import PooledText
from deepworth.weights._audio import ClipEncoder
from deepworth.weights._folder import PooledImage as OnePooled
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
        self.pad, self.pooled = pad, PooledText(network, pooling)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        mask = ids >= 0
        return self.pooled(ids.masked_fill(~mask, self.pad), mask.long())


class ImageBackbone(nn.Module):
    """(n, 3, height, width) RGB in 0 to 1 to (n, width). Batch norms keep the statistics they were trained with.

    Batches here are small and of few classes: their own statistics are worse, and would make the loss of a row depend
    on its neighbours.
    """

    def __init__(self, network: ImageNetwork) -> None:
        super().__init__()
        self.pooled = PooledImage(network)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        last = (255.0 * images).contiguous(memory_format=torch.channels_last)  # a step is 1.2 to 1.4 times faster
        return self.pooled(last.permute(0, 2, 3, 1))  # a view: nothing is moved

    def train(self, mode: bool = True) -> ImageBackbone:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):  # the class of all dimensions
                module.eval()
        return self


class AudioBackbone(nn.Module):
    """(n, mels + 1, frames) log-mel, frames even, to (n, width); the last band is 1 where the clip has sound."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.pooled = PooledAudio(network)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        places = torch.arange(1, mels.shape[2] + 1, device=mels.device)
        real = ((mels[:, -1] > 0.5) * places).amax(1)  # frames up to the last with sound
        return self.pooled(mels[:, :-1], (real + 1) // 2)


def wrap(network: TextNetwork | ImageNetwork | AudioNetwork) -> tuple[nn.Module, int, Facts]:
    """The backbone over a loaded network, the width of its vectors, and the facts `rebuild` needs."""
    facts: Facts = {"name": network.name, "licence": network.licence} | _describe(network.module)
    if isinstance(network, TextNetwork):
        facts |= {"kind": "text", "pad": network.pad, "pooling": network.pooling}
        backbone, example = TextBackbone(network.module, network.pad, network.pooling), torch.ones(1, 8).long()
    elif isinstance(network, ImageNetwork):
        facts |= {"kind": "image", "network": asdict(replace(network, module=None))}
        backbone, example = ImageBackbone(network), torch.zeros(1, 3, 64, 64)
    else:
        facts |= {"kind": "audio"}
        backbone, example = AudioBackbone(network.module), torch.ones(1, network.mels + 1, 20)
    with torch.no_grad():
        return backbone, backbone.eval()(example).shape[1], facts


def rebuild(facts: Facts) -> nn.Module:
    """The backbone that `wrap` described, with random weights."""
    module = _rebuilders()[facts["library"]](facts["config"])
    if facts["kind"] == "text":
        return TextBackbone(module, facts["pad"], facts["pooling"])
    if facts["kind"] == "image":
        return ImageBackbone(ImageNetwork(**facts["network"] | {"module": module}))
    return AudioBackbone(module)


def _describe(module: nn.Module) -> Facts:
    """Library and configuration of a network."""
    if isinstance(module, StaticEncoder):
        return {"library": "static", "config": list(module.embeddings.weight.shape)}
    if isinstance(module, ClipEncoder):
        return {"library": "whisper", "config": module.encoder.config.to_diff_dict()}
    if isinstance(module, OnePooled):
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
        "transformers-image": lambda config: OnePooled(transformer(config)),
        "timm": lambda name: timm.create_model(name, num_classes=0),
    }


def layers(backbone: nn.Module) -> list[nn.Module]:
    """The layers from the input up: the members of the list that holds most of the parameters.

    The network's own children where no list holds the half.
    """
    lists = [m for m in backbone.modules() if isinstance(m, (nn.ModuleList, nn.Sequential)) and len(m) > 1]
    body = max(lists, key=_tensors, default=backbone)
    if _tensors(body) < _tensors(backbone) / 2:
        body = backbone
        while len(grown := [child for child in body.children() if _tensors(child)]) == 1:
            body = grown[0]
    return [child for child in body.children() if _tensors(child)]


def stages(backbone: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters in stages from the last layer down to the input, for rates that fall towards the input.

    What comes before the first layer is the lowest stage, what comes after one belongs to it.
    """
    level = {id(p): i for i, layer in enumerate(layers(backbone), start=1) for p in layer.parameters()}
    found: list[list[nn.Parameter]] = [[] for _ in range(max(level.values()) + 1)]
    current = 0
    for parameter in backbone.parameters():
        current = level.get(id(parameter), current)
        found[current].append(parameter)
    return [stage for stage in reversed(found) if stage]


def _tensors(module: nn.Module) -> int:
    return len(list(module.parameters()))
