"""Answers to requests about language models: peak memory, seconds, tokens, dollars, and whether it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deepworth.cost import catalogue, language_memory, language_setup, language_time, money
from deepworth.cost.catalogue import Accelerator
from deepworth.cost.language_setup import Setup
from deepworth.cost.language_spelling import Sharding

# Half widths of 90 % intervals, as natural logarithms: what published measurements scatter by around the closed form,
# by part of the peak and by kind of run; they add as independent errors do. How often they hold is printed by
# benchmarks/estimates_language.py.
BYTES = {
    "weights": 0.06, "casts": 0.1, "gathered": 0.2, "gradients": 0.3, "states": 0.2, "step": 0.4, "activations": 0.3,
    "logits": 0.4, "cache": 0.35, "workspace": 0.8,
}  # fmt: skip
MEMORY = {"any": 0.1, "library": 0.12, "assumed": 0.25}
SECONDS = {"exchange": 0.5, "launches": 0.3, "unpacking": 0.4, "weights": 0.2}
TIME = {"any": 0.13, "eager": 0.30, "links": 0.12, "hardware": 0.25, "generation": 0.30, "assumed": 0.20}
HEADROOM = 1.15  # fragmentation, and half of the interval: what must be free beyond the likely peak
MEASURED = ("Ampere", "Hopper", "Ada")
NOT_NAMED = ("", "not stated", "unstated", "unknown", "none", "null")
MOST_DEVICES = 4096


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory (a device, in the request's unit), seconds a step, tokens a second, dollars an hour, and `fits`.

    A step is one optimiser step with all its micro-batches (training) or one token for every sequence (generation).
    UserError with the nearest names where the model or the hardware is not known.
    """
    setup = language_setup.read(request)
    name = str(request.get("hardware") or request.get("gpu") or "").strip()
    device, assumed = (None, "") if name.lower() in NOT_NAMED else catalogue.resolve(name)
    warnings = [*setup.warnings, *([f"hardware: {assumed}"] if assumed else [])]
    gib = str(request.get("unit") or "GB").lower().startswith("gib")
    summed = any(word in str(request.get("scope") or "").lower() for word in ("sum", "total", "all gpus"))
    parts = language_memory.peak(setup)
    peak = sum(parts.values())
    scale = (setup.n_gpus if summed else 1) / (2**30 if gib else 1e9)
    told: dict[str, Any] = {
        "model": setup.model.model,
        "params": setup.model.total,
        "peak_gb": _interval(peak * scale, spread_of_memory(setup, parts)),
        "parts_gb": {part: size * scale for part, size in parts.items() if size * scale >= 0.005},
        "unit": "GiB" if gib else "GB",
    }
    if device is None:
        warnings.append("no hardware is named: time, price and fit are left out")
        return told | {"fits": None, "basis": _basis(setup, None), "warnings": warnings}
    warnings += _limits(setup, device)
    told |= _speed(setup, device, warnings)
    told["usd_per_hour"] = _price(device, setup.n_gpus, warnings)
    told["fits"] = fits(setup, device)
    told["devices_needed"] = devices_needed(setup, device)
    return told | {"basis": _basis(setup, device), "warnings": warnings}


def fits(setup: Setup, device: Accelerator) -> bool:
    """Whether the likely peak and its headroom lie inside what one device can give."""
    return HEADROOM * sum(language_memory.peak(setup).values()) <= device.usable_gb * 1e9


def devices_needed(setup: Setup, device: Accelerator) -> int | None:
    """The fewest devices (a power of two) over which the run fits, all states divided; None above 4096."""
    count = 1
    while count <= MOST_DEVICES:
        sharding = Sharding(stage=3 if count > 1 else 0, shards=count)
        if fits(replace(setup, n_gpus=count, sharding=sharding), device):
            return count
        count *= 2
    return None


def spread_of_memory(setup: Setup, parts: Mapping[str, float]) -> float:
    """Half width of the interval of the peak, as a logarithm: the errors of its parts, and of what is not told."""
    peak = sum(parts.values())
    shares = [BYTES[part] * size / peak for part, size in parts.items()]
    present = {
        "any": True,
        "library": setup.stack is language_setup.TRANSFORMERS and setup.train,
        "assumed": setup.train and any("seq_len" in said or "dimensions" in said for said in setup.warnings),
    }
    return math.hypot(_joined(MEMORY, present), *shares)


def spread_of_time(setup: Setup, device: Accelerator, parts: Mapping[str, float]) -> float:
    """Half width of the interval of seconds, as a logarithm."""
    shares = [SECONDS.get(part, 0.0) * seconds / sum(parts.values()) for part, seconds in parts.items()]
    present = {
        "any": True,
        "eager": setup.train and (setup.eager or setup.method != "full"),
        "links": setup.n_gpus > 8,
        "hardware": device.arch.split()[0] not in MEASURED,
        "generation": not setup.train,
        "assumed": bool(setup.warnings),
    }
    return math.hypot(_joined(TIME, present), *shares)


def _joined(widths: Mapping[str, float], present: Mapping[str, bool]) -> float:
    return math.hypot(*(width for name, width in widths.items() if present[name]))


def _interval(likely: float, half: float) -> dict[str, float]:
    return {"low": likely * math.exp(-half), "likely": likely, "high": likely * math.exp(half)}


def _speed(setup: Setup, device: Accelerator, warnings: list[str]) -> dict[str, Any]:
    if not language_time.rate(setup, device):
        warnings.append(f"no arithmetic rate of {device.name} is known: time is left out; measure it")
        return {}
    parts = language_time.step(setup, device)
    seconds, half = sum(parts.values()), spread_of_time(setup, device, parts)
    return {
        "seconds_per_step": _interval(seconds, half),
        "items_per_second": _interval(language_time.tokens(setup) / seconds, half),
        "parts_seconds": {part: value for part, value in parts.items() if value >= 0.005 * seconds},
    }


def _price(device: Accelerator, count: int, warnings: list[str]) -> dict[str, float] | None:
    price = money.usd_per_hour(device.name, count)
    if price is None:
        warnings.append(f"no price of {device.name} is known")
        return None
    caveat = price.price.caveat()
    warnings += [caveat] if caveat else []
    return {"low": price.low, "likely": price.likely, "high": price.high}


def _limits(setup: Setup, device: Accelerator) -> list[str]:
    """What the device cannot do that the request asks for."""
    said = []
    if setup.weight_bytes == 2 and device.bf16_tflops is None and device.fp16_tflops:
        said.append(f"{device.name} has no bf16 products: taken as fp16")
    if setup.bits8 and device.fp8_tflops is None:
        said.append(f"{device.name} has no 8-bit floating-point products: taken as 16 bits")
    return said


def _basis(setup: Setup, device: Accelerator | None) -> str:
    told = f"closed form over {setup.model.source or 'given dimensions'}; habits of {setup.stack.name}"
    told += "; memory held against 170 published runs (median error 4 %)"
    if device is not None:
        told += "; two-term roofline with reaches of 103 published rates on A100 and H100 (median error 3 %)"
        told += f"; peaks of {device.name}: {device.source.partition(';')[0]} (confidence {device.confidence})"
    return told
