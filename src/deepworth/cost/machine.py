"""What this machine offers a trial: cores, memory, accelerators, and the speed they reach."""

from __future__ import annotations

import time

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from deepworth.cost.catalogue import CONTEXT_GB, Accelerator, accelerator
from deepworth.cost.detect import (
    Device,
    Processor,
    devices,
    memory_allowed_gb,
    memory_free_gb,
    processor,
    threads_allowed,
)
from deepworth.cost.measure import Measured, measured
from deepworth.types import Machine, record

__all__ = ["Here", "here", "measure", "memory_free_gb", "process_memory_gb", "threads_allowed", "training_gflops"]

SIZE = 768  # of the probing matrix product: large enough to be bound by arithmetic, 30 ms on two cores
TRAINING_SHARE = 0.25  # of the dense 16-bit peak that training of small and middling networks reaches; 0.04 to 0.55
REACHED_SHARE = 0.35  # of large 16-bit products as measured, which are themselves 0.6 to 0.8 of the peak
INTENSITY = 60.0  # operations a byte moved: what keeps a card of much arithmetic and little bandwidth from its peak


@record
class Here:
    """This machine: what is in it, and what it was measured to reach, if it was."""

    processor: Processor
    memory_gb: float  # that all processes here may hold together
    memory_free_gb: float
    devices: tuple[Device, ...]
    measured: Measured | None


def here() -> Here:
    """What is in this machine, without measuring anything."""
    found = devices()
    return Here(
        processor=processor(),
        memory_gb=memory_allowed_gb(),
        memory_free_gb=memory_free_gb(),
        devices=found,
        measured=measured(found),
    )


def process_memory_gb() -> float:
    """GB this process holds."""
    return psutil.Process().memory_info().rss / 1e9


def measure(threads: int | None = None) -> Machine:
    """This machine as it is now, measured in 0.1 s, and what `deepworth hardware --measure` kept of it.

    The better of the two speeds counts: either may have been taken while others used the cores.
    """
    threads = threads or threads_allowed()
    found = devices()
    kept = measured(found)
    stored = kept.best("matrix product", "fp32") if kept and kept.threads == threads else None
    first = found[0] if found else None
    return Machine(
        threads=threads,
        memory_gb=memory_free_gb(),
        gflops=max(stored or 0.0, quick_gflops(threads)),
        accelerator={"cuda": "cuda", "rocm": "cuda", "mps": "mps"}[first.kind] if first else "",
        bf16="amx_bf16" in processor().flags,
        accelerators=len(found),
        accelerator_gb=_usable(first) if first else 0.0,
        accelerator_gflops=_reached(first, kept) if first else 0.0,
        accelerator_part=first.part if first else "",
        accelerator_found=first is not None,
    )


def quick_gflops(threads: int) -> float:
    """fp32 GFLOP/s of matrix products, measured in about 0.1 s.

    The best of five products with all threads and of five with one: where others use the cores, threads that wait for
    each other are slower together (47 GFLOP/s) than one is alone (170), and no network would be thought to fit.
    """
    a = np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)
    best = float("inf")
    for limit in (threads, 1):
        with threadpool_limits(limit):
            for _ in range(5):
                start = time.perf_counter()
                a @ a
                best = min(best, time.perf_counter() - start)
    return 2 * SIZE**3 / best / 1e9


def training_gflops(item: Accelerator) -> float:
    """GFLOP/s that training of a small or middling network reaches on one device: arithmetic, and then traffic."""
    peak = 1000.0 * (item.bf16_tflops or item.fp16_tflops or item.fp32_tflops or 0.0) / item.devices
    return 1.0 / (1.0 / (TRAINING_SHARE * peak) + 1.0 / (INTENSITY * item.bw_gbs / item.devices)) if peak else 0.0


def _reached(device: Device, kept: Measured | None) -> float:
    """What training reaches on a device: from its measured products and copies, else from the catalogue; 0: unknown."""
    product = kept.fastest_product(device.name) if kept else None
    copied = kept.best("copy", "", device.name) if kept else None
    if product and copied:
        return 1.0 / (1.0 / (REACHED_SHARE * product[1]) + 1.0 / (INTENSITY * copied))
    return training_gflops(accelerator(device.part)) if device.part else 0.0


def _usable(device: Device) -> float:
    """GB a process can fill on a device: what the driver says is free, else what the catalogue knows; 0: unknown."""
    if device.free_gb is not None:
        return max(0.0, device.free_gb - CONTEXT_GB)
    return accelerator(device.part).usable_gb if device.part else 0.0
