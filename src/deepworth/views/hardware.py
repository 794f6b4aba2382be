"""Hardware as a person reads it: this machine, the catalogue, and one part of it with its prices and sources."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.cost.audit import recomputed
from deepworth.cost.catalogue import Accelerator, accelerators, resolve
from deepworth.cost.detect import Device
from deepworth.cost.machine import Here, here
from deepworth.cost.measure import Measured
from deepworth.cost.money import Rate, prices, usd_per_hour
from deepworth.words import percent

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8")
CONFIDENCE = {"A": "vendor text seen", "B": "a table citing the vendor seen", "C": "derived, or from memory"}


def here_json() -> dict[str, Any]:
    """This machine and the catalogue, as one document."""
    return {"here": here(), "catalogue": accelerators()}


def part_json(name: str) -> dict[str, Any]:
    """One part with its prices, as one document. Raises UserError for an unknown name."""
    item, note = resolve(name)
    return {
        "accelerator": item,
        "note": note,
        "usable_gb": item.usable_gb,
        "sparse": {p: item.rate(p, sparse=True) for p in PRECISIONS if item.sparsity > 1 and item.rate(p)},
        "usd_per_hour": usd_per_hour(item.name),
        "prices": [{"price": price, "caveat": price.caveat()} for price in prices(item.name)],
    }


def here_view(everything: bool) -> RenderableType:
    """This machine, what it was measured to reach, and the catalogue (of it what has a price, unless `everything`)."""
    machine = here()
    parts: list[RenderableType] = [_machine(machine)]
    if machine.measured:
        parts.append(_space(_reached(machine.measured)))
    else:
        parts.append(_space(Text("nothing is measured here yet: deepworth hardware --measure", "dim")))
    shown = [(item, usd_per_hour(item.name)) for item in accelerators()]
    kept = [(item, rate) for item, rate in shown if everything or (rate and item.kind == "gpu")]
    parts.append(_space(_catalogue(kept)))
    left = len(shown) - len(kept)
    more = f"{left} more: deepworth hardware --all; " if left else ""
    parts.append(Text(f"{more}one with its sources: deepworth hardware NAME", "dim"))
    stale = {rate.price.caveat() for _, rate in kept if rate} - {""}
    if stale:
        parts.append(Text(f"! {len(stale)} of these prices are undated or older than a year: see each", "yellow"))
    return Group(*parts)


def part_view(name: str) -> RenderableType:
    """One part: its peaks dense and sparse, its memory, its power, its prices. Raises UserError for an unknown name."""
    item, note = resolve(name)
    lines = Table.grid(padding=(0, 2))
    lines.add_row(Text(item.name, "bold"), f"{item.vendor} {item.arch}, {item.form}, {item.year}")
    if note:
        lines.add_row(Text("assumed", "yellow"), note)
    for precision in PRECISIONS:
        if dense := item.rate(precision):
            sparse = item.rate(precision, sparse=True)
            also = f", {sparse:g} with 2:4 sparsity" if sparse and sparse != dense else ""
            lines.add_row(precision, f"{dense:g} {'TOP/s' if precision == 'int8' else 'TFLOP/s'} dense{also}")
    if item.fp32_from:
        lines.add_row("fp32 from", f"{item.fp32_from} = {recomputed(item.fp32_from):.3g} TFLOP/s")
    lines.add_row("memory", f"{item.mem_gb:g} GB sold; a process can fill {item.usable_gb:.1f} GB (1e9 bytes)")
    lines.add_row("bandwidth", f"{item.bw_gbs:g} GB/s {item.mem_kind}")
    lines.add_row("power", f"{item.tdp_w:g} W" if item.tdp_w else "not known")
    lines.add_row("source", f"{item.source} ({item.as_of}; {item.confidence}: {CONFIDENCE[item.confidence]})")
    if item.notes:
        lines.add_row("note", item.notes)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for title in ("provider", "machine", "$ an hour", "a device", "region", "as of"):
        table.add_column(title)
    for price in prices(item.name):
        each = f"{price.usd_per_hour / price.count:.3f}"
        row = (price.provider, price.instance, f"{price.usd_per_hour:.3f}", each, price.region, price.as_of)
        table.add_row(*row, style="yellow" if price.caveat() else "")
    warnings = [Text(f"! {caveat}", "yellow") for price in prices(item.name) if (caveat := price.caveat())]
    return Group(lines, _space(table) if table.row_count else _space(Text("no price is known", "dim")), *warnings)


def _machine(machine: Here) -> Table:
    chip, lines = machine.processor, Table.grid(padding=(0, 2))
    at = f" at up to {chip.ghz:.1f} GHz" if chip.ghz else ""
    lines.add_row(Text("processor", "bold"), f"{chip.name}, {chip.cores} cores, {chip.threads} threads{at}")
    if chip.peak_gflops:
        lines.add_row("", f"{chip.peak_gflops:.0f} GFLOP/s fp32 at most ({', '.join(chip.flags) or 'no wide units'})")
    lines.add_row(Text("memory", "bold"), f"{machine.memory_gb:.1f} GB, {machine.memory_free_gb:.1f} GB free")
    for device in machine.devices:
        lines.add_row(Text("accelerator", "bold"), _device(device))
    if not machine.devices:
        lines.add_row(Text("accelerator", "bold"), "none found (CUDA, ROCm, MPS)")
    return lines


def _device(device: Device) -> str:
    told = [f"{device.name} ({device.kind})"]
    if device.memory_gb is not None:
        told.append(f"{device.memory_gb:.1f} GB")
    if device.free_gb is not None:
        told.append(f"{device.free_gb:.1f} GB free")
    told.append(f"in the catalogue as {device.part}" if device.part else "not in the catalogue: measure it")
    return ", ".join(told)


def _reached(found: Measured) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for title in ("measured", "on", "reached", "", "peak", "share"):
        table.add_column(title, justify="right" if title in ("reached", "peak", "share") else "left")
    for each in found.reached:
        peak = f"{each.peak:,.0f}" if each.peak else "–"
        share = percent(each.share, signed=False) if each.share else "–"
        value = f"{each.value:,.1f}" if each.value < 1000 else f"{each.value:,.0f}"
        table.add_row(f"{each.what} {each.precision}".strip(), each.device, value, each.unit, peak, share)
    for note in found.notes:
        table.add_row(Text("not measured", "dim"), Text(note, "dim"))
    table.caption = f"{found.when[:10]}, {found.seconds:.1f} s"
    table.caption_justify = "left"
    return table


def _catalogue(rows: list[tuple[Accelerator, Rate | None]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for title in ("catalogue", "fp32", "16 bit", "8 bit", "memory", "usable", "GB/s", "W", "$ an hour", ""):
        table.add_column(title, justify="left" if title in ("catalogue", "") else "right")
    for item, rate in rows:
        half, eight = item.bf16_tflops or item.fp16_tflops, item.fp8_tflops or item.int8_tops
        numbers = (item.fp32_tflops, half, eight, item.mem_gb, item.usable_gb, item.bw_gbs, item.tdp_w)
        cells = ["–" if number is None else f"{number:,.4g}" for number in numbers]
        doubt = "!" if rate and rate.price.caveat() else ""
        table.add_row(item.name, *cells, f"{rate.likely:.2f}" if rate else "–", Text(doubt, "yellow"))
    return table


def _space(shown: RenderableType) -> Padding:
    return Padding(shown, (1, 0, 0, 0))
