"""Prices from records: energy and money are what the arithmetic says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepworth.decide.hardware import found, reckoned
from deepworth.types import Machine, Price, Rung, TrialResult, Workload
from deepworth.verdict.price import price

HERE = Machine(threads=4, memory_gb=16.0, gflops=200.0)
WITH_GPU = reckoned("T4", HERE)[1]
WORK = Workload(
    modality="tabular", task="binary", classes=2, train=30_000, valid=5_000, test=5_000, numbers=10, categories=4
)


def trial(model: str, rung: Rung, seconds: float, ms: float, accuracy: float | None = None) -> TrialResult:
    return TrialResult(
        key=f"{model}-1", model=model, rung=rung, status="done", seconds=seconds, ms_predict=ms, ms_1=20 * ms, ms_32=ms,
        predict_gb=0.5, artefact_mb=2.0, test={} if accuracy is None else {"accuracy": accuracy},
    )  # fmt: skip


TREES = trial("lightgbm", "classical", 10.0, 0.05, 0.90)
NET = trial("tabm", "custom", 100.0, 0.25, 0.91)


def of(one: TrialResult, machine: Machine = HERE) -> Price:
    return price(one, WORK, machine, found(machine))


def test_energy_and_money_are_seconds_times_power_times_price() -> None:
    one = of(TREES)
    assert one.kwh and one.usd and one.usd_per_1000
    assert one.kwh.likely == pytest.approx(10 * 4 * 8 / 3.6e6)  # seconds x cores x watts
    assert one.usd.likely == pytest.approx(one.kwh.likely * 0.25)
    assert one.usd_per_1000.likely == pytest.approx(one.usd.likely * 0.05 / 10)  # 1,000 x 0.05 ms are 0.05 s
    assert one.usd.low < one.usd.likely < one.usd.high


def test_features_that_were_kept_cost_what_they_take() -> None:
    kept = replace(NET, seconds=1.0, notes={"features_kept": 4_000})
    assert of(kept).seconds == pytest.approx(1.0 + 4_000 * 0.25 / 1000)
    assert of(kept).usd == of(replace(NET, seconds=2.0)).usd


def test_rented_hardware_is_paid_by_the_hour() -> None:
    hardware, machine = reckoned("T4", HERE)
    one = price(NET, WORK, machine, hardware)
    assert (one.hardware, one.kwh) == ("T4", None)
    assert one.usd and hardware.usd_per_hour
    assert one.usd.likely == pytest.approx(100 / 3600 * hardware.usd_per_hour)


def test_trees_stay_on_a_processor_and_are_not_charged_with_the_accelerator() -> None:
    here, there = of(TREES), of(TREES, WITH_GPU)
    assert here.cheapest == there.cheapest == "4x vCPU"
    assert here.usd == there.usd
    assert "no GPU" in there.hardware


def test_a_network_goes_where_its_training_costs_least() -> None:
    long = replace(NET, seconds=36_000.0)
    one = of(long)
    assert one.cheapest not in ("", "4x vCPU")
    assert one.cheapest_seconds and one.cheapest_usd
    assert one.cheapest_seconds.likely < 36_000 / 4
    assert one.cheapest_usd.likely < 4 * 0.0446 * 10
    assert one.cheapest_seconds.low < one.cheapest_seconds.likely < one.cheapest_seconds.high


def test_memory_takes_more_vcpus() -> None:
    assert of(replace(TREES, peak_gb=31.0)).cheapest == "16x vCPU"


def test_a_model_nobody_knows_has_no_cheapest_hardware() -> None:
    one = of(replace(TREES, model="of a plug-in that is gone"))
    assert (one.cheapest, one.cheapest_usd) == ("", None)
    assert one.usd


def test_what_was_not_timed_costs_nothing_known() -> None:
    assert of(replace(NET, ms_1=0.0, ms_32=0.0)).usd_per_1000 is None
