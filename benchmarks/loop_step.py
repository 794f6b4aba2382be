"""One step of the loop against a hand-written one: resident tensors, fused AdamW, a small tabular net, one thread.

    python benchmarks/loop_step.py [rounds]

Both train the same net on the same batches in turn; what is printed are medians of CPU time and of the ratios of
neighbouring rounds, so that other work on the machine weighs on both alike.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn

from deepworth.train.batches import IndexBatches
from deepworth.train.loop import train
from deepworth.train.options import Options
from deepworth.train.recipe import Group, Recipe, cross_entropy, supervised

ROWS, BATCH, EPOCHS = 16_384, 256, 4


def made() -> tuple[torch.Tensor, torch.Tensor, nn.Module]:
    torch.manual_seed(0)
    x = torch.randn(ROWS, 32)
    net = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))
    return x, (x[:, 0] * x[:, 1] > 0).long(), net


def by_hand(x: torch.Tensor, y: torch.Tensor, net: nn.Module, clip: bool) -> None:
    """What one would write for this net and nothing else."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    for _ in range(EPOCHS):
        for rows in torch.randperm(ROWS).split(BATCH):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()


def by_loop(x: torch.Tensor, y: torch.Tensor, net: nn.Module, clip: bool) -> None:
    group = Group(parameters=tuple(net.parameters()), lr=1e-3, weight_decay=0.01)
    recipe = Recipe(module=net, loss=supervised(cross_entropy), groups=(group,))
    options = Options(epochs=EPOCHS, clip_norm=1.0 if clip else None, evaluate_every=10**9)
    train(recipe, IndexBatches((x, y), BATCH), lambda module: 0.0, options)


def cpu_seconds(run: Callable[..., None], clip: bool) -> float:
    x, y, net = made()
    net = copy.deepcopy(net)
    begun = time.process_time()
    run(x, y, net, clip)
    return (time.process_time() - begun) / (EPOCHS * ROWS / BATCH)


def main(rounds: int = 15) -> None:
    torch.set_num_threads(1)
    for clip in (False, True):
        cpu_seconds(by_hand, clip), cpu_seconds(by_loop, clip)
        pairs = []
        for i in range(rounds):
            order = (by_hand, by_loop) if i % 2 else (by_loop, by_hand)
            took = {run: cpu_seconds(run, clip) for run in order}
            pairs.append((took[by_hand], took[by_loop]))
        hand, loop = (median(side) for side in zip(*pairs, strict=True))
        ratio = median(b / a for a, b in pairs)
        print(f"clipping {clip!s:5}  by hand {hand * 1e6:6.0f} us a step, loop {loop * 1e6:6.0f} us, ratio {ratio:.3f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
