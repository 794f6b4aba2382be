"""A small transformer encoder that classifies token sequences, trained from nothing."""

from __future__ import annotations

import torch
from torch import nn

PAD = 0  # the token id that stands for no token


def masked_mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens of each row: (n, length, width) states and an (n, length) mask, true at tokens."""
    weight = mask.unsqueeze(-1).to(states.dtype)
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1.0)


class TextTransformer(nn.Module):
    """Token and position embeddings, pre-norm encoder layers, the masked mean, a linear head.

    Pre-norm (Xiong et al. 2020, arXiv:2002.04745) because it trains without a long warm-up; the mean over tokens
    instead of a class token because it learns faster from few rows.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        width: int = 128,
        layers: int = 2,
        heads: int = 4,
        max_length: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.positions = nn.Embedding(max_length, width)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, outputs)
        for embedding in (self.tokens, self.positions):
            nn.init.normal_(embedding.weight, std=0.02)
        with torch.no_grad():
            self.tokens.weight[PAD].zero_()

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(n, length) token ids, padded with `PAD`, to (n, outputs). A row without tokens gives the head of zeros."""
        mask = ids != PAD
        states = self.dropout(self.tokens(ids) + self.positions.weight[: ids.shape[1]])
        # An attention over nothing is NaN, so an empty row attends to its padding; the mean below leaves it out again.
        attended = mask | ~mask.any(1, keepdim=True)
        return self.head(masked_mean(self.encoder(states, src_key_padding_mask=~attended), mask))
