"""The hardware a plan reckons with: what is here, nothing but a processor, or accelerators by name."""

from __future__ import annotations

import functools
from dataclasses import replace

from deepworth.cost import money
from deepworth.cost.catalogue import counted, resolve
from deepworth.cost.detect import devices
from deepworth.cost.machine import training_gflops
from deepworth.errors import UserError
from deepworth.types import Hardware, Machine, Range

OWNED = f"electricity at {money.ELECTRICITY.low:.2f} to {money.ELECTRICITY.high:.2f} dollars a kWh, power assumed"
PRODUCTS_SHARE = 0.5  # of a processor's fp32 peak that large matrix products reach


@functools.cache
def reckoned(name: str, here: Machine) -> tuple[Hardware, Machine]:
    """The hardware called `name` ("auto", "none", "T4", "2x A100-SXM4-80GB") and a machine that has it.

    A named accelerator stands in a host like this machine: nothing is known of another. Raises UserError for unknown
    names, with the nearest.
    """
    if name == "auto":
        return found(here), here
    if name == "none":
        bare = Machine(threads=here.threads, memory_gb=here.memory_gb, gflops=here.gflops, bf16=here.bf16)
        return found(bare), bare
    return _named(name, here)


def found(here: Machine) -> Hardware:
    """What is in this machine: its accelerators, or its processor."""
    power = money.core_watts(here.threads)
    if not here.accelerator:
        name = f"{here.threads} cores, no GPU"
        return Hardware(name=name, count=0, memory_gb=here.memory_gb, watts=power, priced=OWNED)
    device = next(iter(devices()), None)
    return Hardware(
        name=device.name if device else "GPU",
        count=max(here.accelerators, 1),
        memory_gb=round(device.memory_gb if device and device.memory_gb else here.accelerator_gb, 1),
        watts=money.watts(resolve(device.part)[0], max(here.accelerators, 1)) if device and device.part else power,
        priced=OWNED,
    )


def _named(name: str, here: Machine) -> tuple[Hardware, Machine]:
    count, part = counted(name)
    item, assumed = resolve(part)
    if item.kind in ("tpu", "asic"):
        raise UserError(f"{item.name} cannot be planned for: training here runs on PyTorch with CUDA, ROCm or MPS")
    note = "; ".join(filter(None, [assumed, item.doubt.partition(": ")[2]]))
    hardware = Hardware(name=item.name, count=count, memory_gb=item.mem_gb, found=False, note=note)
    if rate := money.usd_per_hour(item.name, count):
        price, dated = rate.price, rate.price.as_of.partition(" (")[0]
        basis = f"{price.provider} {price.instance}, {dated}" + ": it may be older than a year" * bool(price.caveat())
        hardware = replace(hardware, usd_per_hour=rate.likely, priced=basis)
    else:
        hardware = replace(hardware, watts=money.watts(item, count), priced=OWNED)
    if item.kind == "cpu":
        peak = 1000.0 * (item.fp32_tflops or 0.0) * count
        bare = replace(reckoned("none", here)[1], gflops=PRODUCTS_SHARE * peak or here.gflops)
        return replace(hardware, count=0), bare
    machine = replace(
        here,
        accelerator="mps" if item.kind == "soc-gpu" else "cuda",
        accelerators=count * item.devices,
        accelerator_gb=item.usable_gb,
        accelerator_gflops=training_gflops(item),
        accelerator_part=item.name,
        accelerator_found=False,
    )
    return hardware, machine


def priced(seconds: Range, hardware: Hardware) -> Range | None:
    """Dollars for so many seconds: the rent, or the electricity of what is owned; None where neither is known."""
    if hardware.usd_per_hour is not None:
        return money.usd(seconds, hardware.usd_per_hour)
    return money.electricity(money.kwh(seconds, hardware.watts)) if hardware.watts else None
