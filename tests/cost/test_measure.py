"""What is measured is possible, kept for this machine only, and used afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deepworth.cli import app
from deepworth.cost import detect, machine, measure, probes
from deepworth.cost.detect import Device, processor
from deepworth.cost.measure import Measured, measured, take
from deepworth.cost.probes import Reached
from deepworth.types import dump


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPWORTH_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "installed", lambda name: False)


def fixed(value: float) -> Callable[[float], Reached]:
    return lambda seconds: Reached(what="matrix product", precision="fp32", value=value, unit="GFLOP/s", peak=2 * value)


def test_what_is_measured_is_kept_and_found_again(no_torch: None) -> None:
    assert measured() is None
    found = take(4.0)  # much, for where others use the cores
    assert measured() == found
    assert {(r.what, r.precision) for r in found.reached} == {
        ("matrix product", "fp32"),
        ("copy", ""),
        ("decode", "jpeg"),
    }
    assert all(r.value > 0 for r in found.reached)
    assert 0.5 < (found.best("matrix product", "fp32") or 0) < 20_000
    assert 0.05 < (found.best("copy") or 0) < 5_000
    assert found.best("matrix product", "fp4") is None


def test_time_is_kept(no_torch: None) -> None:
    names = ("fp32 product", "copy", "decode")
    assert take(0.0).notes == tuple(f"{name} on cpu: no time was left" for name in names)


def test_it_belongs_to_this_machine_and_these_versions(no_torch: None, monkeypatch: pytest.MonkeyPatch) -> None:
    take(0.3)
    assert measured((Device(name="Tesla T4", kind="cuda", part="T4"),)) is None
    monkeypatch.setattr(measure, "_versions", lambda: {"numpy": "1.0"})
    assert measured() is None


def test_a_file_of_another_form_counts_for_nothing(no_torch: None, cache: Path) -> None:
    take(0.3)
    (path,) = (cache / "measured").iterdir()
    path.write_text('{"machine": 3}')
    assert measured() is None


def test_what_a_device_cannot_do_is_said_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(seconds: float) -> Reached:
        raise RuntimeError("no such product\nat line 3")

    monkeypatch.setattr(measure, "probes", lambda host, found: [("int8", cannot), ("fp32", fixed(100.0))])
    found = take()
    assert found.notes == ("int8: no such product",)
    assert [r.share for r in found.reached] == [0.5]


def test_what_was_reached_is_used_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "probes", lambda host, found: [("fp32", fixed(1e6))])
    take()
    assert machine.measure().gflops == pytest.approx(1e6)


def test_a_device_is_reckoned_from_its_measurement_before_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Device(name="Tesla T4", kind="cuda", free_gb=15.0, part="T4")
    monkeypatch.setattr(machine, "devices", lambda: (card, card))
    by_peak = machine.measure()
    assert (by_peak.accelerator, by_peak.accelerators, by_peak.accelerator_gb) == ("cuda", 2, 14.5)
    assert 1_000 < by_peak.accelerator_gflops < 65_000
    reached = (
        Reached(what="matrix product", precision="fp16", device="Tesla T4", value=25_000, unit="GFLOP/s", peak=65_000),
        Reached(what="matrix product", precision="int8", device="Tesla T4", value=90_000, unit="GFLOP/s"),
        Reached(what="copy", device="Tesla T4", value=240, unit="GB/s", peak=320),
    )
    kept = Measured(machine="", threads=1, versions={}, when="", seconds=1, reached=reached)
    assert kept.fastest_product("Tesla T4") == ("fp16", 25_000)
    monkeypatch.setattr(machine, "measured", lambda found: kept)
    assert 0 < machine.measure().accelerator_gflops < by_peak.accelerator_gflops


def test_the_peak_beside_a_measurement_is_that_of_one_device() -> None:
    t4 = Device(name="Tesla T4", kind="cuda", part="T4")
    assert probes.peak(t4, "fp16") == 65_000
    assert probes.peak(t4, "copy") == 320
    assert probes.peak(t4, "bf16") is None
    assert probes.peak(Device(name="MI250X", kind="rocm", part="MI250X"), "fp16") == 383_000 / 2
    assert probes.peak(Device(name="some card", kind="cuda"), "fp16") is None


def test_torch_measures_products_by_precision() -> None:
    pytest.importorskip("torch")
    todo = dict(probes.probes(processor(), ()))
    for precision in ("fp32", "bf16", "int8"):
        reached = todo[f"{precision} product on cpu"](0.2)
        assert 0.1 < reached.value < 100_000
        assert (reached.precision, reached.device) == (precision, "cpu")
    assert 0.05 < todo["launch on cpu"](0.05).value < 1_000


@pytest.mark.gpu
def test_a_gpu_is_found_and_reaches_less_than_its_peak() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    assert detect.devices()
    shares = [r.share for r in take().reached if r.share]
    assert shares and all(0 < share < 1.05 for share in shares)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["hardware", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_shows_this_machine_and_the_catalogue() -> None:
    shown = run()
    assert processor().name.split()[0] in shown
    assert "--measure" in shown and "T4" in shown and "GTX 1080 Ti" not in shown
    assert "GTX 1080 Ti" in run("--all")


def test_the_command_shows_one_part_with_its_sources_and_prices() -> None:
    shown = run("t4")
    assert "65 TFLOP/s dense" in shown and "g4dn.xlarge" in shown and "0.526" in shown
    assert "older than a year" in run("H100")
    assert CliRunner().invoke(app, ["hardware", "no such card"]).exit_code == 2
    assert CliRunner().invoke(app, ["hardware", "T4", "--measure"]).exit_code == 2


def test_the_command_speaks_json() -> None:
    told = json.loads(run("--json"))
    assert told["here"]["processor"]["threads"] == detect.threads_allowed()
    assert len(told["catalogue"]) > 100
    part = json.loads(run("A100", "--json"))
    assert part["sparse"]["bf16"] == 624
    assert "40GB" in part["note"]
    assert part["prices"][0]["price"]["provider"] == "AWS"
    assert dump(part)
