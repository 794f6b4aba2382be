"""A small residual network for small images, and the residual block it shares with the spectrogram network."""

from __future__ import annotations

import torch
from torch import nn


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation, eight channels a group (Wu & He 2018, arXiv:1803.08494).

    Not batch normalisation: there the loss of a row depends on its neighbours, so a batch of 64 and 4 of 16 would give
    different gradients, and the answer to a full memory (smaller micro-batches) would change the model. The price is
    a few percent of speed, and of accuracy at large batches.
    """
    return nn.GroupNorm(max(1, channels // 8), channels)


class Block(nn.Module):
    """relu(x + norm(conv(relu(norm(conv(x)))))) with a 1 x 1 shortcut where the shape changes (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            norm(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            norm(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm(outputs))
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.shortcut(images) + self.body(images))


class ResNet(nn.Module):
    """A 3 x 3 stem, one stage of blocks per width at halving resolution, the mean over pixels, a linear head.

    The stem keeps the resolution of images up to 64 pixels a side (the ImageNet stem would leave an 8 x 8 map of a
    32-pixel image) and halves it above.
    """

    def __init__(
        self,
        outputs: int,
        side: int,
        channels: int = 3,
        widths: tuple[int, ...] = (32, 64, 128),
        blocks: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        stride = 1 if side <= 64 else 2
        stages: list[nn.Module] = []
        previous = widths[0]
        for level, width in enumerate(widths):
            for index in range(blocks):
                stages.append(Block(previous, width, stride=2 if level and not index else 1))
                previous = width
        self.stem = nn.Sequential(nn.Conv2d(channels, widths[0], 3, stride, 1, bias=False), norm(widths[0]), nn.ReLU())
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(previous, outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) in 0 to 1, to (n, outputs)."""
        return self.head(self.stages(self.stem((images - 0.5) / 0.25)).mean((2, 3)))
