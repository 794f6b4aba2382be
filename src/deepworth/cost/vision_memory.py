"""Peak memory of a step of an image network: states of the weights, and what the images of a batch hold."""

from __future__ import annotations

from deepworth.cost.vision_networks import Network
from deepworth.errors import UserError

# Learned by benchmarks/fit_vision.py from the largest batches that ran on 24 GB in timm's training benchmark.
HELD = 1.06  # bytes of the allocator a traced byte costs: rounding, fragments, buffers of kernels
WORKSPACE_GB = 0.53  # libraries' buffers that come with the first step
STATES = {"sgd": 4, "adam": 8, "lion": 4, "adafactor": 0.1, "8bit": 2, "none": 0}  # bytes a parameter
WIDER = {"fp16": 1.0, "bf16": 1.0, "tf32": 1.85, "fp32": 1.85}  # bytes held beside those of mixed precision


def parts(
    network: Network, *, train: bool, kind: str, optimizer: str = "sgd", pure: bool = False
) -> tuple[float, float]:
    """GB that a step holds whatever the batch, and GB an image adds as traced.

    Mixed precision keeps fp32 weights and gradients and a half-precision copy of the weights; `pure`: all in half.
    """
    weights = network.params_m * 1e-3
    half = kind in ("fp16", "bf16")
    each = network.work["train_peak_mb" if train else "peak_mb"] * 1e-3 * WIDER[kind]
    picture = 3 * network.img**2 * 4e-9
    held: float = 2 if pure else 6 if half else 4
    if train:
        held += (2 if pure else 4) + states(optimizer)
    return weights * held, each + picture


def states(optimizer: str) -> float:
    """Bytes an optimiser keeps for a parameter. Raises UserError."""
    word = optimizer.lower().replace("-", "").replace("_", "")
    if "8bit" in word:
        return STATES["8bit"]
    for name in ("adafactor", "adam", "lion", "sgd", "momentum", "none"):
        if name in word:
            return STATES["sgd" if name == "momentum" else name]
    raise UserError(f"optimizer is {optimizer!r}: give sgd, adamw, adamw-8bit, lion or adafactor")


def peak_gb(
    network: Network, batch: float, *, train: bool, kind: str, optimizer: str = "sgd", pure: bool = False
) -> float:
    """Likely peak of the allocator, GB (1e9 bytes); the driver's context is outside."""
    fixed, each = parts(network, train=train, kind=kind, optimizer=optimizer, pure=pure)
    return fixed + WORKSPACE_GB + HELD * each * batch
