"""What this machine offers: cores and memory it may use, and the matrix-product speed it reaches."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from deepworth.types import Machine

SIZE = 768  # of the probing matrix product: large enough to be bound by arithmetic, 30 ms on two cores


def threads_allowed() -> int:
    """Cores this process may use: its affinity, cut by a container's CPU quota where there is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _words(Path("/sys/fs/cgroup/cpu.max"))
    if len(quota) == 2 and quota[0] != "max":
        cores = min(cores, max(1, round(int(quota[0]) / int(quota[1]))))
    return cores


def memory_free_gb() -> float:
    """GB this process may still take: what the system has available, cut by a container's limit where there is one."""
    free = psutil.virtual_memory().available
    limit, used = (_words(Path(f"/sys/fs/cgroup/memory.{name}")) for name in ("max", "current"))
    if limit and used and limit[0] != "max":
        free = min(free, max(0, int(limit[0]) - int(used[0])))
    return free / 1e9


def process_memory_gb() -> float:
    """GB this process holds."""
    return psutil.Process().memory_info().rss / 1e9


def measure(threads: int | None = None) -> Machine:
    """This machine, its fp32 speed measured in about 0.1 s.

    The best of five products with all threads and of five with one: where others use the cores, threads that wait for
    each other are slower together (47 GFLOP/s) than one is alone (170), and no network would be thought to fit.
    """
    threads = threads or threads_allowed()
    a = np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)
    best = float("inf")
    for limit in (threads, 1):
        with threadpool_limits(limit):
            for _ in range(5):
                start = time.perf_counter()
                a @ a
                best = min(best, time.perf_counter() - start)
    return Machine(
        threads=threads,
        memory_gb=memory_free_gb(),
        gflops=2 * SIZE**3 / best / 1e9,
        accelerator=_accelerator(),
        bf16="amx_bf16" in _words(Path("/proc/cpuinfo")),
    )


def _accelerator() -> str:
    """The kind of accelerator, told without importing torch."""
    if Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists():
        return "cuda"
    return "mps" if platform.system() == "Darwin" and platform.machine() == "arm64" else ""


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []
