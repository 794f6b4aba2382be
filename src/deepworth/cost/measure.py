"""What this machine reaches, not only what it could at most: measured in at most 10 s, and kept for estimates."""

from __future__ import annotations

import hashlib
import importlib.metadata
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from deepworth.cost.detect import Device, Processor, devices, processor
from deepworth.cost.probes import Reached, probes
from deepworth.data.cache import cache_folder
from deepworth.registry import installed
from deepworth.store import write
from deepworth.types import dump, load, record

SECONDS = 6.0  # all measurements together; importing torch and waking a device take the rest of ten
PACKAGES = {"numpy": "numpy", "torch": "torch", "pillow": "PIL"}  # whose versions change what is reached


@record
class Measured:
    """All that was measured at one time on one machine with one set of versions."""

    machine: str
    threads: int
    versions: dict[str, str]
    when: str  # UTC, ISO 8601
    seconds: float  # it took, the import of torch left out
    reached: tuple[Reached, ...]
    notes: tuple[str, ...] = ()  # what could not be measured, and why

    def best(self, what: str, precision: str = "", device: str = "cpu") -> float | None:
        """The value of one thing; None where it was not measured."""
        found = (r.value for r in self.reached if (r.what, r.precision, r.device) == (what, precision, device))
        return next(found, None)

    def fastest_product(self, device: str = "cpu") -> tuple[str, float] | None:
        """The precision of the fastest products in floating point on a device, and their GFLOP/s."""
        products = [r for r in self.reached if r.what == "matrix product" and r.device == device]
        best = max((r for r in products if r.precision != "int8"), key=lambda r: r.value, default=None)
        return (best.precision, best.value) if best else None


def measured(found: tuple[Device, ...] | None = None) -> Measured | None:
    """What was kept for this machine with these versions (and these devices, where they were asked for already).

    None where nothing was.
    """
    path = _path(processor(), devices() if found is None else found)
    if not path.exists():
        return None
    try:
        return load(Measured, path)
    except msgspec.DecodeError:  # another version of deepworth wrote it
        return None


def take(seconds: float = SECONDS) -> Measured:
    """Measure this machine in about so many seconds and keep it. Raises UserError where the cache cannot be written."""
    host, found = processor(), devices()
    todo = list(probes(host, found))
    start = time.perf_counter()
    reached: list[Reached] = []
    notes: list[str] = []
    for number, (name, probe) in enumerate(todo):
        left = seconds - (time.perf_counter() - start)
        if left <= 0:
            notes.append(f"{name}: no time was left")
            continue
        try:
            reached.append(probe(left / (len(todo) - number)))
        except RuntimeError as error:  # what torch raises for a precision that a device, or this build of it, lacks
            notes.append(f"{name}: {str(error).splitlines()[0]}")
    result = Measured(
        machine=host.name,
        threads=host.threads,
        versions=_versions(),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=time.perf_counter() - start,
        reached=tuple(reached),
        notes=tuple(notes),
    )
    write(_path(host, found), dump(result))
    return result


def _path(host: Processor, found: tuple[Device, ...]) -> Path:
    told = (host.name, host.threads, [(device.name, device.driver) for device in found], _versions())
    return cache_folder() / "measured" / f"{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}.json"


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name, module in PACKAGES.items() if installed(module)}
