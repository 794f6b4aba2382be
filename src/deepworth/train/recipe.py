"""What is trained and how: a module, a loss that is a sum, parameter groups and a learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

Batch = (
    Any  # what the batches yield and the loss reads; a tuple whose last element is the target unless `weight` is given
)
Loss = Callable[[nn.Module, Batch], Tensor]
Schedule = Callable[[float], float]  # share of the training done, 0 to 1 -> factor on every learning rate


@dataclass(frozen=True, kw_only=True)
class Group:
    """Parameters that share a learning rate, a weight decay and the moment they begin to learn."""

    parameters: tuple[nn.Parameter, ...]
    lr: float
    weight_decay: float = 0.0
    thaw: float = 0.0  # share of the training done when these begin to learn; until then they cost no backward pass


def num_rows(batch: Batch) -> float:
    """The weight of a batch that is a tuple: the rows of its target."""
    return len(batch[-1])


def adamw(groups: list[dict[str, Any]]) -> Optimizer:
    """AdamW in one kernel for all parameters: on a small net 1.4x the steps of the default, on a CPU too."""
    return torch.optim.AdamW(groups, fused=True)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything the loop must know about a net; mixup, label smoothing, adapters and several heads live in here.

    `loss(module, batch)` is the SUM over the batch, `weight(batch)` what that sum is divided by once, over the whole
    optimiser step. It calls the `module` it is given, which may be a wrapper of this one. Parameters in no group stay
    as they are.
    """

    module: nn.Module
    loss: Loss
    groups: tuple[Group, ...]
    weight: Callable[[Batch], float] = num_rows
    schedule: Schedule = lambda progress: 1.0
    optimizer: Callable[[list[dict[str, Any]]], Optimizer] = adamw
    layers: Sequence[nn.Module] = ()  # most of the module, one after another: what can be recomputed to save memory

    def make_optimizer(self) -> Optimizer:
        """The optimiser over all groups, in their order; everything outside them is frozen."""
        self.module.requires_grad_(False)
        for group in self.groups:
            for parameter in group.parameters:
                parameter.requires_grad_(True)  # `advance` freezes what thaws later: DDP overlooks what it wraps frozen
        return self.optimizer(
            [{"params": list(g.parameters), "lr": g.lr, "weight_decay": g.weight_decay} for g in self.groups]
        )

    def advance(self, optimizer: Optimizer, progress: float) -> None:
        """Set the learning rates and thaw the groups due when `progress` (0 to 1) of the training is done."""
        factor = self.schedule(progress)
        for group, state in zip(self.groups, optimizer.param_groups, strict=True):
            state["lr"] = group.lr * factor
            if group.thaw and group.parameters[0].requires_grad != (progress >= group.thaw):
                for parameter in group.parameters:
                    parameter.requires_grad_(progress >= group.thaw)


# Parameter groups


def groups_of(
    modules: nn.Module | Iterable[nn.Module], lr: float, weight_decay: float = 0.0, thaw: float = 0.0
) -> tuple[Group, ...]:
    """The parameters of modules in up to two groups: weight decay is for matrices, not for biases and norms."""
    modules = [modules] if isinstance(modules, nn.Module) else list(modules)
    parameters = list(dict.fromkeys(p for module in modules for p in module.parameters()))
    matrices = tuple(p for p in parameters if p.ndim > 1)
    vectors = tuple(p for p in parameters if p.ndim <= 1)
    kinds = ((matrices, weight_decay), (vectors, 0.0))
    return tuple(Group(parameters=ps, lr=lr, weight_decay=decay, thaw=thaw) for ps, decay in kinds if ps)


def layerwise_groups(
    stages: Sequence[nn.Module | Sequence[nn.Module]],
    lr: float,
    *,
    factor: float = 0.8,
    weight_decay: float = 0.0,
    thaw: Sequence[float] = (),
) -> tuple[Group, ...]:
    """Groups for stages ordered from the head down to the input: stage i learns at `lr * factor**i` from `thaw[i]` on.

    Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018.
    """
    thaws = [*thaw, *[thaw[-1] if thaw else 0.0] * (len(stages) - len(thaw))]
    return tuple(
        group
        for depth, (stage, begin) in enumerate(zip(stages, thaws, strict=True))
        for group in groups_of(stage, lr * factor**depth, weight_decay, begin)
    )


# Schedules


def warmup_cosine(warmup: float = 0.1, floor: float = 0.0) -> Schedule:
    """Rises linearly over the share `warmup`, then falls along a cosine to `floor`."""
    return flat_cosine(warmup, flat=0.0, floor=floor)


def flat_cosine(warmup: float = 0.0, flat: float = 0.5, floor: float = 0.0) -> Schedule:
    """Rises linearly over the share `warmup`, stays at 1 until `flat`, then falls along a cosine to `floor`."""
    begin = max(warmup, flat)

    def schedule(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        if progress < begin:
            return 1.0
        return floor + (1 - floor) * (1 + math.cos(math.pi * (progress - begin) / (1 - begin))) / 2

    return schedule


# Losses: sums over the batch


def supervised(criterion: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """The loss of batches `(*inputs, target)`: `criterion(module(*inputs), target)`."""
    return lambda module, batch: criterion(module(*batch[:-1]), batch[-1])


def cross_entropy(logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Summed cross-entropy of (n, classes) logits against (n,) codes or (n, classes) probabilities, in fp32."""
    return F.cross_entropy(logits.float(), target, reduction="sum", label_smoothing=smoothing)


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Summed squared error of (n,) or (n, 1) predictions, in fp32."""
    return F.mse_loss(prediction.float().view_as(target), target, reduction="sum")


def huber(prediction: Tensor, target: Tensor, delta: float = 1.0) -> Tensor:
    """Summed Huber loss of (n,) or (n, 1) predictions, in fp32."""
    return F.huber_loss(prediction.float().view_as(target), target, reduction="sum", delta=delta)


def mixup(inputs: Tensor, target: Tensor, classes: int, alpha: float = 0.2) -> tuple[Tensor, Tensor]:
    """Convex mixtures of random pairs of the batch: inputs and (n, classes) probabilities for `cross_entropy`.

    Call it in `Recipe.loss`. Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018.
    """
    share = torch.distributions.Beta(alpha, alpha).sample((len(inputs),)).to(inputs)
    other = torch.randperm(len(inputs), device=inputs.device)
    mixed = torch.lerp(inputs[other], inputs, share.view(-1, *[1] * (inputs.ndim - 1)))
    soft = F.one_hot(target, classes).to(inputs)
    return mixed, torch.lerp(soft[other], soft, share[:, None])
