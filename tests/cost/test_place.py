"""Where a run is priced: names, numbers, and this machine with what it reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepworth.cost import place
from deepworth.cost.catalogue import GIB, accelerator
from deepworth.cost.detect import Device, Processor
from deepworth.cost.machine import Here
from deepworth.cost.measure import Measured
from deepworth.cost.probes import Reached
from deepworth.errors import UserError

CHIP = Processor(name="Some Processor", threads=4, cores=2, ghz=2.5, flops=32)
CARD = Device(name="Tesla T4", kind="cuda", memory_gb=14.6 * GIB, part="T4")
BARE = Here(processor=CHIP, memory_gb=32.0, memory_free_gb=30.0, devices=(), measured=None)


def reached(*values: Reached) -> Measured:
    return Measured(machine="x", threads=4, versions={}, when="2026-01-01", seconds=1.0, reached=values)


def told(monkeypatch: pytest.MonkeyPatch, machine: Here) -> place.Site:
    place._here.cache_clear()
    monkeypatch.setattr(place, "here", lambda: machine)
    try:
        return place.site("auto")
    finally:
        place._here.cache_clear()


def test_a_name_and_a_number() -> None:
    assert place.site("T4").count is None
    assert place.site("2x A100-SXM4-80GB").count == 2
    assert place.site("T4 x4").device.name == "T4"
    assert "SXM2" in place.site("V100").notes[0]
    with pytest.raises(UserError, match="near it are"):
        place.site("2x A100-SXM4-81GB")


def test_a_card_is_scaled_by_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = accelerator("T4")
    plain = told(monkeypatch, replace(BARE, devices=(CARD, CARD)))
    assert (plain.count, plain.own, plain.device.fp16_tflops) == (2, True, sheet.fp16_tflops)
    assert any("not measured" in note for note in plain.notes)
    half = reached(
        Reached(what="matrix product", precision="fp16", device="Tesla T4", value=24375, unit="GFLOP/s", peak=65000),
        Reached(what="copy", device="Tesla T4", value=272, unit="GB/s", peak=320),
    )
    slow = told(monkeypatch, replace(BARE, devices=(CARD,), measured=half)).device
    assert slow.fp16_tflops == pytest.approx(65 / 2)
    assert slow.fp32_tflops == pytest.approx(8.1 / 2)
    assert slow.bw_gbs == pytest.approx(320)
    assert slow.usable_gb == pytest.approx(sheet.usable_gb)


def test_a_card_nobody_wrote_down_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="not in the catalogue"):
        told(monkeypatch, replace(BARE, devices=(replace(CARD, part=""),)))


def test_a_processor_is_what_it_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    guessed = told(monkeypatch, BARE)
    assert guessed.device.fp32_tflops == pytest.approx(0.16)
    assert "--measure" in guessed.notes[0]
    kept = reached(
        Reached(what="matrix product", precision="fp32", value=60, unit="GFLOP/s"),
        Reached(what="copy", value=17, unit="GB/s"),
    )
    measured = told(monkeypatch, replace(BARE, measured=kept))
    assert measured.device.fp32_tflops == pytest.approx(0.08)
    assert measured.device.bw_gbs == pytest.approx(20)
    assert measured.device.bf16_tflops is None


def test_an_hour_of_what_is_owned_is_its_electricity(monkeypatch: pytest.MonkeyPatch) -> None:
    site = told(monkeypatch, BARE)
    assert (hour := place.hourly(site, 1, []))
    assert 0 < hour["low"] < hour["likely"] < hour["high"] < 0.1
    warnings: list[str] = []
    rented = place.hourly(place.site("L4"), 8, warnings)
    assert rented
    assert rented["likely"] > 8 * 0.7
    assert any("the largest has 4" in warning for warning in warnings)


def test_no_hardware_is_no_place() -> None:
    with pytest.raises(UserError, match=r"auto .*16 vCPU"):
        place.site("none")
