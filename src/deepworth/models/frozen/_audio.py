"""Recordings through a speech encoder, cut to the clips' own lengths; the mean of every layer over the real frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.modalities._audio import clip_header, load_clips
from deepworth.models.frozen._learner import FrozenLearner
from deepworth.models.frozen._runtime import Batch
from deepworth.models.learner import Context
from deepworth.weights._audio import log_mel
from deepworth.weights._networks import AudioNetwork

LEVELS = (60, 20, 5)  # seconds of a recording that are read
WINDOW = 10  # seconds; longer recordings are cut into windows, whose features are averaged
STEP = 0.5  # seconds; clips are padded with silence to a multiple of it
BATCH_SECONDS = 16  # of clips of one length, computed together
SAMPLED = 64  # files whose headers say how long the recordings are


class AudioEncoder(FrozenLearner):
    """A pretrained speech encoder and a linear head; several audio columns stand side by side."""

    modality = "audio"

    def encoder_of(
        self, network: AudioNetwork, levels: tuple[int, ...], train: Examples | None, context: Context
    ) -> ClipBatches:
        names = tuple(column.name for column in self.columns if column.kind == "audio")
        if not names:
            raise UserError("audio-encoder needs an audio column; name one with --audio")
        seconds = native_seconds(train, names[0]) if train is not None else np.zeros(1)
        longest = float(seconds.max())
        useful = levels or tuple(level for level in LEVELS if level < longest) or LEVELS[-1:]
        return ClipBatches(network, names, useful, seconds, context)


def native_seconds(examples: Examples, name: str) -> np.ndarray:
    """The lengths of some recordings; files that cannot be read count as short ones."""
    some = examples.take(np.linspace(0, len(examples) - 1, min(SAMPLED, len(examples))).astype(int))
    lengths = []
    for path in some.strings(name):
        try:
            lengths.append(clip_header(path)[0])
        except UserError:
            lengths.append(STEP)
    return np.array(lengths)


class ClipBatches:
    """Recordings to batches of log-mel spectrograms."""

    unit = "seconds"

    def __init__(
        self,
        network: AudioNetwork,
        names: tuple[str, ...],
        levels: tuple[int, ...],
        seconds: np.ndarray,
        context: Context,
    ) -> None:
        self.network, self.names, self.levels, self.seconds, self.context = network, names, levels, seconds, context
        self.pooled = PooledAudio(network.module)
        self.parts = len(names)
        with torch.inference_mode():
            self.width = self.pooled(*map(torch.from_numpy, self.example(1))).shape[1]
        self.one_network = True
        self.key = "audio-" + "+".join(names)

    def module(self, level: int) -> nn.Module:
        return self.pooled

    def example(self, level: int) -> Batch:
        return np.zeros((2, self.network.mels, 100), dtype=np.float32), np.array([50, 40], dtype=np.int64)

    def batches(self, examples: Examples, level: int) -> Iterator[tuple[np.ndarray, Batch]]:
        """((n,) slots, (log-mel (n, mels, frames), real output frames (n,))); windows of one row share its slot."""
        waiting: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)  # by padded length in samples
        for part, name in enumerate(self.names):
            clips = load_clips(
                examples,
                name,
                self.network.rate,
                seconds=level,
                threads=self.context.threads,
                notes=self.context.notes,
            )
            for positions, waves in clips:
                for position, wave in zip(positions, waves, strict=True):
                    for window in self._windows(wave):
                        samples = self._padded(len(window))
                        waiting[samples].append((int(position) * self.parts + part, window))
                        if len(waiting[samples]) * samples >= BATCH_SECONDS * self.network.rate:
                            yield self._batch(waiting.pop(samples), samples)
        for samples in sorted(waiting):
            yield self._batch(waiting[samples], samples)

    def work(self, examples: Examples, level: int) -> float:
        """Seconds of sound, padding included, from the headers of some files."""
        padded = STEP * np.ceil(np.minimum(self.seconds, level) / STEP)
        return float(len(examples) * self.parts * padded.mean())

    def _windows(self, wave: np.ndarray) -> list[np.ndarray]:
        size = WINDOW * self.network.rate
        windows = [wave[start : start + size] for start in range(0, len(wave), size)]
        return windows if len(windows) == 1 or len(windows[-1]) >= self.network.rate else windows[:-1]

    def _padded(self, samples: int) -> int:
        step = int(STEP * self.network.rate)
        return step * -(-samples // step)

    def _batch(self, clips: list[tuple[int, np.ndarray]], samples: int) -> tuple[np.ndarray, Batch]:
        waves = np.zeros((len(clips), samples), dtype=np.float32)
        for row, (_, wave) in enumerate(clips):
            waves[row, : len(wave)] = wave
        real = np.array([-(-len(wave) // 320) for _, wave in clips], dtype=np.int64)  # the encoder answers 50 a second
        mel = log_mel(torch.from_numpy(waves), self.network.mels).numpy()
        return np.array([slot for slot, _ in clips]), (mel, real)


class PooledAudio(nn.Module):
    """A clip encoder and the mean of each layer's states over the real frames.

    The last layer is made for the words; speakers' and sounds' qualities are plainer further down. Every layer together
    beat the last one with its maximum and deviation on both development sets, at unseen speakers and unseen recordings.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.network = module

    def forward(self, mel: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """(n, mels, frames) and (n,) real output frames -> (n, layers * width)."""
        layers = self.network.layer_states(mel)
        frames = torch.arange(layers[0].shape[1], device=mel.device)
        weights = (frames.unsqueeze(0) < real.unsqueeze(1)).to(layers[0].dtype).unsqueeze(-1)
        total = weights.sum(dim=1)
        return torch.cat([(layer * weights).sum(dim=1) / total for layer in layers], dim=1)
