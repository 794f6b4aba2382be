"""Where a run is priced: parts of the catalogue by name and number, or what is in this machine with what it reaches."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from deepworth.cost import catalogue, money
from deepworth.cost.catalogue import GIB, Accelerator
from deepworth.cost.detect import Device, Processor
from deepworth.cost.machine import here
from deepworth.cost.measure import Measured
from deepworth.cost.vision_time import PROBED
from deepworth.errors import UserError
from deepworth.types import Range, record

HERE = "auto"
# What cards and processors on which the estimates were learned reach of their data sheets in the probes of
# `deepworth hardware --measure`: large products and copies. What is measured is held against it.
PRODUCTS, COPIES = 0.75, 0.85
VCPU_GFLOPS, VCPU_GB, VCPU_GBS = 40.0, 3.5, 4.0  # of half a core of a server with AVX-512 or two AVX2 units; its share
HOST_GBS = 20.0  # GB/s a processor copies where nothing was measured; an assumption


@record
class Site:
    """So many devices of one kind, with peaks as their machine reaches them."""

    device: Accelerator
    count: int | None = None  # None: none is named, as many as it takes
    notes: tuple[str, ...] = ()
    own: bool = False  # in this machine: only electricity is paid
    watts: Range | None = None  # drawn by one of what is owned
    threads: int = 0  # of a processor

    @property
    def basis(self) -> str:
        """Where the peaks are from, without the remarks of the source."""
        source = re.split(r"\s\(|;", self.device.source)[0]
        return f"peaks of {self.device.name}: {source} (confidence {self.device.confidence})"


def site(name: str, processor: bool = False) -> Site:
    """What is called `name`: "auto", "T4", "2x A100-SXM4-80GB", "16 vCPU". Raises UserError with the nearest names.

    `processor`: for what runs on processors only; "auto" is then the one of this machine, and a GPU is an error.
    """
    if name.strip().lower() == "none":
        raise UserError("hardware none is no place to estimate: give auto (this machine), '16 vCPU', or a part by name")
    if name.strip().lower() == HERE:
        return _own_processor() if processor else _here()
    count, part = catalogue.counted(name)
    if part.lower() in ("vcpu", "vcpus"):
        return _rented_processor(count)
    device, assumed = catalogue.resolve(part)
    if processor and device.kind != "cpu":
        raise UserError(f"trees and linear models run on processors, not on {device.name}: give auto or '16 vCPU'")
    named = part != name.strip()
    notes = tuple(filter(None, [f"hardware: {assumed}" if assumed else "", device.doubt]))
    return Site(device=device, count=count if named else None, notes=notes, threads=_cores(device))


def rentable(name: str) -> int | None:
    """Devices in the largest machine of this part at a known price; None where no price is known."""
    return max((price.count for price in money.prices(name)), default=None)


def hourly(site: Site, count: int, warnings: list[str]) -> dict[str, float] | None:
    """Dollars an hour over all providers, or of electricity for what is owned; what is in doubt joins the warnings."""
    if site.own:
        if site.watts is None:
            warnings.append(f"the power of {site.device.name} is not known: no electricity is priced")
            return None
        usd = money.electricity(money.kwh(Range(low=3600, likely=3600, high=3600), site.watts))
        return {"low": count * usd.low, "likely": count * usd.likely, "high": count * usd.high}
    part, number = rented_as(site, count)
    price = money.usd_per_hour(part, number)
    if price is None:
        warnings.append(f"no price of {site.device.name} is known")
        return None
    if caveat := price.price.caveat():
        warnings.append(caveat)
    largest = rentable(part)
    if largest and number > largest and part == money.VCPU:
        warnings.append(
            f"{number} vCPU are priced by the thread of a machine of {largest}: larger ones cost as much a thread"
        )
    elif largest and number > largest:
        warnings.append(
            f"no machine with {number} x {part} is in the table of prices (the largest has {largest}): "
            "the price is that of several"
        )
    return {"low": price.low, "likely": price.likely, "high": price.high}


def rented_as(site: Site, count: int) -> tuple[str, int]:
    """The name and number under which the table of prices knows it."""
    return (money.VCPU, site.threads) if site.device.name.endswith(money.VCPU) else (site.device.name, count)


@functools.cache
def _here() -> Site:
    found = here()
    if found.devices:
        return _card(found.devices[0], len(found.devices), found.measured)
    return _processor(found.processor, found.memory_gb, found.measured)


@functools.cache
def own_part() -> str:
    """The name in the catalogue of the accelerator in this machine; "" where there is none, or it has no name."""
    found = here().devices
    return found[0].part if found else ""


@functools.cache
def _own_processor() -> Site:
    found = here()
    return _processor(found.processor, found.memory_gb, found.measured)


def _rented_processor(threads: int) -> Site:
    """So many hardware threads of a rented machine, of no processor in particular."""
    name = f"{threads}x {money.VCPU}"
    device = Accelerator(
        name=name,
        vendor="",
        kind="cpu",
        arch=PROBED,
        form="rented",
        year=0,
        fp32_tflops=threads * VCPU_GFLOPS / 1000,
        mem_gb=threads * VCPU_GB / 0.75 / GIB,  # all that is counted can be used
        bw_gbs=threads * VCPU_GBS,
        confidence="C",
        as_of="2026-11",
        source="an assumption of what a rented thread brings",
    )
    note = f"{name}: {VCPU_GFLOPS:g} GFLOP/s, {VCPU_GB:g} GB and {VCPU_GBS:g} GB/s a thread are assumed"
    return Site(device=device, count=1, notes=(note,), threads=threads)


def _cores(device: Accelerator) -> int:
    """Cores of a processor, from "cores x flop per clock x GHz", summed over kinds of cores; 0: not known."""
    return sum(int(part.partition("x")[0]) for part in device.fp32_from.split("+") if part) * (device.kind == "cpu")


def _card(card: Device, count: int, kept: Measured | None) -> Site:
    if not card.part:
        raise UserError(f"{card.name} of this machine is not in the catalogue: name a part near it with --hardware")
    item, notes = catalogue.accelerator(card.part), []
    product = next((share for share in _shares(kept, card.name, "matrix product", ("fp16", "bf16", "fp32"))), None)
    copied = next((share for share in _shares(kept, card.name, "copy", ("",))), None)
    if kept is None or product is None:
        notes.append(f"{card.name} is not measured, peaks are those of the catalogue: deepworth hardware --measure")
    else:
        notes.append(f"measured here: products reach {product:.0%} of the peak")
    device = _scaled(item, (product or PRODUCTS) / PRODUCTS, (copied or COPIES) / COPIES)
    if card.memory_gb:
        device = replace(device, reported_gib=card.memory_gb / GIB)
    return Site(device=device, count=count, notes=tuple(notes), own=True, watts=money.watts(item))


def _shares(kept: Measured | None, device: str, what: str, precisions: tuple[str, ...]) -> list[float]:
    """What was reached of the peaks, in the order of `precisions`."""
    reached = {r.precision: r.share for r in kept.reached if (r.what, r.device) == (what, device)} if kept else {}
    return [share for precision in precisions if (share := reached.get(precision))]


def _scaled(item: Accelerator, products: float, copies: float) -> Accelerator:
    """The part with peaks at which the learned shares give what was measured."""
    rates = ("fp32_tflops", "tf32_tflops", "fp16_tflops", "bf16_tflops", "fp8_tflops", "int8_tops")
    changed = {rate: value * products for rate in rates if (value := getattr(item, rate))}
    return replace(item, bw_gbs=item.bw_gbs * copies, **changed)


def _processor(chip: Processor, memory_gb: float, kept: Measured | None) -> Site:
    """The processor as a part of its own: rates as measured, else its instructions and an assumed bandwidth."""
    single = kept.best("matrix product", "fp32") if kept else None
    half = kept.best("matrix product", "bf16") if kept else None
    copied = kept.best("copy") if kept else None
    rate = single / PRODUCTS if single else chip.peak_gflops
    if not rate:
        raise UserError("nothing is known of what this processor reaches: deepworth hardware --measure")
    told = "measured here" if single else "from its instructions; not measured: deepworth hardware --measure"
    device = Accelerator(
        name=chip.name,
        vendor="",
        kind="cpu",
        arch=PROBED,
        form="socket",
        year=0,
        fp32_tflops=rate / 1000,
        bf16_tflops=half / PRODUCTS / 1000 if half and half > (single or 0) else None,
        mem_gb=memory_gb / GIB,
        bw_gbs=copied / COPIES if copied else HOST_GBS,
        confidence="B" if single else "C",
        as_of=kept.when if kept else "now",
        source=told,
    )
    return Site(
        device=device,
        count=1,
        notes=(f"this machine, {chip.cores} cores: rates {told}",),
        own=True,
        watts=money.core_watts(chip.cores),
        threads=chip.threads,
    )
