"""A pretrained network with a linear head on its pooled features."""

from __future__ import annotations

import torch
from torch import nn


class Headed(nn.Module):
    """head(dropout(backbone(inputs))): `backbone` maps a batch to (n, width) features."""

    def __init__(self, backbone: nn.Module, width: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.weight)  # until a probe or a step sets it, every row gets the same answer
        nn.init.zeros_(self.head.bias)

    @torch.no_grad()
    def start(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Begin from a linear probe's solution: (outputs, width) and (outputs,).

        A random head sends large random gradients into the backbone and spoils what it knows before the head has learnt
        anything; starting from the probe avoids it (LP-FT: Kumar et al. 2022, arXiv:2202.10054).
        """
        self.head.weight.copy_(weight)
        self.head.bias.copy_(bias)

    def forward(self, inputs: object) -> torch.Tensor:
        """(n, outputs) logits or values."""
        return self.head(self.dropout(self.backbone(inputs)))
