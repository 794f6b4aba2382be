"""Answers about any `torch.nn.Module`, traced on the meta device: nothing of it is run and nothing allocated."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from deepworth.cost import catalogue, money, vision_time
from deepworth.cost._trace import trace
from deepworth.errors import UserError

# Half widths of 90 % intervals, as natural logarithms. Traced peaks lay 11 % under to 28 % over real ones in training
# and up to 63 % over in inference (benchmarks/traced_memory.py); times take the doubt of a network nobody measured.
MEMORY = {True: 0.3, False: 0.5}
TIME = 0.5


def answer(
    module: nn.Module,
    example: Callable[[int], tuple[torch.Tensor, ...]],
    *,
    hardware: str,
    batch: int = 32,
    mode: str = "train",
    precision: str = "amp",
    optimizer: str = "AdamW",
) -> dict[str, Any]:
    """The fields of an answer to a request, for one step of `module` on `example(batch)`.

    `example(n)` makes the inputs of n items; parameters that do not require gradients are frozen. Raises UserError for
    hardware that is not known and for a mode that is neither train nor infer.
    """
    if mode not in ("train", "infer"):
        raise UserError(f"mode is {mode!r}: give train or infer")
    if batch < 1:
        raise UserError(f"batch is {batch}: give at least 1")
    device, assumed = catalogue.resolve(hardware)
    train = mode == "train"
    # Traced at the batch asked for: with few rows the peak is the gradients', with many the activations'.
    batches = (max(1, batch // 2), max(2, batch))
    traced = trace(module, example, train=train, precision=precision, batches=batches, processor=device.kind == "cpu")
    peak = traced.peak_gb(batch, optimizer.lower())
    warnings = [f"hardware: {assumed}"] if assumed else []
    told: dict[str, Any] = {"peak_gb": _around(peak, MEMORY[train]), "fits": bool(peak <= device.usable_gb)}
    if vision_time.plain_rate(device):
        seconds = traced.seconds(batch, device, precision)
        told |= {"seconds_per_step": _around(seconds, TIME), "items_per_second": _around(batch / seconds, TIME)}
    else:
        warnings.append(f"no arithmetic rate of {device.name} is known: time is left out")
    if rate := money.usd_per_hour(device.name):
        told["usd_per_hour"] = {"low": rate.low, "likely": rate.likely, "high": rate.high}
        warnings += [caveat] if (caveat := rate.price.caveat()) else []
    learned = f"{traced.trainable_m:.3g} M trainable parameters"
    basis = f"one step traced on the meta device, {learned}; roofline of {device.name}"
    return told | {"basis": basis, "warnings": warnings}


def _around(likely: float, half: float) -> dict[str, float]:
    return {"low": likely * math.exp(-half), "likely": likely, "high": likely * math.exp(half)}
