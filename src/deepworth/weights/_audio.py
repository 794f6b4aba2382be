"""Speech networks that ship inside packages, and the log-mel spectrograms they read."""

from __future__ import annotations

import functools
import struct
from pathlib import Path

import numpy as np
import torch
from torch import nn

from deepworth.errors import UserError
from deepworth.registry import find
from deepworth.weights._files import digest, package_folder
from deepworth.weights._networks import AudioNetwork
from deepworth.weights._quiet import quiet_imports

RATE, WINDOW, HOP = 16_000, 400, 160  # Whisper's spectrogram: 25 ms windows every 10 ms
CT2_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def load_whisper(package: str) -> AudioNetwork:
    """The encoder of Whisper tiny.en in `package`, converted from the CTranslate2 file there."""
    quiet_imports()
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    file = package_folder(package) / "model" / "model.bin"
    config = WhisperConfig(d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536)
    encoder = WhisperEncoder(config)
    encoder.load_state_dict(_encoder_state(read_ct2(file), config.encoder_layers))
    return whisper_network(encoder, "whisper-tiny-en", digest(file), find("weights", "whisper-tiny-en").licence)


def whisper_network(encoder: nn.Module, name: str, weights_digest: str, licence: str) -> AudioNetwork:
    """A transformers WhisperEncoder, made to read clips of any length."""
    return AudioNetwork(
        module=ClipEncoder(encoder).eval(),
        rate=RATE,
        mels=encoder.num_mel_bins,
        max_frames=2 * encoder.config.max_source_positions,
        width=encoder.config.d_model,
        name=name,
        digest=weights_digest,
        licence=licence,
    )


class ClipEncoder(nn.Module):
    """Whisper's encoder without its 30 s: the positions are cut to the clip, which costs a 2 s clip 15 times less."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """(n, mels, frames) -> (n, frames / 2, width), frames even."""
        return self.layer_states(mel)[-1]

    def layer_states(self, mel: torch.Tensor) -> list[torch.Tensor]:
        """The states after each layer, (n, frames / 2, width) each; the last through the final normalisation."""
        states = nn.functional.gelu(self.encoder.conv1(mel))
        states = nn.functional.gelu(self.encoder.conv2(states)).transpose(1, 2)
        states = states + self.encoder.embed_positions.weight[: states.shape[1]]
        every = []
        for layer in self.encoder.layers:
            states = layer(states, attention_mask=None)
            every.append(states)
        every[-1] = self.encoder.layer_norm(every[-1])
        return every


def log_mel(waves: torch.Tensor, mels: int = 80) -> torch.Tensor:
    """(n, samples) at 16 kHz -> (n, mels, samples // 160) log-mel as Whisper was trained on (Radford et al. 2022)."""
    window = torch.hann_window(WINDOW, device=waves.device)
    power = torch.stft(waves, WINDOW, HOP, window=window, return_complex=True)[..., :-1].abs().square()
    decibels = (mel_filters(mels).to(waves.device) @ power).clamp(min=1e-10).log10()
    decibels = torch.maximum(decibels, decibels.amax(dim=(1, 2), keepdim=True) - 8.0)
    return (decibels + 4.0) / 4.0


@functools.cache
def mel_filters(mels: int) -> torch.Tensor:
    """Slaney's mel filters, (mels, 201), each of unit area, as librosa makes them by default."""
    step = np.log(6.4) / 27.0  # linear below 1 kHz, logarithmic above

    def to_mel(hertz: float) -> float:
        return hertz * 3.0 / 200.0 if hertz < 1000.0 else 15.0 + np.log(hertz / 1000.0) / step

    points = np.linspace(to_mel(0.0), to_mel(RATE / 2.0), mels + 2)
    edges = np.where(points < 15.0, points * 200.0 / 3.0, 1000.0 * np.exp(step * (points - 15.0)))
    bins = np.linspace(0.0, RATE / 2.0, WINDOW // 2 + 1)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clip(min=0.0)
    return torch.tensor(triangles * 2.0 / (right - left), dtype=torch.float32)


def read_ct2(path: Path) -> dict[str, np.ndarray]:
    """The named arrays of a CTranslate2 model.bin of version 6. Raises UserError for another kind of file."""
    data = path.read_bytes()
    offset = 0

    def number(code: str) -> int:
        nonlocal offset
        (value,) = struct.unpack_from(f"<{code}", data, offset)
        offset += struct.calcsize(f"<{code}")
        return value

    def text() -> str:
        nonlocal offset
        length = number("H")  # with a closing zero
        value = data[offset : offset + length - 1].decode()
        offset += length
        return value

    version = number("I")
    if version != 6 or text() != "WhisperSpec":
        raise UserError(f"{path} is no Whisper model of CTranslate2 in format 6 (format {version} found)")
    number("I")  # revision of the specification
    arrays = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        dtype = np.dtype(CT2_TYPES[number("B")])
        size = number("I")
        arrays[name] = np.frombuffer(data, dtype, size // dtype.itemsize, offset).reshape(shape)
        offset += size
    return arrays


def _encoder_state(arrays: dict[str, np.ndarray], layers: int) -> dict[str, torch.Tensor]:
    """The encoder's arrays under the names of transformers. CTranslate2 keeps query, key and value in one matrix."""

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(arrays[f"encoder/{name}"].astype(np.float32))

    plain = {"conv1": "conv1", "conv2": "conv2"}
    norms = {"layer_norm": "layer_norm"}
    state = {"embed_positions.weight": tensor("position_encodings/encodings")}
    for i in range(layers):
        ours, theirs = f"layers.{i}", f"layer_{i}"
        plain |= {
            f"{ours}.self_attn.out_proj": f"{theirs}/self_attention/linear_1",
            f"{ours}.fc1": f"{theirs}/ffn/linear_0",
            f"{ours}.fc2": f"{theirs}/ffn/linear_1",
        }
        norms |= {
            f"{ours}.self_attn_layer_norm": f"{theirs}/self_attention/layer_norm",
            f"{ours}.final_layer_norm": f"{theirs}/ffn/layer_norm",
        }
        joint = f"{theirs}/self_attention/linear_0"
        for part, weight, bias in zip(
            "qkv", tensor(f"{joint}/weight").chunk(3), tensor(f"{joint}/bias").chunk(3), strict=True
        ):
            state[f"{ours}.self_attn.{part}_proj.weight"] = weight
            if part != "k":  # Whisper's keys have no bias
                state[f"{ours}.self_attn.{part}_proj.bias"] = bias
    for ours, theirs in plain.items():
        state |= {f"{ours}.weight": tensor(f"{theirs}/weight"), f"{ours}.bias": tensor(f"{theirs}/bias")}
    for ours, theirs in norms.items():
        state |= {f"{ours}.weight": tensor(f"{theirs}/gamma"), f"{ours}.bias": tensor(f"{theirs}/beta")}
    return state
