"""Hardware by name, here, and none; and what its time costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepworth.cost.catalogue import counted
from deepworth.decide.hardware import priced, reckoned
from deepworth.errors import UserError
from deepworth.types import Range
from tests.decide.made import CPU

HOUR = Range(low=1800, likely=3600, high=7200)


@pytest.mark.parametrize(
    ("name", "count", "part"),
    [("T4", 1, "T4"), ("2x T4", 2, "T4"), ("8 A100", 8, "A100"), ("L4 x 4", 4, "L4"), ("RTX 3090", 1, "RTX 3090"),
     ("3060 Ti", 1, "3060 Ti"), ("4×L4", 4, "L4")],
)  # fmt: skip
def test_names_with_a_number(name: str, count: int, part: str) -> None:
    assert counted(name) == (count, part)


def test_no_devices_are_none() -> None:
    with pytest.raises(UserError, match="no device"):
        counted("0x T4")


def test_here_and_none() -> None:
    hardware, machine = reckoned("auto", CPU)
    assert machine is CPU
    assert (hardware.count, hardware.found, hardware.name) == (0, True, "2 cores, no GPU")
    card = replace(CPU, accelerator="cuda", accelerators=2, accelerator_gb=16.0, accelerator_gflops=9000.0)
    assert reckoned("auto", card)[0].count == 2
    hardware, machine = reckoned("none", card)
    assert hardware.count == 0
    assert machine == CPU


def test_a_named_card_has_its_memory_rate_and_rent() -> None:
    hardware, machine = reckoned("2x T4", CPU)
    assert (hardware.name, hardware.count, hardware.memory_gb, hardware.found) == ("T4", 2, 16.0, False)
    assert hardware.priced
    assert machine.threads == CPU.threads
    assert 14 < machine.accelerator_gb < 16
    one = reckoned("T4", CPU)
    assert machine.accelerator_gflops == one[1].accelerator_gflops
    assert hardware.usd_per_hour > one[0].usd_per_hour
    assert reckoned("H100", CPU)[1].accelerator_gflops > 3 * one[1].accelerator_gflops


def test_short_names_say_which_part_was_taken() -> None:
    assert "80 GB" in reckoned("A100", CPU)[0].note


def test_a_processor_by_name_is_no_accelerator() -> None:
    hardware, machine = reckoned("i9-13900K", CPU)
    assert hardware.count == 0
    assert not machine.accelerator
    assert machine.gflops != CPU.gflops


def test_what_pytorch_does_not_run_on_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be planned for"):
        reckoned("TPU v5e", CPU)


def test_rent_and_electricity() -> None:
    hardware, _ = reckoned("T4", CPU)
    assert priced(HOUR, hardware).likely == pytest.approx(hardware.usd_per_hour)
    own = priced(HOUR, reckoned("none", CPU)[0])
    assert 0 < own.low < own.likely < own.high < 0.05


def test_a_price_says_whose_it_is_and_what_is_doubtful() -> None:
    hardware, _ = reckoned("A100-SXM4-80GB", CPU)
    assert hardware.priced.startswith("AWS p4de.24xlarge, undated")
    assert hardware.priced.count("older than a year") == 1
    assert "price of" not in hardware.priced
