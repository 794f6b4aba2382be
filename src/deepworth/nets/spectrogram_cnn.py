"""A convolutional network over log-mel spectrograms."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from deepworth.nets.resnet import Block, norm


class SpectrogramCNN(nn.Module):
    """Residual blocks that halve time and frequency, mean over frequency, mean and maximum over time, a linear head.

    Mean and maximum together because a short event in a long clip is lost in the mean alone (Kong et al. 2020, PANNs,
    arXiv:1912.10211).
    """

    def __init__(
        self,
        outputs: int,
        widths: tuple[int, ...] = (24, 48, 96, 128),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, widths[0], 5, 2, 2, bias=False), norm(widths[0]), nn.ReLU())
        self.stages = nn.Sequential(*[Block(a, b, 2) for a, b in pairwise(widths)])
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * widths[-1], outputs))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """(n, mels, frames), about zero mean and unit spread, to (n, outputs)."""
        steps = self.stages(self.stem(mels.unsqueeze(1))).mean(2)  # (n, width, frames / 16)
        return self.head(torch.cat([steps.mean(2), steps.amax(2)], 1))
