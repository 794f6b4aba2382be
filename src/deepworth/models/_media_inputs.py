"""Rows of text, images and audio as tensors: read once into memory where they fit, else again for every batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from deepworth.data.examples import Examples

if TYPE_CHECKING:  # only networks for text need it
    from tokenizers import Tokenizer

CHUNK = 256  # texts tokenised at once
CUT_CHARS = 12  # characters a token that the tokenizer is given: it reads all it gets


class Inputs(Protocol):
    """The rows of one part of the data, as a network reads them."""

    @property
    def lengths(self) -> np.ndarray | None:
        """Of the rows, where they vary."""

    def __len__(self) -> int: ...

    def batch(self, rows: np.ndarray) -> torch.Tensor:
        """The rows at these positions, stacked. Called from several threads at once."""


class TokenInputs:
    """Token ids of texts, padded to the longest of a batch with `fill`; a text without tokens is one token `empty`."""

    def __init__(self, texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int, fill: int, empty: int) -> None:
        self.fill = fill
        self.ids: list[np.ndarray] = []
        closing = len(tokenizer.encode("").ids) // 2  # tokens such as [SEP] that end every text: kept when it is cut
        for start in range(0, len(texts), CHUNK):
            cut = [text[: CUT_CHARS * max_tokens] for text in texts[start : start + CHUNK]]
            for encoding in tokenizer.encode_batch_fast(cut):
                ids = encoding.ids or [empty]
                if len(ids) > max_tokens:
                    ids = ids[: max_tokens - closing] + ids[len(ids) - closing :]
                self.ids.append(np.array(ids, dtype=np.int32))
        self.lengths = np.array([len(ids) for ids in self.ids], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, rows: np.ndarray) -> torch.Tensor:
        """(n, longest) int64."""
        longest = max(1, int(self.lengths[rows].max(initial=1)))
        padded = np.full((len(rows), longest), self.fill, dtype=np.int64)
        for i, row in enumerate(rows):
            padded[i, : self.lengths[row]] = self.ids[row]
        return torch.from_numpy(padded)


class ArrayInputs:
    """Rows of one shape and type: resident in memory if `budget` bytes hold them, else decoded for every batch.

    `read(examples)` yields (positions, array of rows) in chunks.
    """

    lengths = None

    def __init__(
        self,
        examples: Examples,
        read: Callable[[Examples], Any],
        shape: tuple[int, ...],
        dtype: type,
        budget: float,
    ) -> None:
        self.examples, self.read, self.shape, self.dtype = examples, read, shape, dtype
        fits = len(examples) * int(np.prod(shape)) * np.dtype(dtype).itemsize <= budget
        self.resident = self._decoded(examples) if fits else None

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, rows: np.ndarray) -> torch.Tensor:
        """(n, *shape) of the stored type."""
        if self.resident is None:
            return torch.from_numpy(self._decoded(self.examples.take(rows)))
        return torch.from_numpy(self.resident[rows])

    def _decoded(self, examples: Examples) -> np.ndarray:
        rows: np.ndarray = np.empty((len(examples), *self.shape), dtype=self.dtype)
        for positions, block in self.read(examples):
            rows[positions] = block
        return rows
