"""Peak memory and seconds of traced modules against what a real run of them takes on this machine's processor.

    python benchmarks/traced_memory.py [--only "convnet;attention"]

Each module runs two steps in its own process, fp32, one thread; the peak is the most resident memory beyond what the
process held before the module was built. Seconds are compared only between modules: the machine is no catalogue part.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from deepworth.cost._trace import trace
from deepworth.cost.catalogue import accelerator

# glibc keeps freed blocks below 32 MB in its heap, where they count as resident: a checkpointed network then holds 2.4x
# what lives. With these it hands them back, as the allocators of accelerators reuse theirs.
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


class Attention(nn.Module):
    """Six encoder blocks over 196 tokens; optionally each computed again in the backward pass."""

    def __init__(self, again: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, activation="gelu", batch_first=True) for _ in range(6)
        )
        self.head, self.again = nn.Linear(256, 10), again

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False) if self.again else block(x)
        return self.head(x.mean(1))


def convnet() -> nn.Module:
    """Twelve 3x3 convolutions with batch normalisation, three sizes of maps."""
    layers: list[nn.Module] = []
    width = 3
    for out in (64, 128, 256):
        for stride in (2, 1, 1, 1):
            layers += [nn.Conv2d(width, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
            width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


def perceptron() -> nn.Module:
    """Wide layers: weights and their states are the bill."""
    return nn.Sequential(*[m for _ in range(4) for m in (nn.Linear(2048, 2048), nn.ReLU())], nn.Linear(2048, 10))


def frozen() -> nn.Module:
    """The convolutional network with only its head learning."""
    module = convnet()
    for parameter in list(module.parameters())[:-2]:
        parameter.requires_grad = False
    return module


def _images(n: int) -> tuple[torch.Tensor, ...]:
    return (torch.zeros(n, 3, 128, 128),)


def _tokens(n: int) -> tuple[torch.Tensor, ...]:
    return (torch.zeros(n, 196, 256),)


def _rows(n: int) -> tuple[torch.Tensor, ...]:
    return (torch.zeros(n, 2048),)


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[int], tuple[torch.Tensor, ...]], int, bool]] = {
    "convnet": (convnet, _images, 32, True),
    "convnet, frozen body": (frozen, _images, 32, True),
    "convnet, inference": (convnet, _images, 64, False),
    "attention": (Attention, _tokens, 32, True),
    "attention, checkpointed": (lambda: Attention(again=True), _tokens, 32, True),
    "attention, inference": (Attention, _tokens, 64, False),
    "perceptron": (perceptron, _rows, 512, True),
}


def measure(name: str) -> dict[str, float]:
    """Peak GB beyond the start of the process, and seconds of the second step."""
    build, example, batch, train = CASES[name]
    torch.set_num_threads(1)
    nn.Conv2d(8, 8, 3)(torch.zeros(2, 8, 9, 9)).sum().backward()  # the libraries' own memory comes with the first call
    nn.Linear(64, 64)(torch.zeros(64, 64)).sum().backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    module = build().train(train)
    learning = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, foreach=False)
    inputs = tuple(torch.randn_like(t) for t in example(batch))
    for _ in range(2):
        start = time.perf_counter()
        with torch.set_grad_enabled(train):
            out = module(*inputs)
            if train:
                out.square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
        seconds = time.perf_counter() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e9
    return {"peak_gb": peak, "seconds": seconds}


def main() -> None:
    """One line a module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    for name in options.only.split(";") if options.only else CASES:
        build, example, batch, train = CASES[name]
        command = [sys.executable, __file__, "--measure", name]
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | GIVES_BACK)
        real = json.loads(said.stdout)
        traced = trace(build(), example, train=train, precision="fp32", processor=True)
        inputs = sum(t.numel() * t.element_size() for t in example(batch)) / 1e9
        guess = traced.peak_gb(batch) + inputs
        flops = traced.network.gmacs * 2e9 * batch * (3 if train else 1)
        there = traced.seconds(batch, accelerator("RTX 3090"))
        print(
            f"{name:<26} peak {real['peak_gb']:.3f} GB, traced {guess:.3f} ({guess / real['peak_gb'] - 1:+.0%})   "
            f"{flops / real['seconds'] / 1e9:6.1f} GFLOP/s reached here; on an RTX 3090 {there * 1e3:.1f} ms a step"
        )


if __name__ == "__main__":
    main()
