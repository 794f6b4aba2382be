"""Rows through a network: what an encoder is, and the loop that turns its batches into one feature row a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from torch import nn

from deepworth.data.examples import Examples
from deepworth.models.frozen._runtime import Batch

SHARD = 1024  # rows sorted by length together, and flagged as done together


class Encoder(Protocol):
    """Turns rows into batches for a network; one a modality."""

    levels: tuple[int, ...]  # tokens, pixels or seconds: best first, each cheaper than the one before
    unit: str  # of a level, as one would say it
    parts: int  # vectors that stand side by side in a row's features, one a column
    width: int  # of one of them
    one_network: bool  # whether one converted network serves every level
    key: str  # what decides the features besides the weights, the level and the runtime

    def module(self, level: int) -> nn.Module:
        """The network with its pooling: forward(*batch) is (n, width)."""

    def example(self, level: int) -> Batch:
        """Any small batch, to convert the network with."""

    def batches(self, examples: Examples, level: int) -> Iterator[tuple[np.ndarray, Batch]]:
        """(slots, input) in the fastest order; slot = row * parts + part; where one repeats, the mean counts."""

    def work(self, examples: Examples, level: int) -> float:
        """How much computing the rows are, in a unit proportional to seconds."""


def encode(
    encoder: Encoder, level: int, run: Callable[[Batch], np.ndarray], examples: Examples
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(positions, float32 features (n, parts * width)) of all rows, a shard at a time."""
    for start in range(0, len(examples), SHARD):
        positions = np.arange(start, min(start + SHARD, len(examples)))
        total = np.zeros((len(positions) * encoder.parts, encoder.width), dtype=np.float32)
        count = np.zeros((len(total), 1), dtype=np.float32)
        for slots, batch in encoder.batches(examples.take(positions), level):
            np.add.at(total, slots, run(batch))
            np.add.at(count, slots, 1.0)
        yield positions, (total / np.maximum(count, 1.0)).reshape(len(positions), -1)


def encode_all(encoder: Encoder, level: int, run: Callable[[Batch], np.ndarray], examples: Examples) -> np.ndarray:
    """The features of all rows, (n, parts * width) float32."""
    features = np.zeros((len(examples), encoder.parts * encoder.width), dtype=np.float32)
    for positions, block in encode(encoder, level, run, examples):
        features[positions] = block
    return features
