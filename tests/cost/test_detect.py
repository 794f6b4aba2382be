"""What drivers report is read as they print it, hidden devices stay hidden, and nothing imports torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deepworth.cost import detect
from deepworth.cost.catalogue import GIB
from deepworth.cost.detect import Device, devices, memory_allowed_gb, processor, threads_allowed, visible

SMI = """NVIDIA A100-SXM4-80GB, GPU-1, 81920, 80000, 400.00, 550.54.15
NVIDIA GeForce RTX 4060 Laptop GPU, GPU-2, 8188, 7000, [N/A], 550.54.15
"""
ROCM = {
    "card0": {
        "Card Series": "AMD Instinct MI300X",
        "Card Model": "0x74a1",
        "VRAM Total Memory (B)": "206141652992",
        "VRAM Total Used Memory (B)": "297365504",
    },
    "system": {"Driver version": "6.8.5"},
}


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH; no driver's files are seen."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(detect, "NVIDIA", tmp_path / "nowhere")
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def tool(folder: Path, name: str, printed: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nprint({printed!r}, end='')\nraise SystemExit({code})\n")
    path.chmod(0o755)


def test_nvidia_devices_are_read_and_matched(tools: Path) -> None:
    tool(tools, "nvidia-smi", SMI)
    first, second = devices()
    assert first == Device(
        name="NVIDIA A100-SXM4-80GB",
        kind="cuda",
        memory_gb=80 * GIB,
        free_gb=80000 / 1024 * GIB,
        watts=400.0,
        driver="550.54.15",
        part="A100-SXM4-80GB",
    )
    assert (second.watts, second.part) == (None, "")  # a mobile part is none of the catalogue


def test_a_tool_that_fails_or_prints_something_else_finds_nothing(tools: Path) -> None:
    tool(tools, "nvidia-smi", "NVIDIA-SMI has failed because it couldn't communicate with the driver.", 9)
    tool(tools, "rocm-smi", "WARNING: no AMD GPUs")
    assert devices() == ()
    tool(tools, "nvidia-smi", "No devices were found\n")
    assert devices() == ()


def test_a_tool_that_hangs_is_left(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tools / "nvidia-smi").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(30)\n")
    (tools / "nvidia-smi").chmod(0o755)
    monkeypatch.setattr(detect, "PATIENCE", 0.2)
    assert devices() == ()


def test_without_the_tool_the_drivers_files_name_the_card(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = tools / "driver" / "gpus" / "0000:00:04.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t Tesla T4\nIRQ:   \t\t 24\nGPU UUID: \t GPU-1\n")
    monkeypatch.setattr(detect, "NVIDIA", tools / "driver")
    assert devices() == (Device(name="Tesla T4", kind="cuda", part="T4"),)


def test_amd_devices_are_read_and_matched(tools: Path) -> None:
    tool(tools, "rocm-smi", json.dumps(ROCM))
    (found,) = devices()
    assert (found.name, found.kind, found.part, found.driver) == ("AMD Instinct MI300X", "rocm", "MI300X", "6.8.5")
    assert found.memory_gb == pytest.approx(206.14, abs=0.01)
    assert found.free_gb == pytest.approx(205.84, abs=0.01)


@pytest.mark.parametrize(
    ("listed", "seen"),
    [(None, "abc"), ("", ""), ("-1", ""), ("1", "b"), ("2,0", "ca"), ("0,9,1", "a"), ("GPU-x,GPU-y", "ab")],
)
def test_hidden_devices_stay_hidden(listed: str | None, seen: str) -> None:
    found = [Device(name=name, kind="cuda") for name in "abc"]
    assert "".join(device.name for device in visible(found, listed)) == seen


def test_the_environment_hides_devices(tools: Path) -> None:
    tool(tools, "nvidia-smi", SMI)
    assert [device.name for device in devices({"CUDA_VISIBLE_DEVICES": "1"})] == ["NVIDIA GeForce RTX 4060 Laptop GPU"]
    assert devices({"CUDA_VISIBLE_DEVICES": ""}) == ()


def test_the_processor_is_one_that_can_be() -> None:
    found = processor()
    assert found.name
    assert 1 <= found.cores <= found.threads == threads_allowed() <= (os.cpu_count() or 1)
    assert found.peak_gflops is None or 1 < found.peak_gflops < 100_000
    assert 0 < memory_allowed_gb() <= psutil.virtual_memory().total / 1e9


def test_cores_are_counted_once_and_only_those_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = (
        "processor: {}\nvendor_id: {}\nmodel name: AMD EPYC 9654 96-Core Processor\ncpu MHz: 2400.0\nphysical id: 0\n"
    )
    told += "core id: {}\nflags: fma avx2 avx512f\n"
    (tmp_path / "cpuinfo").write_text("\n".join(told.format(i, "AuthenticAMD", i // 2) for i in range(8)))
    monkeypatch.setattr(detect, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(detect, "FASTEST", tmp_path / "none")
    monkeypatch.setattr(detect, "threads_allowed", lambda: 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    found = processor()
    assert (found.threads, found.cores, found.part, found.flops) == (4, 2, "EPYC 9654", 32)
    assert found.peak_gflops == pytest.approx(2 * 32 * 2.4)


def test_looking_does_not_import_torch() -> None:
    code = "import sys; from deepworth.cost.machine import here, measure; here(), measure()"
    code += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
