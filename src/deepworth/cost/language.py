"""Answers to requests about language models: peak memory, seconds, tokens, dollars, and whether it fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deepworth.cost import language_memory, language_setup, language_time, place
from deepworth.cost.catalogue import Accelerator
from deepworth.cost.language_setup import Setup
from deepworth.cost.language_spelling import Sharding
from deepworth.cost.place import Site
from deepworth.errors import UserError, nearest

# Half widths of 90 % intervals, as natural logarithms: what published measurements scatter by around the closed form,
# by part of the peak and by kind of run; they add as independent errors do. How often they hold is printed by
# benchmarks/estimates_language.py.
BYTES = {
    "weights": 0.06, "casts": 0.1, "gathered": 0.2, "gradients": 0.3, "states": 0.2, "step": 0.4, "activations": 0.3,
    "logits": 0.4, "cache": 0.35, "workspace": 0.8,
}  # fmt: skip
MEMORY = {"any": 0.1, "library": 0.12, "assumed": 0.25}
SECONDS = {"exchange": 0.5, "launches": 0.3, "unpacking": 0.4, "weights": 0.2}
TIME = {
    "any": 0.13, "eager": 0.30, "links": 0.12, "hardware": 0.25, "generation": 0.30, "assumed": 0.20,
    "network": 0.50, "processor": 0.60,
}  # fmt: skip
HEADROOM = 1.15  # fragmentation, and half of the interval: what must be free beyond the likely peak
MEASURED = ("Ampere", "Hopper", "Ada")
TIMED = (
    "A100-SXM4-40GB",
    "A100-SXM4-80GB",
    "A10G",
    "L40S",
    "H100-SXM5-80GB",
    "H100-SXM5-96GB",
    "TPU v4",
    "TPU v5p",
    "TPU v6e",
)  # parts with published rates
NOT_NAMED = ("", "not stated", "unstated", "unknown", "none", "null")
MOST_DEVICES = 4096


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory (a device, in the request's unit), seconds a step, tokens a second, dollars an hour, and `fits`.

    A step is one optimiser step with all its micro-batches (training) or one token for every sequence (generation).
    UserError with the nearest names where the model or the hardware is not known.
    """
    name = str(request.get("hardware") or request.get("gpu") or "").strip()
    site = None if name.lower() in NOT_NAMED else place.site(name)
    if site and site.count and not request.get("n_gpus"):
        request = {**request, "n_gpus": site.count}
    setup = language_setup.read(request)
    warnings = [*setup.warnings, *(site.notes if site else ())]
    gib = _gib(str(request.get("unit") or ""))
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
    if site is None:
        warnings += ["no hardware is named: time, price and fit are left out", *setup.unsaid]
        return told | {"fits": None, "basis": _basis(setup, None), "warnings": warnings}
    device = site.device
    warnings += _limits(setup, device)
    told |= {"hardware": device.name, "n_gpus": setup.n_gpus, "usable_gb": device.usable_gb * scale * 1e9}
    told |= _speed(setup, device, warnings)
    told["usd_per_hour"] = place.hourly(site, setup.n_gpus, warnings)
    told["fits"] = fits(setup, device)
    needed = divided(setup, device)
    told["devices_needed"] = needed[0] if needed else None
    told["needed_sharding"] = _spelled(needed[1]) if needed and needed[0] > 1 else None
    if not told["fits"]:
        told["remedy"] = remedy(setup, device)
        warnings.append(_too_large(setup, device, parts, needed))
    return told | {"basis": _basis(setup, site), "warnings": [*warnings, *setup.unsaid]}


def fits(setup: Setup, device: Accelerator) -> bool:
    """Whether the likely peak and its headroom lie inside what one device can give."""
    return HEADROOM * sum(language_memory.peak(setup).values()) <= device.usable_gb * 1e9


def divided(setup: Setup, device: Accelerator) -> tuple[int, Sharding] | None:
    """The fewest devices (a power of two) over which the run fits, and how; None above 4096.

    All states are divided; what generates may be divided by its heads instead, over one machine (tensor parallel).
    """
    powers = [2**power for power in range(MOST_DEVICES.bit_length())]
    ways = [(count, Sharding(stage=3 if count > 1 else 0, shards=count)) for count in powers]
    if not setup.train:
        most = min(language_time.HOST, setup.model.kv_heads)
        ways += [(count, Sharding(stage=0, shards=1, tensor=count)) for count in powers if 1 < count <= most]
    fitting = (way for way in ways if fits(replace(setup, n_gpus=way[0], sharding=way[1]), device))
    return next(fitting, None)


def _spelled(sharding: Sharding) -> str:
    """As a request says it, so that it is not read as the habit of another library."""
    return f"TP{sharding.tensor}" if sharding.tensor > 1 else "ZeRO-3"


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
        "network": language_time.slow_network(device, setup.n_gpus),
        "processor": device.kind == "cpu",
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


def _limits(setup: Setup, device: Accelerator) -> list[str]:
    """What the device cannot do that the request asks for, and what is not known of so many."""
    said = []
    narrow = setup.weight_bytes == 2 or setup.cast
    if narrow and device.bf16_tflops is None and not device.fp16_tflops:
        said.append(f"{device.name} has no 16-bit products: taken as fp32")
    elif narrow and setup.bf16 and device.bf16_tflops is None:
        scaling = ", whose training needs its loss scaled" if setup.train else ""
        said.append(f"{device.name} has no bf16 products: taken as fp16{scaling}")
    if setup.bits8 and device.fp8_tflops is None:
        said.append(f"{device.name} has no 8-bit floating-point products: taken as 16 bits")
    if setup.n_gpus > language_time.HOST and device.kind == "gpu":
        machines = f"{setup.n_gpus} devices are {math.ceil(setup.n_gpus / language_time.HOST)} machines"
        if language_time.slow_network(device, setup.n_gpus):
            said.append(f"{machines}: a network of {language_time.NETWORK * 8 / 1e9:.0f} Gb/s between them is assumed")
        else:
            said.append(f"{machines}: taken as a cluster with a fast network (InfiniBand), as the published ones")
    if setup.weight_bytes == 4 and not setup.cast and device.tf32_tflops and device.fp32_tflops:
        slower = device.tf32_tflops / device.fp32_tflops
        said.append(
            "fp32 is reckoned with TF32 products, which PyTorch takes only where it is told to "
            f"(torch.set_float32_matmul_precision): without them up to {slower:.1f}x slower; no measured run was fp32"
        )
    if device.kind in ("gpu", "tpu") and device.name not in TIMED:
        said.append(f"no published run on {device.name} was at hand: the estimate rests on its data sheet")
    if device.kind == "cpu":
        said.append("held against four small transformers on one Xeon, fp32: elsewhere the time may be off by 2x")
    if device.kind == "soc-gpu":
        said.append(f"no run on Apple silicon was at hand: {device.name} is taken to reach what an A100 reaches of it")
    return said


def _changes(setup: Setup) -> dict[str, Setup]:
    """What usually makes a run smaller, the mildest first."""
    if not setup.train:
        return {"one sequence at a time": replace(setup, micro_batch=1)}
    return {
        "gradient checkpointing": replace(setup, checkpoint=1.0),
        "a micro-batch of 1": replace(setup, micro_batch=1),
        "gradient checkpointing and a micro-batch of 1": replace(setup, checkpoint=1.0, micro_batch=1),
    }


def remedy(setup: Setup, device: Accelerator) -> str | None:
    """What makes it fit as many devices as there are; None where nothing of the usual does."""
    return next((name for name, changed in _changes(setup).items() if fits(changed, device)), None)


def _too_large(
    setup: Setup, device: Accelerator, parts: Mapping[str, float], needed: tuple[int, Sharding] | None
) -> str:
    """Why it does not fit, and what would help; each change is tried before it is named."""
    peak, largest = sum(parts.values()), max(parts, key=parts.__getitem__)
    told = f"does not fit {device.name}: {peak / 1e9:,.1f} GB and {HEADROOM - 1:.0%} of headroom are needed on "
    told += f"each, {device.usable_gb:.1f} GB can be used; {parts[largest] / 1e9:,.1f} GB are {largest}"
    if helps := remedy(setup, device):
        told += f"; it fits with {helps}"
    if needed:
        count, sharding = needed
        how = "all states divided" if sharding.tensor == 1 else f"its heads divided (sharding {_spelled(sharding)})"
        more = count > setup.n_gpus or sharding.tensor > 1
        return f"{told}; {how}, {count} device{'s hold' if count > 1 else ' holds'} it" if more else told
    most = replace(setup, n_gpus=MOST_DEVICES, sharding=Sharding(stage=3, shards=MOST_DEVICES))
    left = language_memory.peak(most)
    part = max(left, key=left.__getitem__)
    told += f"; however many devices share the states, each holds {left[part] / 1e9:.0f} GB of {part} whole"
    for name, changed in _changes(setup).items():
        if enough := divided(changed, device):
            return f"{told}; with {name}, {enough[0]} device{'s hold' if enough[0] > 1 else ' holds'} it"
    return told


def _gib(unit: str) -> bool:
    """Whether GB of 2**30 bytes are meant. UserError for what is neither."""
    word = unit.strip().lower()
    if word and not word.startswith(("gb", "gib")):
        raise UserError(f"unit is {unit!r}{nearest(unit, ('GB', 'GiB'))}: give GB (1e9 bytes) or GiB (2**30)")
    return word.startswith("gib")


def _basis(setup: Setup, site: Site | None) -> str:
    told = f"closed form over {setup.model.source or 'given dimensions'}; habits of {setup.stack.name}"
    told += "; memory held against 170 published runs (median error 4 %)"
    if site is not None:
        learned = "four transformers on one Xeon" if site.device.kind == "cpu" else _learned(setup, site.device)
        told += f"; two-term roofline with reaches of {learned}"
        told += f"; {site.basis}"
    return told


def _learned(setup: Setup, device: Accelerator) -> str:
    """Of which rates the time is learned, and how far off such runs were (benchmarks/estimates.py)."""
    few = not setup.train or setup.method != "full"
    errors = ["160 of tuning and generation are met with a median error of 10.5 %"] if few else []
    errors += [] if device.name in TIMED else ["a device left out of the fit with about 10 %"]
    return f"103 published rates on A100 and H100 ({', '.join(errors) or 'median error 3 %'})"
