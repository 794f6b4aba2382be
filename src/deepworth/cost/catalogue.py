"""The catalogue of accelerators and processors: what each can do at most, found by whatever name it goes."""

from __future__ import annotations

import csv
import difflib
import functools
import re
from importlib import resources
from typing import Any

import msgspec

from deepworth.errors import UserError
from deepworth.types import record

GIB = 2**30 / 1e9
CONTEXT_GB = 0.5  # taken by the driver's context and the libraries' kernels before the first tensor, 0.3 to 0.6 GB
UNSPOKEN = {  # words that makers and drivers put around a name
    *("nvidia", "tesla", "geforce", "amd", "instinct", "radeon", "google", "cloud", "intel", "xeon", "platinum"),
    *("gpu", "graphics", "generation", "processor", "cpu", "accelerator", "core"),
}
ASIDE = re.compile(r"\(.*?\)|@.*| or larger\b|\b\d+(?:st|nd|rd|th) gen\b|\b\d+-core\b")
LAPTOP = re.compile(r"laptop|notebook|mobile|max-?q|\bmy\b", re.IGNORECASE)
AMBIGUOUS = {  # short names that stand for several parts -> what is said about the one taken
    "a100": "taken as the 80 GB SXM4 part: name A100-SXM4-40GB, A100-PCIe-40GB or A100-PCIe-80GB otherwise",
    "a10040gb": "taken as the SXM4 part; the PCIe one is A100-PCIe-40GB",
    "a10080gb": "taken as the SXM4 part; the PCIe one is A100-PCIe-80GB",
    "v100": "taken as the 16 GB SXM2 part: name V100-SXM2-32GB or V100-PCIe otherwise",
    "h100": "taken as the 80 GB SXM5 part: name H100-PCIe-80GB or H100-NVL-94GB otherwise",
    "h10080gb": "taken as the SXM5 part; the PCIe one is H100-PCIe-80GB",
    "h200": "taken as the SXM part; the PCIe one is H200-NVL-141GB",
    "gh200": "taken as the one with 96 GB",
    "rtx6000": "taken as the RTX 6000 Ada: name Quadro RTX 6000, RTX A6000 or RTX PRO 6000 otherwise",
    "rtxpro6000": "taken as the 600 W Workstation Edition; the others are RTX PRO 6000 Max-Q and Server",
    "rtx3060": "taken as the one with 12 GB",
    "rtx3080": "taken as the one with 10 GB",
    "rtx4060ti": "taken as the one with 8 GB",
}


@record
class Accelerator:
    """One device and its peaks: dense rates, matrix units with fp32 sums for 8 bits and more; None: none, or not known.

    A card of several devices (`devices`: two dies, each seen as one) holds the figures of the whole card.
    """

    name: str
    vendor: str
    kind: str  # "gpu", "tpu", "asic", "soc-gpu", "cpu"
    arch: str
    form: str  # form factor: SXM4, PCIe, OAM, SoC, socket, ...
    year: int
    fp32_from: str = ""  # "units x flop per clock x GHz" that fp32_tflops can be recomputed from, where they are known
    fp32_tflops: float | None = None  # outside matrix units
    tf32_tflops: float | None = None
    fp16_tflops: float | None = None
    bf16_tflops: float | None = None
    fp8_tflops: float | None = None
    int8_tops: float | None = None
    sparsity: float = 1.0  # what 2:4 sparsity multiplies the matrix rates by, in the maker's tables
    mem_gb: float  # as sold: of an A100's "80 GB" and most others a GB is 2**30 bytes
    reported_gib: float | None = None  # one device's, in 2**30 bytes, as PyTorch's out-of-memory messages print it
    mem_kind: str = ""
    bus_bits: int | None = None
    pin_gbps: float | None = None
    bw_gbs: float
    tdp_w: float | None = None
    devices: int = 1
    confidence: str  # A: vendor text seen; B: a table citing it seen; C: derived, or from memory
    as_of: str  # when the source was read
    source: str
    notes: str = ""
    aliases: tuple[str, ...] = ()

    def rate(self, precision: str, sparse: bool = False) -> float | None:
        """TFLOP/s of fp32, tf32, fp16, bf16, fp8 or int8, with 2:4 sparsity where asked; None: not known."""
        dense: float | None = getattr(self, "int8_tops" if precision == "int8" else f"{precision}_tflops")
        return dense * self.sparsity if dense and sparse and precision != "fp32" else dense

    @property
    def doubt(self) -> str:
        """What must be said of figures nobody was seen to publish; "" for the others."""
        said = "its rates, bandwidth and power are derived or from memory (confidence C): check its data sheet"
        return f"{self.name}: {said}" if self.confidence == "C" else ""

    @property
    def usable_gb(self) -> float:
        """What a process can fill on one device, in 1e9 bytes: error correction, driver and context are gone.

        Where what the device reports is not known, 1.5 % are taken from what is sold; a part of host memory (Apple,
        a processor) is held to three quarters.
        """
        if self.kind in ("cpu", "soc-gpu"):
            return 0.75 * self.mem_gb * GIB
        reported = self.reported_gib or 0.985 * self.mem_gb / self.devices
        return reported * GIB - CONTEXT_GB


@functools.cache
def accelerators() -> tuple[Accelerator, ...]:
    """Every part of the catalogue, devices before processors."""
    with resources.files("deepworth.cost").joinpath("tables/accelerators.csv").open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
    for row in rows:
        row["aliases"] = row["aliases"].split(";") if "aliases" in row else []
    return tuple(msgspec.convert(rows, list[Accelerator], strict=False))


def accelerator(name: str) -> Accelerator:
    """The part called `name`. Raises UserError with the nearest names."""
    return resolve(name)[0]


def resolve(name: str) -> tuple[Accelerator, str]:
    """The part called `name`, and what was assumed where the name stands for several ("" otherwise).

    Raises UserError with the nearest names.
    """
    known = _known()
    for key in _keys(name):
        if key in known:
            return known[key], AMBIGUOUS.get(key, "")
    if LAPTOP.search(name):
        raise UserError(
            f"{name!r}: GPUs of laptops are not in the catalogue, they share a name with a card and little else; on "
            "the laptop itself --hardware auto takes what is found"
        )
    near = {known[key].name: None for key in difflib.get_close_matches(_keys(name)[0], known, n=5, cutoff=0.6)}
    hint = f"near it are {', '.join(near)}; " if near else ""
    raise UserError(f"there is no hardware {name!r} in the catalogue; {hint}`deepworth hardware --all` lists all")


def _keys(name: str) -> tuple[str, str]:
    """What a name is looked up by: its letters and digits as they stand, and with its words in alphabetical order.

    `"NVIDIA A100-SXM4-80GB"` gives `"a100sxm480gb"` and `"80gba100sxm4"`, and so does "A100 80GB SXM4" the second.
    """
    words = [word for word in re.split(r"[^a-z0-9+]+", ASIDE.sub(" ", name.lower())) if word and word not in UNSPOKEN]
    return "".join(words), "".join(sorted(words))


@functools.cache
def _known() -> dict[str, Accelerator]:
    known: dict[str, Accelerator] = {}
    for item in accelerators():
        for name in (item.name, *item.aliases):
            for key in _keys(name):
                if known.setdefault(key, item) is not item:
                    raise ValueError(f"{name!r} of {item.name} is also a name of {known[key].name}")
    return known


def counted(name: str) -> tuple[int, str]:
    """`"2x T4"`, `"2 T4"` and `"T4 x2"` as (2, "T4"). Raises UserError for none of it."""
    before = re.match(r"\s*(\d{1,3})\s*(?:[x×*]\s*|\s)(\S.*)", name)
    after = re.match(r"(.*\S)\s*[x×*]\s*(\d{1,3})\s*$", name)
    count, part = (before[1], before[2]) if before else (after[2], after[1]) if after else ("1", name)
    if not int(count):
        raise UserError(f"{name!r} names no device: give 1 to 999")
    return int(count), part.strip()
