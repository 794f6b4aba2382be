"""Where a step runs: the names of Lightning Fabric, and one process in plain torch behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from deepworth.train.checkpoint import read_state, write_state

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Runtime(Protocol):
    """What the loop asks of the machinery below it."""

    device: torch.device
    world_size: int
    rank: int

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The module and the optimiser to train with, on the device."""

    def seed(self, seed: int) -> None:
        """Seed the random generators of this rank; called before every step."""

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision, if any, for a forward pass."""

    def backward(self, loss: Tensor, gradient: Tensor) -> None:
        """Add to the gradients those of `loss` times the number `gradient`."""

    def no_backward_sync(self, module: nn.Module, enabled: bool) -> AbstractContextManager[Any]:
        """Keep gradients on this rank while more micro-batches of the step follow."""

    def clip_gradients(self, module: nn.Module, optimizer: Optimizer, max_norm: float) -> None: ...

    def step(self, optimizer: Optimizer) -> None: ...

    def all_reduce(self, values: Sequence[float]) -> Sequence[float]:
        """Each value summed over all ranks."""

    def save(self, path: Path, state: Mapping[str, Any]) -> None:
        """Write the `state_dict` of every object in `state`; the file is whole or not there."""

    def load(self, path: Path, state: Mapping[str, Any]) -> None:
        """Restore what `save` wrote into the same objects."""


class LocalRuntime:
    """One process on one device."""

    world_size = 1
    rank = 0

    def __init__(
        self, device: torch.device | str = "cpu", precision: Precision = "fp32", compile: bool = False
    ) -> None:
        self.device, self.precision, self.compile = torch.device(device), precision, compile
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self._full = nullcontext()

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        module.to(self.device)
        return (cast(nn.Module, torch.compile(module)) if self.compile else module), optimizer

    def seed(self, seed: int) -> None:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed visits every backend: 100 us instead of 1
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def autocast(self) -> AbstractContextManager[Any]:
        return self._full if self.precision == "fp32" else torch.autocast(self.device.type, DTYPES[self.precision])

    def backward(self, loss: Tensor, gradient: Tensor) -> None:
        self.scaler.scale(loss).backward(gradient)

    def no_backward_sync(self, module: nn.Module, enabled: bool) -> AbstractContextManager[Any]:
        return self._full

    def clip_gradients(self, module: nn.Module, optimizer: Optimizer, max_norm: float) -> None:
        self.scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(module.parameters(), max_norm)

    def step(self, optimizer: Optimizer) -> None:
        self.scaler.step(optimizer)
        self.scaler.update()

    def all_reduce(self, values: Sequence[float]) -> Sequence[float]:
        return values

    def save(self, path: Path, state: Mapping[str, Any]) -> None:
        write_state(path, {name: _plain(item).state_dict() for name, item in {**state, "scaler": self.scaler}.items()})

    def load(self, path: Path, state: Mapping[str, Any]) -> None:
        saved = read_state(path)
        for name, item in {**state, "scaler": self.scaler}.items():
            _plain(item).load_state_dict(saved[name])


def _plain(item: Any) -> Any:
    """A compiled module's own module: its weights keep their names."""
    return getattr(item, "_orig_mod", item)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: CUDA has a class for it, the CPU allocator only a sentence."""
    words = ("not enough memory", "can't allocate memory", "out of memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(w in str(error).lower() for w in words)
