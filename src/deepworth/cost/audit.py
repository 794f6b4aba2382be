"""Recomputes what a row of the catalogue claims, and says which figures no part can have or belong elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator

from deepworth.cost.catalogue import Accelerator, accelerators

NEAR = 0.03  # makers round: 2 % of memory clocks, 3 % of rates
LOOSE = 0.09  # matrix units may run at another clock than fp32_tflops is stated at: 6 % on H100, 7 % on H100 NVL

# Dense rates of an architecture: matrix fp16 (or bf16 where there is no fp16) over fp32; bf16 over fp16; and tf32, fp8
# and int8 over fp16. An empty place: it has no such unit.
RATIOS: dict[str, tuple[tuple[float, ...], ...]] = {
    "Pascal": ((2,), (), (), (), ()),
    "Pascal GeForce": ((), (), (), (), ()),
    "Kepler": ((), (), (), (), ()),
    "Volta": ((8,), (), (), (), ()),
    "Turing": ((8,), (), (), (), (2,)),
    "Turing GeForce": ((4,), (), (), (), (4,)),
    "Ampere GA100": ((16,), (1,), (0.5,), (), (2,)),
    "Ampere": ((4,), (1,), (0.5,), (), (2,)),
    "Ampere GeForce": ((2,), (1,), (0.5,), (), (4,)),
    "Ampere half rate": ((2,), (1,), (0.5,), (), (2,)),
    "Ada": ((4,), (1,), (0.5,), (2,), (2,)),
    "Ada GeForce": ((2,), (1,), (0.5,), (2,), (4,)),
    "Ada half rate": ((2,), (1,), (0.5,), (2,), (2,)),
    "Hopper": ((14.8,), (1,), (0.5,), (2,), (2,)),
    "Hopper export": ((3.36,), (1,), (0.5,), (2,), (2,)),
    "Blackwell": ((28.1, 31.2), (1,), (0.5,), (2,), (2,)),
    "Blackwell GeForce": ((2,), (1,), (0.5,), (2,), (4,)),
    "Blackwell RTX PRO": ((4,), (1,), (0.5,), (2,), (2,)),
    "CDNA1": ((8,), (0.5,), (), (), (1,)),
    "CDNA2": ((8,), (1,), (), (), (1,)),
    "CDNA3": ((8,), (1,), (0.5,), (2,), (2,)),
    "CDNA4": ((16,), (1,), (), (2,), (2,)),
    "RDNA3": ((2,), (1,), (), (), (1,)),
    "RDNA4": ((4,), (1,), (), (2,), (2,)),
    "Xe HPG": ((8,), (1,), (), (), (2,)),
    "Xe HPC": ((16,), (1,), (0.5,), (), (2,)),
    "TPU": ((), (1,), (), (2,), (1, 2)),
    "Gaudi": ((), (1,), (), (1, 2), ()),
    "NeuronCore": ((4,), (1,), (), (1.95,), ()),
    "Apple": ((), (), (), (), ()),
    "Sapphire Rapids": ((16,), (1,), (), (), (2,)),
    "Zen 4": ((2,), (1,), (), (), ()),
}
# The fastest a pin of a kind of memory runs, Gbit/s, and GB a chip (32 bits of GDDR) or a stack (1024 of HBM) can hold.
PINS = {
    "DDR4": 3.2,
    "DDR5": 6.4,
    "LPDDR4X": 4.27,
    "LPDDR5": 6.4,
    "LPDDR5X": 9.6,
    "GDDR5": 8,
    "GDDR5X": 11.4,
    "GDDR6": 20,
    "GDDR6X": 23,
    "GDDR7": 32,
    "HBM2": 2.43,
    "HBM2e": 3.6,
    "HBM3": 6.4,
    "HBM3e": 9.2,
}
CHIPS = (1, 2, 3, 4, 6)  # two chips may share 32 bits
STACKS = (4, 8, 16, 24, 32, 36)
FIELDS = ("fp32_tflops", "tf32_tflops", "fp16_tflops", "bf16_tflops", "fp8_tflops", "int8_tops", "mem_gb", "bw_gbs")


def faults(item: Accelerator) -> tuple[str, ...]:
    """What no such part can be: empty for a row that holds together."""
    return (*_rates(item), *_bandwidth(item), *_capacity(item))


def recomputed(formula: str) -> float:
    """TFLOP/s of `"units x flop per clock x GHz"`, a sum of several where a processor has several kinds of cores."""
    return sum(math.prod(map(float, term.split("x"))) for term in formula.split("+")) / 1e3


def claim(item: Accelerator, field: str, value: float) -> str:
    """What is wrong with the claim that `field` of `item` is `value`, and whose figure it is; "" if it is right."""
    if field not in FIELDS:
        raise ValueError(f"{field!r} is no figure of the catalogue: {', '.join(FIELDS)}")
    true = getattr(item, field)
    if true is not None and _is(value, true, 0.01):
        return ""
    said = f"{item.name}: {field} is {'not known' if true is None else f'{true:g}'}, not {value:g}"
    return "; ".join([said, *_origins(item, field, value)])


def _origins(item: Accelerator, field: str, value: float) -> Iterator[str]:
    """Where a wrong figure may come from: the nearest of its own other rates, then other parts."""
    rates = {name: getattr(item, name) for name in FIELDS[:6] if getattr(item, name)}
    if field in FIELDS[:6]:
        if item.sparsity > 1:
            for name in rates:
                if _is(value, item.sparsity * rates[name], 0.01):
                    yield f"{value:g} is its {name} with sparsity"
        for name in rates:
            if name != field and _is(value, rates[name], 0.01):
                yield f"{value:g} is its {name}"
        if item.arch == "Ampere GA100" and _is(value, 4 * (item.fp32_tflops or 0), 0.01):
            yield f"{value:g} is its fp16 outside the matrix units"
    others = [o.name for o in accelerators() if o is not item and (x := getattr(o, field)) and _is(value, x, 0.002)]
    if field in ("mem_gb", "bw_gbs") and others:
        yield f"{value:g} is that of {', '.join(others[:3])}"


def _rates(item: Accelerator) -> Iterator[str]:
    if item.fp32_from and item.fp32_tflops and not _is(item.fp32_tflops, recomputed(item.fp32_from), NEAR):
        yield f"fp32 is {item.fp32_tflops:g}, but {item.fp32_from} gives {recomputed(item.fp32_from):.3g}"
    if item.arch not in RATIOS:
        return
    half = item.fp16_tflops or item.bf16_tflops
    over_fp32, bf16, tf32, fp8, int8 = RATIOS[item.arch]
    pairs = [
        ("fp16 over fp32", half, item.fp32_tflops, over_fp32, LOOSE),
        ("bf16 over fp16", item.bf16_tflops, half, bf16, NEAR),
        ("tf32 over fp16", item.tf32_tflops, half, tf32, NEAR),
        ("fp8 over fp16", item.fp8_tflops, half, fp8, NEAR),
        ("int8 over fp16", item.int8_tops, half, int8, NEAR),
    ]
    for name, value, base, allowed, slack in pairs:
        if value and base and not allowed:
            yield f"{item.arch} has no matrix unit for {name.partition(' ')[0]}"
        elif value and base and not _any(value / base, allowed, slack):
            yield f"{name} is {value / base:.3g}, on {item.arch} it is {' or '.join(f'{a:g}' for a in allowed)}"
            if _any(value / base / 2, allowed, slack):
                yield "twice too much: the figure with sparsity, or with fp16 sums, kept as dense"


def _bandwidth(item: Accelerator) -> Iterator[str]:
    if not item.bus_bits or not item.pin_gbps:
        return
    width = item.bus_bits * item.pin_gbps / 8
    if not _is(item.bw_gbs, width, NEAR):
        yield f"bandwidth is {item.bw_gbs:g} GB/s, but {item.bus_bits} bits x {item.pin_gbps:g} Gbit/s are {width:.0f}"
    if item.pin_gbps > PINS[item.mem_kind]:
        yield f"{item.pin_gbps:g} Gbit/s a pin, {item.mem_kind} runs at {PINS[item.mem_kind]:g} at most"


def _capacity(item: Accelerator) -> Iterator[str]:
    """GDDR comes in chips and HBM in stacks, of which up to 7 % are off; no device reports more than is sold."""
    if item.reported_gib and item.reported_gib > item.mem_gb / item.devices:
        yield f"reports {item.reported_gib:g} GiB a device, {item.mem_gb / item.devices:g} are sold"
    if not item.bus_bits or not item.mem_kind.startswith(("GDDR", "HBM")):
        return
    unit, sizes, slack = (32, CHIPS, 0.0) if item.mem_kind.startswith("GDDR") else (1024, STACKS, 0.07)
    each = item.mem_gb / (item.bus_bits / unit)
    if not any(size * (1 - slack) <= each <= size for size in sizes):
        made = f"{item.mem_gb:g} GB on {item.bus_bits} bits of {item.mem_kind} are {each:.3g} GB a part"
        yield f"{made}, which is not made"


def _any(ratio: float, allowed: tuple[float, ...], slack: float) -> bool:
    return any(_is(ratio, each, slack) for each in allowed)


def _is(value: float, expected: float, slack: float) -> bool:
    return abs(value - expected) <= slack * expected
