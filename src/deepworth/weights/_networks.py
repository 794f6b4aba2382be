"""The pretrained networks learners build on, and `load_network`, which finds one by name, folder or hub id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepworth.errors import MissingPackage, UserError, nearest
from deepworth.registry import WeightsSpec, find, installed, resolve, specs
from deepworth.types import Modality

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import nn

DEFAULTS: dict[Modality, str] = {"text": "minilm", "image": "efficientnet-lite0", "audio": "whisper-tiny-en"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TextNetwork:
    """`module(input_ids=(n, tokens), attention_mask=(n, tokens)).last_hidden_state` is (n, tokens, width)."""

    module: nn.Module
    tokenizer: Tokenizer  # `encode_batch_fast(texts)` gives all ids: neither truncation nor padding is set
    pad: int  # id of the padding token
    width: int
    max_tokens: int  # longest input it was made for
    pooling: str  # "mean" over the tokens, or "cls"
    name: str
    digest: str  # of the weights' file
    licence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageNetwork:
    """`module((n, 3, height, width) normalised RGB)` is (n, width): the classifier is taken off."""

    module: nn.Module
    size: int  # side in pixels it was trained at
    mean: tuple[float, float, float]  # of RGB values in 0 to 1
    std: tuple[float, float, float]
    interpolation: str
    width: int
    name: str
    digest: str
    licence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioNetwork:
    """`module((n, mels, frames) log-mel)` is (n, frames / 2, width), for any even number of frames up to `max_frames`.

    `module.layer_states(mel)` gives every layer's states, the last layer's normalised.
    `weights._audio.log_mel` makes the input.
    """

    module: nn.Module
    rate: int  # samples a second
    mels: int
    max_frames: int  # 100 a second
    width: int
    name: str
    digest: str
    licence: str


Network = TextNetwork | ImageNetwork | AudioNetwork


def load_network(modality: Modality, weights: str | None = None) -> Network:
    """The network `weights` names - a packaged name, a local folder or a hub id - or the default of the modality.

    It is in eval mode and needs no gradients switched off. Raises MissingPackage with the command that installs the
    weights, or UserError.
    """
    spec, source = find_weights(modality, weights)
    if not installed(spec.package):
        raise MissingPackage(f"the pretrained {modality} network {spec.name} is not installed: {spec.install}")
    return resolve(spec.load)(source)


def find_weights(modality: Modality, weights: str | None = None) -> tuple[WeightsSpec, str]:
    """The spec behind `weights` and the source its loader is called with. Nothing heavy is loaded. Raises UserError."""
    known = {name: spec for name, spec in specs("weights").items() if spec.modality == modality}
    name = weights or DEFAULTS[modality]
    if name in known:
        return known[name], known[name].package
    if Path(name).is_dir():
        return find("weights", f"folder-{modality}"), name
    if "/" in name and not name.startswith((".", "/", "~")):
        return find("weights", f"hub-{modality}"), name
    packaged = [known_name for known_name in known if not known_name.startswith(("folder-", "hub-"))]
    raise UserError(
        f"no pretrained {modality} network is called {name!r}{nearest(name, packaged)} "
        "(or give a folder that exists, or a hub id such as owner/name)"
    )
