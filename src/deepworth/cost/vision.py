"""Answers to requests about image networks: peak memory, seconds, images, dollars, and whether it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deepworth.cost import language_time, place, vision_memory, vision_networks, vision_time
from deepworth.cost.catalogue import Accelerator
from deepworth.cost.place import Site
from deepworth.cost.vision_networks import Network
from deepworth.errors import UserError

# Half widths of 90 % intervals, as natural logarithms; those that apply add as independent errors do. What they hold
# of the published measurements is printed by benchmarks/estimates.py.
MEMORY = {"base": 0.15, "like": 0.50, "infer": 0.25, "precision": 0.15}
TIME = {
    "base": 0.22, "train": 0.10, "like": 0.25, "card": 0.25, "launch": 0.45, "cpu": 0.50, "probed": 0.30,
    "precision": 0.15, "several": 0.15,
}  # fmt: skip
DEFAULTS = {"mode": "train", "precision": "amp", "optimizer": "sgd"}
BATCH = {"gpu": 128, "cpu": 32}  # at most, where a request names none
SPARE = 0.1  # of the memory is left free where the batch is ours to choose
MOST = {"batch": 2**24, "n_gpus": 2**20}
MODES = {"train": True, "training": True, "fit": True, "infer": False, "inference": False, "predict": False}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory (GB, 1e9 bytes), seconds a step, images a second, dollars an hour, and `fits`.

    A step is one batch: forward, backward and update in training. Raises UserError with the nearest names where the
    network or the hardware is not known, or where a field cannot be read.
    """
    asked = {**DEFAULTS, **{key: value for key, value in request.items() if value is not None}}
    network = vision_networks.find(asked)
    site = place.site(str(asked.get("hardware") or asked.get("gpu") or ""))
    device, count = site.device, _whole(asked.get("n_gpus") or site.count or 1, "n_gpus")
    train = MODES.get(str(asked.get("mode") or asked.get("task")).lower())
    if train is None:
        raise UserError(f"mode is {asked['mode']!r}: give train or infer")
    eight, gain = "int8" in str(asked["precision"]).lower() and not train, 1.0
    if eight:
        kind, gain, said = vision_time.int8(device)
    else:
        kind, said = vision_time.kind_of(str(asked["precision"]), device)
    pure = str(asked["precision"]).lower().endswith("true") or eight
    warnings = [*site.notes, *([said] if said else [])]
    if "batch" in asked:
        batch = _whole(asked["batch"], "batch")
    else:
        batch = _usual_batch(network, device, train=train, kind=kind, optimizer=str(asked["optimizer"]))
        warnings.append(f"batch is not given and was taken as {batch} a device")
    peak = vision_memory.peak_gb(network, batch, train=train, kind=kind, optimizer=str(asked["optimizer"]), pure=pure)
    told: dict[str, Any] = {
        "model": f"like {network.like[0]}" if network.apart else network.like[0],
        "peak_gb": _interval(peak, _spread_of_memory(network, train=train, kind=kind)),
    }
    if network.apart:
        warnings.append(f"no network of these sizes is in the table; nearest are {', '.join(network.like)}")
    if vision_time.plain_rate(device):
        alone = vision_time.seconds(network, device, train=train, kind=kind, batch=batch)
        half = spread_of_time(network, device, alone, train=train, kind=kind, count=count, warnings=warnings)
        half = math.hypot(half, math.log(gain))
        step = alone / gain + (exchange(network, device, count) if train else 0.0)
        told["seconds_per_step"] = _interval(step, half)
        told["items_per_second"] = _interval(batch * count / step, half)
    else:
        warnings.append(f"no arithmetic rate of {device.name} is known: time is left out; measure it")
    told |= {"hardware": device.name, "n_gpus": count, "usable_gb": device.usable_gb, "batch": batch}
    told["usd_per_hour"] = place.hourly(site, count, warnings)
    told["fits"] = bool(peak <= device.usable_gb)
    if not told["fits"]:
        most = largest_batch(network, device, train=train, kind=kind, optimizer=str(asked["optimizer"]))
        held = f"activations of {batch} images do not fit {device.name}"
        warnings.append(f"{held}; a batch of {most} does" if most else f"not a single image fits {device.name}")
    usual = DEFAULTS if train else {key: DEFAULTS[key] for key in ("mode", "precision")}
    unsaid = [f"{field} {value}" for field, value in usual.items() if request.get(field) is None]
    unsaid += ["img 224"] if request.get("img") is None and not request.get("model") else []
    return told | {"basis": _basis(network, site, train, unsaid), "warnings": warnings}


def _usual_batch(network: Network, device: Accelerator, *, train: bool, kind: str, optimizer: str) -> int:
    """As many as fit with SPARE left, a multiple of 8, up to BATCH; a processor is asked one image at a time."""
    if device.kind == "cpu" and not train:
        return 1
    most = largest_batch(network, device, train=train, kind=kind, optimizer=optimizer, share=1 - SPARE)
    most = min(BATCH.get(device.kind, BATCH["gpu"]), most)
    return most - most % 8 if most >= 8 else max(1, most)


def exchange(network: Network, device: Accelerator, count: int) -> float:
    """Seconds a step between devices that each see other images: fp32 gradients go round the ring once and back."""
    if count == 1:
        return 0.0
    size = 4e6 * network.params_m
    return 2 * size * (count - 1) / count / language_time.link(device, count)


def largest_batch(
    network: Network, device: Accelerator, *, train: bool, kind: str, optimizer: str = "sgd", share: float = 1.0
) -> int:
    """The largest batch whose likely peak fits this share of one device; 0 when a single image does not."""
    fixed, each = vision_memory.parts(network, train=train, kind=kind, optimizer=optimizer)
    room = share * device.usable_gb - vision_memory.WORKSPACE_GB - fixed
    return max(0, math.floor(room / (vision_memory.HELD * each)))


def _spread_of_memory(network: Network, *, train: bool, kind: str) -> float:
    present = {"base": True, "like": bool(network.apart), "infer": not train, "precision": kind in ("fp32", "tf32")}
    return _joined(MEMORY, present)


def spread_of_time(
    network: Network, device: Accelerator, step: float, *, train: bool, kind: str, count: int, warnings: list[str]
) -> float:
    launch = vision_time.launches(network, device, train) * vision_time.LAUNCH_US * 1e-6 / step
    measured = device.name in vision_time.CARDS
    if launch > 0.5:
        warnings.append("the batch is small: most of a step is the launching of kernels, which the host decides")
    if vision_time.probed(device):
        warnings.append("held against 18 networks on one Xeon, fp32 without compilation: others may differ by 1.5x")
    elif device.kind == "cpu":
        warnings.append("held against two processors, compiled, one image at a time: others may differ by 2x")
    elif device.kind == "soc-gpu":
        warnings.append(
            f"no run on Apple silicon was at hand: {device.name} is taken to reach what NVIDIA's cards reach of their "
            "data sheet"
        )
    elif not measured:
        warnings.append(f"no published run on {device.name} was at hand: the estimate rests on its data sheet")
    if count > 1:
        warnings.append(f"no published run of images on several devices was at hand: {count} see other images each")
    present = {
        "base": True,
        "several": count > 1,
        "train": train,
        "like": bool(network.apart),
        "card": not measured,
        "launch": launch > 0.5,
        "cpu": device.kind == "cpu" and (not vision_time.probed(device) or device.confidence == "C"),
        "probed": vision_time.probed(device),
        "precision": kind in ("fp32", "tf32") and device.kind != "cpu",
    }
    return _joined(TIME, present)


def _joined(widths: Mapping[str, float], present: Mapping[str, bool]) -> float:
    return math.sqrt(sum(width**2 for name, width in widths.items() if present[name]))


def _interval(likely: float, half: float) -> dict[str, float]:
    return {"low": likely * math.exp(-half), "likely": likely, "high": likely * math.exp(half)}


def _basis(network: Network, site: Site, train: bool, unsaid: list[str]) -> str:
    known = f"sizes of {network.like[0]}" if not network.apart else f"mean of networks near {network.like[0]}"
    if site.device.kind != "cpu":
        runs = "390 training runs on an RTX 3090" if train else "2,400 inference runs on seven cards"
    elif train or vision_time.probed(site.device):
        runs = "81 steps of 18 networks on one Xeon, fp32"
    else:
        runs = "976 inference runs on two processors"
    told = f"{known}, traced operator by operator; roofline with efficiencies learned from {runs}"
    told += f"; not given and taken as usual: {', '.join(unsaid)}" if unsaid else ""
    return f"{told}; {site.basis}"


def _whole(value: Any, field: str) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (1 <= number <= MOST[field] and number == int(number)):
        raise UserError(f"{field} is {value!r}: give a whole number from 1 to {MOST[field]:,}")
    return int(number)
