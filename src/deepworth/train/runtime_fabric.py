"""Several processes, FSDP or DeepSpeed: a lightning_fabric.Fabric behind the names of the Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn
from torch.optim import Optimizer


class FabricRuntime:
    """A launched Fabric. Its checkpoints are read with `weights_only`.

    Groups that thaw leave parameters out of early steps: give DDP `find_unused_parameters=True` for them.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.device, self.world_size, self.rank = fabric.device, fabric.world_size, fabric.global_rank

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        return self.fabric.setup(module, optimizer)

    def seed(self, seed: int) -> None:
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def autocast(self) -> AbstractContextManager[Any]:
        return self.fabric.autocast()

    def backward(self, loss: Tensor, gradient: Tensor) -> None:
        self.fabric.backward(loss, gradient)

    def no_backward_sync(self, module: nn.Module, enabled: bool) -> AbstractContextManager[Any]:
        return self.fabric.no_backward_sync(cast(_FabricModule, module), enabled=enabled)

    def clip_gradients(self, module: nn.Module, optimizer: Optimizer, max_norm: float) -> None:
        self.fabric.clip_gradients(module, optimizer, max_norm=max_norm, error_if_nonfinite=False)

    def step(self, optimizer: Optimizer) -> None:
        optimizer.step()

    def all_reduce(self, values: Sequence[float]) -> Sequence[float]:
        if self.world_size == 1:
            return values
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        return cast(Tensor, self.fabric.all_reduce(sums, reduce_op="sum")).tolist()

    def save(self, path: Path, state: Mapping[str, Any]) -> None:
        fresh = path.with_suffix(".tmp")
        self.fabric.save(fresh, {name: item if _sharded(item) else item.state_dict() for name, item in state.items()})
        if self.fabric.is_global_zero:
            os.replace(fresh, path)
        self.fabric.barrier()

    def load(self, path: Path, state: Mapping[str, Any]) -> None:
        sharded = {name: item for name, item in state.items() if _sharded(item)}
        rest = self.fabric.load(path, sharded, weights_only=True)
        for name in state.keys() - sharded.keys():
            state[name].load_state_dict(rest[name])


def _sharded(item: Any) -> bool:
    """Whether a strategy has its own way to save it; Fabric would load anything else into a copy."""
    return isinstance(item, (nn.Module, Optimizer))
