"""Answers to requests about image networks: peak memory, seconds, images, dollars, and whether it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deepworth.cost import catalogue, vision_memory, vision_networks, vision_time
from deepworth.cost.catalogue import Accelerator
from deepworth.cost.vision_networks import Network
from deepworth.errors import UserError

# Half widths of 90 % intervals, as natural logarithms; those that apply add as independent errors do. What they hold
# of the published measurements is printed by benchmarks/estimates.py.
MEMORY = {"base": 0.15, "like": 0.50, "infer": 0.25, "precision": 0.15}
TIME = {"base": 0.22, "train": 0.10, "like": 0.25, "card": 0.25, "launch": 0.45, "cpu": 0.50, "precision": 0.15}
DEFAULTS = {"batch": 1, "mode": "train", "precision": "amp", "optimizer": "sgd"}
MODES = {"train": True, "training": True, "fit": True, "infer": False, "inference": False, "predict": False}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory (GB, 1e9 bytes), seconds a step, images a second, dollars an hour, and `fits`.

    A step is one batch: forward, backward and update in training. Raises UserError with the nearest names where the
    network or the hardware is not known, or where a field cannot be read.
    """
    asked = {**DEFAULTS, **{key: value for key, value in request.items() if value is not None}}
    network = vision_networks.find(asked)
    device, assumed = catalogue.resolve(str(asked.get("hardware") or asked.get("gpu") or ""))
    train = MODES.get(str(asked.get("mode") or asked.get("task")).lower())
    if train is None:
        raise UserError(f"mode is {asked['mode']!r}: give train or infer")
    batch = _whole(asked["batch"])
    kind, said = vision_time.kind_of(str(asked["precision"]), device)
    pure = str(asked["precision"]).lower().endswith("true")
    warnings = [text for text in (f"hardware: {assumed}" if assumed else "", said) if text]
    peak = vision_memory.peak_gb(network, batch, train=train, kind=kind, optimizer=str(asked["optimizer"]), pure=pure)
    told: dict[str, Any] = {
        "model": f"like {network.like[0]}" if network.apart else network.like[0],
        "peak_gb": _interval(peak, _spread_of_memory(network, train=train, kind=kind)),
    }
    if network.apart:
        warnings.append(f"no network of these sizes is in the table; nearest are {', '.join(network.like)}")
    if vision_time.plain_rate(device):
        step = vision_time.seconds(network, device, train=train, kind=kind, batch=batch)
        half = _spread_of_time(network, device, step, train=train, kind=kind, warnings=warnings)
        told["seconds_per_step"] = _interval(step, half)
        told["items_per_second"] = _interval(batch / step, half)
    else:
        warnings.append(f"no arithmetic rate of {device.name} is known: time is left out; measure it")
    told["usd_per_hour"] = _price(device, warnings)
    told["fits"] = peak <= device.usable_gb
    return told | {"basis": _basis(network, device, train), "warnings": warnings}


def largest_batch(network: Network, device: Accelerator, *, train: bool, kind: str, optimizer: str = "sgd") -> int:
    """The largest batch whose likely peak fits one device; 0 when a single image does not."""
    fixed, each = vision_memory.parts(network, train=train, kind=kind, optimizer=optimizer)
    room = device.usable_gb - vision_memory.WORKSPACE_GB - fixed
    return max(0, math.floor(room / (vision_memory.HELD * each)))


def _spread_of_memory(network: Network, *, train: bool, kind: str) -> float:
    present = {"base": True, "like": bool(network.apart), "infer": not train, "precision": kind in ("fp32", "tf32")}
    return _joined(MEMORY, present)


def _spread_of_time(
    network: Network, device: Accelerator, step: float, *, train: bool, kind: str, warnings: list[str]
) -> float:
    launch = vision_time.launches(network, device, train) * vision_time.LAUNCH_US * 1e-6 / step
    measured = device.name in vision_time.CARDS
    if launch > 0.5:
        warnings.append("the batch is small: most of a step is the launching of kernels, which the host decides")
    if device.kind == "cpu":
        warnings.append("held against two processors, compiled, one image at a time: others may differ by 2x")
    elif not measured:
        warnings.append(f"no published run on {device.name} was at hand: the estimate rests on its data sheet")
    present = {
        "base": True,
        "train": train,
        "like": bool(network.apart),
        "card": not measured,
        "launch": launch > 0.5,
        "cpu": device.kind == "cpu",
        "precision": kind in ("fp32", "tf32") and device.kind != "cpu",
    }
    return _joined(TIME, present)


def _joined(widths: Mapping[str, float], present: Mapping[str, bool]) -> float:
    return math.sqrt(sum(width**2 for name, width in widths.items() if present[name]))


def _interval(likely: float, half: float) -> dict[str, float]:
    return {"low": likely * math.exp(-half), "likely": likely, "high": likely * math.exp(half)}


def _price(device: Accelerator, warnings: list[str]) -> dict[str, float] | None:
    from deepworth.cost import money

    price = money.usd_per_hour(device.name, 1)
    if price is None:
        warnings.append(f"no price of {device.name} is known")
        return None
    return {"low": price.low, "likely": price.likely, "high": price.high}


def _basis(network: Network, device: Accelerator, train: bool) -> str:
    known = f"sizes of {network.like[0]}" if not network.apart else f"mean of networks near {network.like[0]}"
    told = f"{known}, traced operator by operator; roofline with efficiencies learned from "
    told += "390 training runs on an RTX 3090" if train else "2,400 inference runs on seven cards"
    return f"{told}; peaks of {device.name}: {device.source[:60]} (confidence {device.confidence})"


def _whole(value: Any) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (number >= 1 and number == int(number)):
        raise UserError(f"batch is {value!r}: give a whole number above 0")
    return int(number)
