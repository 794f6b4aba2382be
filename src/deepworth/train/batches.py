"""Batches as a pure function of (seed, epoch): by index over resident tensors, or streamed through decoding threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from deepworth.train.recipe import Batch

POOL = 50  # batches sorted by length together: long enough to save padding, short enough to stay random


class Batches(Protocol):
    """The rows of every optimiser step, and the batches made of them."""

    rows: int
    batch_size: int  # rows of an optimiser step, over all micro-batches and ranks

    def __len__(self) -> int:
        """Optimiser steps in an epoch; the same for every epoch."""

    def plan(self, epoch: int) -> Sequence[Tensor]:
        """The rows (int64) of each optimiser step of an epoch: every row once, the last step may be short."""

    def largest(self, count: int) -> Tensor:
        """The `count` rows (int64) that take the most memory."""

    def read(self, pieces: Iterable[Tensor]) -> Iterator[Batch]:
        """The batch of each piece of rows, in this order."""


def permutation(rows: int, seed: int, epoch: int) -> Tensor:
    """The order of the rows in an epoch: nothing to save and nothing to restore when a run resumes."""
    return torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(rows))


class IndexBatches:
    """Batches gathered by index from tensors that lie in memory, on the device they are trained on.

    No DataLoader: on a small net that alone is worth 1.3x to 2.5x (benchmarks/loop_step.py).
    """

    def __init__(self, tensors: Sequence[Tensor], batch_size: int, *, seed: int = 0) -> None:
        self.tensors, self.batch_size, self.seed = tuple(tensors), batch_size, seed
        self.rows, self.device = len(self.tensors[-1]), self.tensors[-1].device

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def plan(self, epoch: int) -> Sequence[Tensor]:
        return permutation(self.rows, self.seed, epoch).to(self.device).split(self.batch_size)

    def largest(self, count: int) -> Tensor:
        return torch.arange(min(count, self.rows), device=self.device)  # all are alike

    def read(self, pieces: Iterable[Tensor]) -> Iterator[tuple[Tensor, ...]]:
        for rows in pieces:
            yield tuple(tensor.index_select(0, rows) for tensor in self.tensors)


class StreamBatches:
    """Batches made by `load(rows)` in threads, a few ahead of the training; for media that must be decoded.

    `load` takes an int64 array of rows and gives a batch on the CPU; it runs in several threads at once and must not
    draw from a global random generator (augment in `Recipe.loss`: the loop seeds every step). Under several ranks a
    share may be empty. With `lengths`, rows of similar length share a batch; the order of the batches stays random.
    """

    def __init__(
        self,
        load: Callable[[np.ndarray], Batch],
        rows: int,
        batch_size: int,
        *,
        seed: int = 0,
        lengths: np.ndarray | None = None,
        workers: int = 1,
        ahead: int = 4,
        device: torch.device | str = "cpu",
    ) -> None:
        self.load, self.rows, self.batch_size, self.seed, self.lengths = load, rows, batch_size, seed, lengths
        self.workers, self.ahead, self.device = workers, ahead, torch.device(device)

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def plan(self, epoch: int) -> Sequence[Tensor]:
        order = permutation(self.rows, self.seed, epoch)
        if self.lengths is None:
            return order.split(self.batch_size)
        lengths = torch.as_tensor(self.lengths)
        pools = order.split(self.batch_size * POOL)
        steps = [step for pool in pools for step in pool[lengths[pool].argsort(stable=True)].split(self.batch_size)]
        shuffled = permutation(len(steps), self.seed, epoch)
        return [steps[i] for i in shuffled.tolist()]

    def largest(self, count: int) -> Tensor:
        if self.lengths is None:
            return torch.arange(min(count, self.rows))
        return torch.as_tensor(self.lengths).argsort(descending=True)[:count]

    def read(self, pieces: Iterable[Tensor]) -> Iterator[Batch]:
        waiting: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="decode") as pool:
            try:
                for rows in pieces:
                    waiting.append(pool.submit(self.load, rows.numpy()))
                    if len(waiting) > self.ahead:
                        yield on_device(waiting.popleft().result(), self.device)
                while waiting:
                    yield on_device(waiting.popleft().result(), self.device)
            finally:
                for future in waiting:
                    future.cancel()


def on_device(batch: Any, device: torch.device) -> Any:
    """The batch with every tensor in its tuples, lists and dicts on `device`."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {name: on_device(value, device) for name, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(on_device(value, device) for value in batch)
    return batch
