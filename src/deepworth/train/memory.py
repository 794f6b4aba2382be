"""What the backward pass keeps of each row, and the rows at once, or the recomputing, that make it fit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from deepworth.train.recipe import Batch, Recipe

LEAST_ROWS = 4  # of a step of 16: 1.2 to 1.4 times its time, 2 at once 1.4 to 2.0; all 16 recomputed 1.3 to 1.4
ROOM = 1.5  # of what is kept, measured 0.8 to 1.6: gradients of activations and scratch memory come on top


def recompute(layers: Iterable[nn.Module], on: bool = True) -> None:
    """Make each of `layers` keep its inputs only and compute the rest again in the backward pass, or no longer.

    A third more time for a fraction of the memory; the gradients are the same, random draws included. Chen et al.,
    Training Deep Nets with Sublinear Memory Cost, 2016, arXiv:1604.06174.
    """
    for layer in layers:
        vars(layer).pop("forward", None)  # from here on that of its class
        if on:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)


def kept_bytes(recipe: Recipe, batch: Batch) -> tuple[int, int]:
    """Bytes that the loss of `batch` keeps for its backward pass, and the most that one of `recipe.layers` adds.

    Counted by storage as autograd saves them, weights left out; the module must be in training mode.
    """
    seen = {parameter.untyped_storage().data_ptr() for parameter in recipe.module.parameters()}
    total = largest = begun = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal total
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total += storage.nbytes()
        return tensor

    def enter(layer: nn.Module, inputs: Any) -> None:
        nonlocal begun
        begun = total

    def leave(layer: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal largest
        largest = max(largest, total - begun)

    hooks = [layer.register_forward_pre_hook(enter) for layer in recipe.layers]
    hooks += [layer.register_forward_hook(leave) for layer in recipe.layers]
    try:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = recipe.loss(recipe.module, batch)
    finally:
        for hook in hooks:
            hook.remove()
    del loss  # alive until here: a storage that is freed could come again at the same address
    return total, largest


def fitting(recipe: Recipe, batch: Batch, rows: int, most: int, free: float) -> tuple[int, bool]:
    """How many of `most` rows at once fit into `free` bytes, by halves, and whether layers must be recomputed for it.

    `batch` is one of `rows` rows, of the largest there are. Smaller micro-batches come first, since they are nearly
    free; recomputing comes where not even LEAST_ROWS fit, and one row is the answer where nothing does.
    """
    kept, largest = kept_bytes(recipe, batch)
    if (found := _halved(most, kept / rows, free)) >= min(most, LEAST_ROWS) or not recipe.layers:
        return found, False
    recompute(recipe.layers)
    try:
        kept = kept_bytes(recipe, batch)[0] + largest  # one layer at a time is computed again
    finally:
        recompute(recipe.layers, on=False)
    return _halved(most, kept / rows, free), True


def _halved(most: int, row_bytes: float, free: float) -> int:
    rows = most
    while rows > 1 and ROOM * row_bytes * rows > free:
        rows = -(-rows // 2)
    return rows
