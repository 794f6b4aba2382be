"""Networks in local folders, as `save_pretrained`, a hub snapshot or timm's `save_for_hf` leave them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deepworth.errors import UserError
from deepworth.weights._audio import whisper_network
from deepworth.weights._files import digest
from deepworth.weights._image import timm_network
from deepworth.weights._networks import AudioNetwork, ImageNetwork, TextNetwork
from deepworth.weights._quiet import quiet_imports
from deepworth.weights._text import bare_tokenizer

LICENCE = "not stated: see where the folder came from"
LONGEST = 512  # tokens; longer inputs only where the folder's own settings say so


def load_text(source: str) -> TextNetwork:
    """A transformers encoder with a fast tokenizer. Raises UserError."""
    quiet_imports()
    from transformers import AutoModel

    folder = Path(source)
    config = _config(folder)
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise UserError(
            f"{folder} has no tokenizer.json: write one with AutoTokenizer.from_pretrained(...).save_pretrained(folder)"
        )
    sentence = _settings(folder / "sentence_bert_config.json")
    pooling = _settings(folder / "1_Pooling" / "config.json")
    return TextNetwork(
        module=_pretrained(AutoModel, folder),
        tokenizer=bare_tokenizer(str(tokenizer)),
        pad=config.get("pad_token_id") or 0,
        width=config.get("hidden_size") or config["dim"],  # DistilBERT calls it dim
        max_tokens=sentence.get("max_seq_length") or min(LONGEST, config.get("max_position_embeddings") or LONGEST),
        pooling="cls" if pooling.get("pooling_mode_cls_token") else "mean",
        name=folder.name,
        digest=_weights_digest(folder),
        licence=LICENCE,
    )


def load_image(source: str) -> ImageNetwork:
    """A timm checkpoint, or an image network of transformers. Raises UserError."""
    quiet_imports()
    import timm
    from transformers import AutoModel

    folder = Path(source)
    config = _config(folder)
    if "architecture" in config:
        weights_digest = _weights_digest(folder)  # first: it refuses a folder whose weights are a pickle
        module = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0)
        return timm_network(module, folder.name, weights_digest, config.get("license") or LICENCE)
    module = PooledImage(_pretrained(AutoModel, folder))
    settings = _settings(folder / "preprocessor_config.json")
    size = settings.get("crop_size") or settings.get("size") or config.get("image_size") or 224
    size = size if isinstance(size, int) else size.get("height") or size["shortest_edge"]
    with torch.inference_mode():
        width = module(torch.zeros(1, 3, size, size)).shape[1]
    return ImageNetwork(
        module=module,
        size=size,
        mean=tuple(settings.get("image_mean", (0.5, 0.5, 0.5))),
        std=tuple(settings.get("image_std", (0.5, 0.5, 0.5))),
        interpolation="bilinear",
        width=width,
        name=folder.name,
        digest=_weights_digest(folder),
        licence=LICENCE,
    )


def load_audio(source: str) -> AudioNetwork:
    """The encoder of a Whisper model of transformers. Raises UserError for other kinds."""
    quiet_imports()
    from transformers import WhisperModel

    folder = Path(source)
    kind = _config(folder).get("model_type")
    if kind != "whisper":
        raise UserError(f"{folder} holds a {kind!r} model: deepworth reads Whisper models as pretrained audio networks")
    return whisper_network(_pretrained(WhisperModel, folder).encoder, folder.name, _weights_digest(folder), LICENCE)


class PooledImage(nn.Module):
    """A transformers image network that answers one vector an image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, 3, height, width) -> (n, width)."""
        output = self.network(pixel_values=pixels)
        pooled = getattr(output, "pooler_output", None)
        if pooled is not None:
            return pooled.flatten(1)
        states = output.last_hidden_state
        return states.mean(dim=1 if states.ndim == 3 else (2, 3))


def _pretrained(kind: Any, folder: Path) -> nn.Module:
    """The network in the folder in fp32, from safetensors files only: other formats can run code when they are read."""
    try:
        return kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32).eval()
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"cannot load a network from {folder}: {error}") from error


def _config(folder: Path) -> dict[str, Any]:
    settings = _settings(folder / "config.json")
    if not settings:
        raise UserError(f"{folder} has no config.json: give a folder of a Hugging Face model or of a timm checkpoint")
    return settings


def _settings(path: Path) -> dict[str, Any]:
    """The JSON object in a file, empty where there is no such file. Raises UserError."""
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is no valid JSON: {error}") from error


def _weights_digest(folder: Path) -> str:
    """The digest of every safetensors file of the folder. Raises UserError when there is none."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise UserError(f"{folder} has no .safetensors file (found: {found}); convert the weights to safetensors first")
    return hashlib.sha256("".join(digest(path) for path in files).encode()).hexdigest()[:16]
