"""How networks see text, images and audio: sizes fitted on the training rows, reading, and light augmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from deepworth.data.examples import Examples
from deepworth.modalities._audio import load_clips, sample_headers
from deepworth.modalities._image import load_images, sample_sizes
from deepworth.models._media_inputs import ArrayInputs, Inputs, TokenInputs
from deepworth.nets import augment
from deepworth.types import Column
from deepworth.weights._audio import RATE, log_mel

if TYPE_CHECKING:  # only networks for text need it
    from tokenizers import Tokenizer

Facts = dict[str, Any]  # JSON values
LOOKED_AT = 200  # rows whose headers tell the sizes
FRAMES_A_SECOND = 100
LONGEST_SECONDS = 10.0
MELS = 80


class View(Protocol):
    """One modality as tensors. Built from its facts, which say the size at which the rows are seen."""

    facts: Facts

    def sizes(self, examples: Examples) -> list[int]:
        """Sizes worth using for these rows, the best and dearest first; the price is about proportional to `cells`."""

    def cells(self, size: int) -> float:
        """Tokens, pixels or frames a row at a size."""

    def inputs(self, examples: Examples, budget: float, threads: int, notes: Facts) -> Inputs:
        """The rows at `facts["size"]`, in memory if they take no more than `budget` bytes."""

    def prepared(self, raw: torch.Tensor) -> torch.Tensor:
        """A batch of `inputs`, on the device, as the network reads it."""

    def changed(self, batch: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """A prepared batch with random changes that keep its labels."""


def column_of(columns: Sequence[Column], kind: str) -> str:
    """The first column of a kind."""
    return next(column.name for column in columns if column.kind == kind)


def text_columns(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns if column.kind == "text"]


def joined(examples: Examples, columns: Sequence[str]) -> list[str]:
    """The texts of some columns, one a row."""
    parts = [examples.strings(name) for name in columns]
    return parts[0] if len(parts) == 1 else ["\n".join(filter(None, row)) for row in zip(*parts, strict=True)]


class TextView:
    """Token ids of the text columns, joined."""

    def __init__(self, columns: Sequence[Column], facts: Facts, tokenizer: Tokenizer) -> None:
        self.columns = text_columns(columns)
        self.facts, self.tokenizer = facts, tokenizer

    def sizes(self, examples: Examples) -> list[int]:
        sample = examples.take(np.linspace(0, len(examples) - 1, min(len(examples), LOOKED_AT)).astype(np.int64))
        lengths = TokenInputs(joined(sample, self.columns), self.tokenizer, self.facts["max_tokens"], 0, 0).lengths
        longest = max(16, int(np.ceil(np.quantile(lengths, 0.98) / 16)) * 16)
        return _halved(min(longest, self.facts["max_tokens"]), least=64)

    def cells(self, size: int) -> float:
        return size

    def inputs(self, examples: Examples, budget: float, threads: int, notes: Facts) -> Inputs:
        return TokenInputs(
            joined(examples, self.columns), self.tokenizer, self.facts["size"], self.facts["fill"], self.facts["empty"]
        )

    def prepared(self, raw: torch.Tensor) -> torch.Tensor:
        return raw

    def changed(self, batch: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        return batch


class ImageView:
    """Square RGB images in 0 to 1."""

    def __init__(self, columns: Sequence[Column], facts: Facts) -> None:
        self.column, self.facts = column_of(columns, "image"), facts

    def sizes(self, examples: Examples) -> list[int]:
        sides = sample_sizes(examples, self.column).max(1, initial=0)
        step, least, most = self.facts["step"], self.facts["least"], self.facts["most"]
        usual = float(np.median(sides)) if len(sides) else most
        best = int(np.clip(np.ceil(usual / step) * step, least, most))
        return [side for side in range(best, least - 1, -step) if side in (best, least) or side % (2 * step) == 0]

    def cells(self, size: int) -> float:
        return size * size

    def inputs(self, examples: Examples, budget: float, threads: int, notes: Facts) -> Inputs:
        side = self.facts["size"]

        def read(some: Examples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for positions, images in load_images(some, self.column, (side, side), threads=threads, notes=notes):
                yield positions, images.transpose(0, 3, 1, 2)

        return ArrayInputs(examples, read, (3, side, side), np.uint8, budget)

    def prepared(self, raw: torch.Tensor) -> torch.Tensor:
        return raw.float() / 255.0

    def changed(self, batch: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        return augment.resized_crop(augment.flip(batch, draw), draw)


class AudioView:
    """Log-mel spectrograms of one length: shorter clips end in silence, longer ones are cut.

    Where `facts["marked"]`, one more band is 1 where a clip has sound and 0 after its end.
    """

    def __init__(self, columns: Sequence[Column], facts: Facts) -> None:
        self.column, self.facts = column_of(columns, "audio"), facts

    def sizes(self, examples: Examples) -> list[int]:
        seconds = sample_headers(examples, self.column)[:, 0]
        usual = min(float(np.quantile(seconds, 0.95)) if len(seconds) else 1.0, LONGEST_SECONDS)
        frames = max(50, int(np.ceil(usual * FRAMES_A_SECOND / 10)) * 10)
        return _halved(frames, least=100, step=2)

    def cells(self, size: int) -> float:
        return size

    def inputs(self, examples: Examples, budget: float, threads: int, notes: Facts) -> Inputs:
        frames = self.facts["size"]
        hop = RATE // FRAMES_A_SECOND
        samples, marked = frames * hop, int(self.facts["marked"])

        def read(some: Examples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            seconds = samples / RATE
            for positions, clips in load_clips(some, self.column, RATE, seconds=seconds, threads=threads, notes=notes):
                waves = torch.zeros(len(clips), samples)
                for wave, clip in zip(waves, clips, strict=True):
                    wave[: min(samples, len(clip))] = torch.from_numpy(clip[:samples])
                block = np.zeros((len(clips), MELS + marked, frames), dtype=np.float16)
                block[:, :MELS] = log_mel(waves, MELS).numpy()
                for row, clip in enumerate(clips):
                    block[row, MELS:, : max(1, -(-len(clip) // hop))] = 1.0
                yield positions, block

        return ArrayInputs(examples, read, (MELS + marked, frames), np.float16, budget)

    def prepared(self, raw: torch.Tensor) -> torch.Tensor:
        return raw.float()

    def changed(self, batch: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        mels, mark = batch[:, :MELS], batch[:, MELS:]
        silence = mels.amin((1, 2), keepdim=True)
        moved = augment.time_shift(torch.cat([mels - silence, mark], 1), draw)  # the emptied frames are 0: silence
        mels = augment.spec_augment(moved[:, :MELS] + silence, draw)
        # 6 dB: the spectrogram is log10 of the power, divided by 4
        return torch.cat([augment.gain(mels, draw, largest=0.15), moved[:, MELS:]], 1)


def _halved(best: int, least: int, step: int = 1) -> list[int]:
    """`best` and its halves that are not below `least`."""
    sizes = [best]
    while sizes[-1] // 2 >= least:
        sizes.append(sizes[-1] // 2 // step * step)
    return sizes
