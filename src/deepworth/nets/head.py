"""A pretrained network with a linear head on its pooled features."""

from __future__ import annotations

import torch
from torch import nn


class Headed(nn.Module):
    """A linear head on the standardised features of `backbone`, which maps a batch to (n, width).

    The features are standardised by constants, so that one learning rate suits the head whatever the scale of the
    backbone's features.
    """

    def __init__(self, backbone: nn.Module, width: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.weight)  # until a probe or a step sets it, every row gets the same answer
        nn.init.zeros_(self.head.bias)

    @torch.no_grad()
    def start(self, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Begin from a linear probe of (features - mean) * scale: (outputs, width) weights and an (outputs,) bias.

        A random head sends large random gradients into the backbone and spoils what it knows before the head has learnt
        anything; starting from the probe avoids it (LP-FT: Kumar et al. 2022, arXiv:2202.10054).
        """
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.head.weight.copy_(weight)
        self.head.bias.copy_(bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, outputs) logits or values."""
        return self.head(self.dropout((self.backbone(inputs) - self.mean) * self.scale))
