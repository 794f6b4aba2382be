"""Weights worth keeping: the running average of them, and the best so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of the parameters; a decay of 0 averages nothing.

    Early in training the average is younger, min(decay, (1 + t) / (10 + t)), or it would remember the random start.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.parameters: list[Tensor] = list(module.parameters()) if decay else []
        self.means = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after `step` steps."""
        torch._foreach_lerp_(self.means, self.parameters, 1 - min(self.decay, (1 + step) / (10 + step)))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The module with the average as its weights; pointers change hands, nothing is copied."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for i, parameter in enumerate(self.parameters):
            parameter.data, self.means[i] = self.means[i], parameter.data

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for mean, saved in zip(self.means, state["means"], strict=True):
            mean.copy_(saved)


class Best:
    """The weights with the highest score so far, as a copy."""

    def __init__(self) -> None:
        self.score = float("-inf")
        self.step = 0
        self.weights: dict[str, Tensor] = {}

    def offer(self, module: nn.Module, score: float, step: int) -> bool:
        """Keep the weights if `score` beats all before, which NaN never does; whether it did."""
        if not score > self.score:
            return False
        self.score, self.step = score, step
        self.weights = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
        return True

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "step": self.step, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.score, self.step, self.weights = state["score"], state["step"], state["weights"]
