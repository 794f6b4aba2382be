"""Images through a pretrained backbone: decoded in threads, normalised inside the network, every stage pooled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.modalities._image import image_size, load_images
from deepworth.models.frozen._learner import FrozenLearner
from deepworth.models.frozen._runtime import Batch
from deepworth.models.learner import Context
from deepworth.weights._networks import ImageNetwork

BATCH = 16  # images; larger ones leave a CPU's cache and gain nothing
CONVOLUTIONS = 32  # sides are multiples of what a backbone strides over in all
LEAST = 128  # pixels; smaller images are enlarged to it: 32 x 32 photographs gain 1 point over 96, 9 over 64
SAMPLED = 32  # files whose headers say how large the images are


class ImageBackbone(FrozenLearner):
    """A pretrained image network and a linear head; several image columns stand side by side."""

    modality = "image"

    def encoder_of(
        self, network: ImageNetwork, levels: tuple[int, ...], train: Examples | None, context: Context
    ) -> ImageEncoder:
        names = tuple(column.name for column in self.columns if column.kind == "image")
        if not names:
            raise UserError("image-backbone needs an image column; name one with --image")
        if not levels:
            assert train is not None  # only a loaded model comes without rows, and it knows its level
            levels = image_levels(native_side(train, names[0]), network.size)
        return ImageEncoder(network, names, levels, context)


def image_levels(native: float, size: int) -> tuple[int, ...]:
    """Sides in pixels to try, best first: no more than the images hold, nor than the network was trained at.

    Measured: photographs of 120 x 160 pixels give the same accuracy at 160 as at 224, for half the work.
    """
    best = min(size, max(LEAST, CONVOLUTIONS * round(native / CONVOLUTIONS)))
    steps = (best, CONVOLUTIONS * round(0.7 * best / CONVOLUTIONS), CONVOLUTIONS * round(0.5 * best / CONVOLUTIONS))
    return tuple(sorted({max(side, 2 * CONVOLUTIONS) for side in steps if side <= best}, reverse=True))


def native_side(examples: Examples, name: str) -> float:
    """The median over some files of the longer side, in pixels; files that cannot be read count as small ones."""
    some = examples.take(np.linspace(0, len(examples) - 1, min(SAMPLED, len(examples))).astype(int))
    sides = []
    for path in some.strings(name):
        try:
            sides.append(max(image_size(path)))
        except UserError:
            sides.append(LEAST)
    return float(np.median(sides))


class ImageEncoder:
    """Image files to batches of uint8 pixels."""

    unit = "pixels a side"

    def __init__(
        self, network: ImageNetwork, names: tuple[str, ...], levels: tuple[int, ...], context: Context
    ) -> None:
        self.network, self.names, self.levels, self.context = network, names, levels, context
        self.pooled = PooledImage(network)
        self.parts = len(names)
        with torch.inference_mode():
            self.width = self.pooled(torch.from_numpy(self.example(2 * CONVOLUTIONS)[0])).shape[1]
        self.one_network = False  # padding depends on the side, and tracing fixes it
        self.key = "image-" + "+".join(names)

    def module(self, level: int) -> nn.Module:
        return self.pooled

    def example(self, level: int) -> Batch:
        return (np.zeros((2, level, level, 3), dtype=np.uint8),)

    def batches(self, examples: Examples, level: int) -> Iterator[tuple[np.ndarray, Batch]]:
        """((n,) slots, (pixels (n, level, level, 3) uint8,)); stretched to a square."""
        for part, name in enumerate(self.names):
            for positions, pixels in load_images(
                examples,
                name,
                (level, level),
                threads=self.context.threads,
                chunk=BATCH,
                notes=self.context.notes,
            ):
                yield positions * self.parts + part, (pixels,)

    def work(self, examples: Examples, level: int) -> float:
        """Pixels, in thousands."""
        return len(examples) * self.parts * level * level / 1e3


class PooledImage(nn.Module):
    """A backbone with its preprocessing before it, and the mean of every stage beside its features after it.

    Early stages keep colour and texture, which photographs of materials, drawings and tiny pictures are told apart by:
    4 points of accuracy on two of the development sets, for nothing, since the stages are computed anyway.
    """

    def __init__(self, network: ImageNetwork) -> None:
        super().__init__()
        self.network = network.module
        self.register_buffer("mean", 255.0 * torch.tensor(network.mean).view(1, 3, 1, 1))
        self.register_buffer("scale", 1.0 / (255.0 * torch.tensor(network.std).view(1, 3, 1, 1)))
        self.staged = hasattr(network.module, "forward_intermediates")  # of timm

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, height, width, 3) uint8 -> (n, features)."""
        images = (pixels.permute(0, 3, 1, 2).float() - self.mean) * self.scale
        if not self.staged:
            return self.network(images)
        final, stages = self.network.forward_intermediates(images)
        means = [stage.mean(dim=(2, 3)) for stage in stages]
        return torch.cat([*means, self.network.forward_head(final)], dim=1)
