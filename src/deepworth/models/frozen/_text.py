"""Documents through a sentence encoder: length-sorted batches of equal cost, and pooling inside the network."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import nn

from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.models.frozen._learner import FrozenLearner
from deepworth.models.frozen._runtime import Batch
from deepworth.models.learner import Context
from deepworth.weights._networks import TextNetwork

LEVELS = (256, 192, 128, 96, 64)  # tokens a document is cut to
HEAD = 0.25  # of them from its beginning, the others from its end
BATCH_TOKENS = 4096  # padding included: larger batches gain nothing on a CPU, and leave its cache
CHARS_PER_TOKEN = 4.3  # of English prose
CUT_CHARS = 12  # characters a token a document is cut to before the tokenizer reads it: it reads all it is given


class SentenceEncoder(FrozenLearner):
    """A pretrained text network and a linear head; several text columns stand side by side."""

    modality = "text"

    def encoder_of(
        self, network: TextNetwork, levels: tuple[int, ...], train: Examples | None, context: Context
    ) -> TextEncoder:
        names = tuple(column.name for column in self.columns if column.kind == "text")
        if not names:
            raise UserError("sentence-encoder needs a text column; name one with --text")
        return TextEncoder(network, names, levels, context.threads)


class TextEncoder:
    """Documents to batches of token ids."""

    unit = "tokens"

    def __init__(self, network: TextNetwork, names: tuple[str, ...], levels: tuple[int, ...], threads: int) -> None:
        os.environ.setdefault("RAYON_NUM_THREADS", str(threads))  # of the tokenizer; read when it first runs
        self.network, self.names = network, names
        self.pooled = PooledText(network.module, network.pooling)
        self.levels = levels or tuple(sorted({min(level, network.max_tokens) for level in LEVELS}, reverse=True))
        self.parts = len(names)
        with torch.inference_mode():
            self.width = self.pooled(*map(torch.from_numpy, self.example(8))).shape[1]
        self.one_network = True
        self.key = "ends-" + "+".join(names)

    def module(self, level: int) -> nn.Module:
        return self.pooled

    def example(self, level: int) -> Batch:
        mask = np.ones((2, 8), dtype=np.int64)
        mask[1, 5:] = 0  # a mask of ones may be left out of the conversion
        return np.ones_like(mask), mask

    def batches(self, examples: Examples, level: int) -> Iterator[tuple[np.ndarray, Batch]]:
        """((n,) slots, (ids, mask) (n, tokens) each), short documents first."""
        columns = [examples.strings(name) for name in self.names]
        texts = [shortened(text, level) for row in zip(*columns, strict=True) for text in row]
        found = self.network.tokenizer.encode_batch_fast(texts)
        ids = [cut(document.ids, level) or [self.network.pad] for document in found]
        lengths = rounded(np.array([len(part) for part in ids]))
        order = np.argsort(lengths, kind="stable")
        start = 0
        while start < len(order):
            # Sorted: the last document of a batch is its longest. A batch is as many as fit, and at least one.
            count = np.arange(1, len(order) - start + 1)
            size = max(1, int(np.searchsorted(count * lengths[order[start:]], BATCH_TOKENS, side="right")))
            slots = order[start : start + size]
            yield slots, self._padded([ids[slot] for slot in slots], int(lengths[slots[-1]]))
            start += size

    def work(self, examples: Examples, level: int) -> float:
        """Tokens, guessed from the number of characters."""
        tokens = 0.0
        for name in self.names:
            column = examples.column(name)
            text = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            chars = pc.fill_null(pc.utf8_length(text.cast(pa.string())), 0).to_numpy(zero_copy_only=False)
            tokens += float(np.minimum(2.0 + chars / CHARS_PER_TOKEN, level).sum())
        return tokens

    def _padded(self, documents: list[list[int]], longest: int) -> Batch:
        ids = np.full((len(documents), longest), self.network.pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, document in enumerate(documents):
            ids[row, : len(document)] = document
            mask[row, : len(document)] = 1
        return ids, mask


def shortened(text: str, level: int) -> str:
    """What of a text may matter to `cut`: the tokenizer reads all it is given."""
    start, end = (round(CUT_CHARS * level * share) for share in (HEAD, 1.0 - HEAD))
    return text if len(text) <= start + end else f"{text[:start]} {text[-end:]}"


def cut(ids: list[int], level: int) -> list[int]:
    """The first quarter and the last three quarters of `level` tokens of a document that has more.

    Ends say more than middles (Sun et al. 2019, arXiv:1905.05583, where a quarter and three quarters of 510 tokens were
    best as well). Accuracy with 3,000 rows of imdb20k, against as many tokens from the beginning: 0.846 and 0.823 at
    256 tokens, 0.825 and 0.803 at 128, 0.790 and 0.758 at 64; so 128 tokens are worth what 256 were.
    """
    start = round(HEAD * level)
    return ids if len(ids) <= level else ids[:start] + ids[start - level :]


def rounded(lengths: np.ndarray) -> np.ndarray:
    """Lengths up to the next multiple of 4, 8 or 16 tokens: OpenVINO plans anew for every shape it has not seen."""
    step = np.select([lengths <= 32, lengths <= 128], [4, 8], 16)
    return step * -(-lengths // step)


class PooledText(nn.Module):
    """A text network with its pooling: the last layer's sentence vector and maximum, and the mean of a middle layer.

    The last layer of a sentence encoder knows topics; sentiment and style are plainer two thirds of the way up. On the
    development sets the three together were never worse than the sentence vector alone, and 1 to 2 points better.
    """

    def __init__(self, module: nn.Module, pooling: str) -> None:
        super().__init__()
        self.network, self.pooling = module, pooling

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(n, tokens) int64 each -> (n, 3 * width)."""
        states = self.network(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        last, middle = states[-1], states[round(2 * (len(states) - 1) / 3)]
        weights = attention_mask.unsqueeze(-1).to(last.dtype)
        total = weights.sum(dim=1)

        def mean(layer: torch.Tensor) -> torch.Tensor:
            return (layer * weights).sum(dim=1) / total

        sentence = last[:, 0] if self.pooling == "cls" else mean(last)
        return torch.cat([sentence, mean(middle), (last - 1e4 * (1.0 - weights)).amax(dim=1)], dim=1)
