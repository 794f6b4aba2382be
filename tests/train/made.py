"""A small problem every test of the loop trains on: 203 rows, so that every epoch ends in a ragged batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from deepworth.train.batches import IndexBatches
from deepworth.train.loop import train
from deepworth.train.options import Options, Outcome
from deepworth.train.recipe import Recipe, cross_entropy, groups_of, supervised, warmup_cosine

ROWS, BATCH = 203, 64


def data(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, 8, generator=draw)
    return x, ((x[:, 0] * x[:, 1] + x[:, 2]) > 0).long()


def net(dropout: float = 0.0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 2))


def recipe(dropout: float = 0.0, **changes: Any) -> Recipe:
    module = net(dropout)
    parts = {
        "module": module,
        "loss": supervised(cross_entropy),
        "groups": groups_of(module, lr=0.01, weight_decay=0.1),
        "schedule": warmup_cosine(0.1),
    }
    return Recipe(**{**parts, **changes})


def evaluate(module: nn.Module) -> float:
    x, y = data(seed=5)
    with torch.no_grad():
        return -cross_entropy(module(x), y).item() / ROWS


def run(made: Recipe | None = None, runtime=None, folder=None, watch=(), batches=None, **options: Any) -> Outcome:
    batches = batches or IndexBatches(data(), BATCH, seed=3)
    chosen = Options(**{"epochs": 4, "clip_norm": 1.0, "ema": 0.9, **options})
    return train(made or recipe(), batches, evaluate, chosen, runtime, folder, watch)


def losses(outcome: Outcome) -> list[float]:
    return [x for moment in outcome.history for x in (moment.loss, moment.score)]
