"""What is in this machine, told without importing torch: the processor, and the accelerators the drivers report."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from deepworth.cost.catalogue import GIB, Accelerator, accelerator
from deepworth.errors import UserError
from deepworth.types import record

ASKED = ("name", "uuid", "memory.total", "memory.free", "power.limit", "driver_version")  # of nvidia-smi
PATIENCE = 10.0  # seconds for a driver's tool to answer; a card that is down lets it hang
NVIDIA = Path("/proc/driver/nvidia")
CPUINFO, FASTEST = Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")


@record
class Device:
    """One accelerator as its driver reports it; None: not reported."""

    name: str
    kind: str  # "cuda", "rocm" or "mps"
    memory_gb: float | None = None  # in 1e9 bytes, of all processes together
    free_gb: float | None = None
    watts: float | None = None  # the power limit set now
    driver: str = ""
    part: str = ""  # its name in the catalogue; "" where it has none


@record
class Processor:
    """The processor, as far as this process may use it."""

    name: str
    threads: int  # that may run at once
    cores: int  # behind them
    ghz: float | None = None
    flops: int = 0  # fp32 operations a core and clock at most, from its instructions; 0: not known
    flags: tuple[str, ...] = ()  # the instructions that matter
    part: str = ""

    @property
    def peak_gflops(self) -> float | None:
        """fp32, with every core allowed at `ghz`; an upper bound: wide instructions lower the clock."""
        return self.cores * self.flops * self.ghz if self.ghz and self.flops else None


def devices(environment: Mapping[str, str] = os.environ) -> tuple[Device, ...]:
    """The accelerators this process may use, without those its environment hides."""
    nvidia = visible(_nvidia(), environment.get("CUDA_VISIBLE_DEVICES"))
    amd = visible(_amd(), environment.get("HIP_VISIBLE_DEVICES", environment.get("ROCR_VISIBLE_DEVICES")))
    return (*nvidia, *amd, *_apple())


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


def memory_allowed_gb() -> float:
    """GB all processes here may hold together: the machine's memory, or a container's limit."""
    limit = _words(Path("/sys/fs/cgroup/memory.max"))
    total = psutil.virtual_memory().total
    return min(total, int(limit[0])) / 1e9 if limit and limit[0] != "max" else total / 1e9


def processor() -> Processor:
    """The processor, as far as this process may use it."""
    threads, known = threads_allowed(), _cpuinfo()
    names = [row["model name"] for row in known if "model name" in row]
    name = names[0] if names else _sysctl("machdep.cpu.brand_string") or platform.processor() or platform.machine()
    flags = set(known[0].get("flags", known[0].get("Features", "")).split()) if known else set()
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    pairs = {
        (row.get("physical id"), row["core id"])
        for row in known
        if "core id" in row and (allowed is None or int(row["processor"]) in allowed)
    }
    amd = known[0].get("vendor_id") == "AuthenticAMD" if known else False
    return Processor(
        name=name,
        threads=threads,
        cores=min(threads, len(pairs) or psutil.cpu_count(logical=False) or threads),
        ghz=_ghz(known),
        flops=_flops(flags, amd),
        flags=tuple(flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if flag in flags),
        part=part(name, ("cpu",)),
    )


def part(name: str, kinds: Sequence[str]) -> str:
    """The catalogue's name for what a driver calls `name`; "" where it knows none of these kinds."""
    try:
        found: Accelerator = accelerator(name)
    except UserError:  # a part nobody wrote down: it works, and is measured
        return ""
    return found.name if found.kind in kinds else ""


def visible(found: Sequence[Device], listed: str | None) -> tuple[Device, ...]:
    """Of `found` those a *_VISIBLE_DEVICES variable names, by position; as in CUDA the first unknown ends the list.

    Devices named by UUID are counted, which is right as long as all are alike.
    """
    if listed is None:
        return tuple(found)
    kept: list[Device] = []
    for word in filter(None, (word.strip() for word in listed.split(","))):
        position = len(kept) if word.startswith(("GPU-", "MIG-")) else int(word) if word.isdigit() else -1
        if not 0 <= position < len(found):
            break
        kept.append(found[position])
    return tuple(kept)


def _nvidia() -> list[Device]:
    answer = _tool("nvidia-smi", f"--query-gpu={','.join(ASKED)}", "--format=csv,noheader,nounits")
    rows = [[cell.strip() for cell in line.split(",")] for line in answer.splitlines() if line.strip()]
    told = [dict(zip(ASKED, row, strict=True)) for row in rows if len(row) == len(ASKED)]
    if told:
        return [
            Device(
                name=row["name"],
                kind="cuda",
                memory_gb=_number(row["memory.total"], GIB / 1024),
                free_gb=_number(row["memory.free"], GIB / 1024),
                watts=_number(row["power.limit"]),
                driver=row["driver_version"],
                part=part(row["name"], ("gpu",)),
            )
            for row in told
        ]
    models = [re.search(r"Model:\s*(.+)", path.read_text()) for path in sorted(NVIDIA.glob("gpus/*/information"))]
    return [  # containers often have the driver's files and not its tool
        Device(name=model[1].strip(), kind="cuda", part=part(model[1], ("gpu",))) for model in models if model
    ]


def _amd() -> list[Device]:
    answer = _tool("rocm-smi", "--showproductname", "--showmeminfo", "vram", "--showdriverversion", "--json")
    if not answer.lstrip().startswith("{"):
        return []
    cards: dict[str, dict[str, Any]] = json.loads(answer)
    driver = next((str(v) for k, v in cards.get("system", {}).items() if k.lower() == "driver version"), "")
    found = []
    for name in sorted((key for key in cards if re.fullmatch(r"card\d+", key)), key=lambda key: int(key[4:])):
        row = {key.lower(): str(value) for key, value in cards[name].items()}
        model = row.get("card series") or row.get("card model") or "AMD GPU"
        total, used = (_number(row.get(f"vram total {what}memory (b)", ""), 1e-9) for what in ("", "used "))
        free = total - used if total is not None and used is not None else None
        found.append(
            Device(name=model, kind="rocm", memory_gb=total, free_gb=free, driver=driver, part=part(model, ("gpu",)))
        )
    return found


def _apple() -> list[Device]:
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return []
    name = _sysctl("machdep.cpu.brand_string") or "Apple GPU"
    memory = psutil.virtual_memory()
    return [
        Device(
            name=name,
            kind="mps",
            memory_gb=memory.total / 1e9,
            free_gb=memory.available / 1e9,
            part=part(name, ("soc-gpu",)),
        )
    ]


def _tool(name: str, *arguments: str) -> str:
    """What a driver's tool prints; "" where there is none, or where it finds nothing or hangs."""
    if (path := shutil.which(name)) is None:
        return ""
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout if done.returncode == 0 else ""


def _sysctl(key: str) -> str:
    return _tool("sysctl", "-n", key).strip() if platform.system() == "Darwin" else ""


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def _number(text: str, scale: float = 1.0) -> float | None:
    """A number of a driver's tool, which writes "[N/A]" where it does not know."""
    return float(text) * scale if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _cpuinfo() -> list[dict[str, str]]:
    """One row a thread."""
    text = CPUINFO.read_text() if CPUINFO.exists() else ""
    pairs = [[line.partition(":") for line in block.splitlines()] for block in text.strip().split("\n\n") if block]
    return [{key.strip(): value.strip() for key, _, value in block} for block in pairs]


def _ghz(known: list[dict[str, str]]) -> float | None:
    """The highest clock, where the system tells; else the one it runs at now."""
    if FASTEST.exists():
        return int(FASTEST.read_text()) / 1e6
    now = [float(row["cpu MHz"]) / 1e3 for row in known if "cpu MHz" in row]
    return max(now, default=None)


def _flops(flags: set[str], amd: bool) -> int:
    """fp32 operations a core and clock: two fused multiply-adds of its widest kind; of AMD 256 bits."""
    if "avx512f" in flags and not amd:
        return 64
    if "avx2" in flags and "fma" in flags:
        return 32
    return 16 if "asimd" in flags else 8 if flags else 0
