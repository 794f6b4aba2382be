"""Prices with their dates, dollars and kWh, and the cheapest hardware that will do."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.cost.catalogue import accelerator, accelerators
from deepworth.cost.money import (
    ELECTRICITY,
    Option,
    Price,
    break_even,
    cheapest_adequate,
    core_watts,
    electricity,
    kwh,
    prices,
    usd,
    usd_per_hour,
    watts,
)
from deepworth.errors import UserError
from deepworth.types import Range

TODAY = date(2026, 11, 21)
seconds = st.floats(1.0, 1e7).map(lambda likely: Range.around(likely, 1.5))
hourly = st.floats(0.01, 200.0)
priced = st.sampled_from([item.name for item in accelerators() if prices(item.name)])
counts = st.integers(1, 64)


def price(as_of: str) -> Price:
    return Price(
        provider="P",
        instance="i",
        accelerator="T4",
        count=1,
        usd_per_hour=1,
        usd_per_accel_hour=1,
        as_of=as_of,
        source="",
    )


def test_every_price_belongs_to_a_part_and_is_that_of_its_machine_divided() -> None:
    named = {p.accelerator for item in accelerators() for p in prices(item.name)} | {"vCPU"}
    assert len(named) > 15
    for name in named:
        for each in prices(name):
            assert each.usd_per_accel_hour == pytest.approx(each.usd_per_hour / each.count, abs=1e-4)
            assert each.source and each.as_of


def test_the_prices_are_those_of_today_and_not_the_stale_ones() -> None:
    (p4d,) = (p for p in prices("A100-SXM4-40GB") if p.instance == "p4d.24xlarge" and p.region == "us-east-1")
    assert p4d.usd_per_hour == pytest.approx(21.957642)  # 32.77 until June 2025, and of 40 GB parts
    assert not any(p.instance == "p4d.24xlarge" for p in prices("A100-SXM4-80GB"))


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2026-08-17", ""),
        ("2026", ""),
        ("2025-12", ""),
        ("2025-11-20", "older than a year"),
        ("2025", "older than a year"),
        ("undated, after 2025-08", "may be older than a year"),
        ("undated, after 2026-05", "check it"),
        ("undated (public tables)", "may be older than a year"),
    ],
)
def test_the_age_of_a_price_is_said(as_of: str, said: str) -> None:
    caveat = price(as_of).caveat(TODAY)
    assert said in caveat if said else caveat == ""


def test_every_price_is_old_one_day() -> None:
    assert all(p.caveat(date(2030, 1, 1)) for item in accelerators() for p in prices(item.name))


@given(priced, counts)
def test_more_devices_cost_more_and_the_reference_lies_between(name: str, count: int) -> None:
    rate, more = usd_per_hour(name, count), usd_per_hour(name, count + 1)
    assert rate and more
    assert 0 < rate.low <= rate.likely <= rate.high
    assert more.likely > 0.7 * rate.likely  # a larger machine may be the cheaper one a device
    assert rate.price.provider in rate.basis
    assert ("over all providers" in rate.basis) == (rate.low < rate.high)


def test_a_device_costs_its_share_of_the_smallest_machine_that_holds_it() -> None:
    one, four, sixteen = (usd_per_hour("A10G", count) for count in (1, 4, 16))
    assert one and four and sixteen
    assert one.likely == pytest.approx(1.006)
    assert four.likely == pytest.approx(5.672)
    assert sixteen.likely == pytest.approx(4 * 5.672)


def test_what_has_no_price_has_none_and_what_is_unknown_is_an_error() -> None:
    assert usd_per_hour("MI355X") is None
    assert usd_per_hour("T4", provider="nobody") is None
    assert usd_per_hour("T4", provider="Modal").likely == pytest.approx(0.5904)  # type: ignore[union-attr]
    with pytest.raises(UserError, match="catalogue"):
        usd_per_hour("no such thing")


@given(seconds, hourly, st.floats(1.0, 100.0))
def test_dollars_grow_with_time_and_rate(time: Range, rate: float, factor: float) -> None:
    cost, longer, dearer = usd(time, rate), usd(scaled(time, factor), rate), usd(time, rate * factor)
    assert cost.low <= cost.likely <= cost.high
    assert longer.likely == pytest.approx(factor * cost.likely)
    assert dearer.high == pytest.approx(factor * cost.high)


@given(seconds, counts)
def test_energy_is_power_times_time(time: Range, count: int) -> None:
    power = watts(accelerator("T4"), count)
    assert power is not None and power.high == pytest.approx(70 * count)
    energy = kwh(time, power)
    assert energy.high == pytest.approx(time.high / 3600 * 0.07 * count)
    assert energy.low <= energy.likely <= energy.high
    assert electricity(energy).likely == pytest.approx(energy.likely * ELECTRICITY.likely)


def test_a_watt_that_is_not_known_gives_no_energy() -> None:
    assert watts(accelerator("TPU v5e")) is None


def test_the_sentence_of_the_break_even_is_that_of_todays_prices() -> None:
    hours = 3600.0
    found = cheapest_adequate(
        [
            Option(hardware="A100-SXM4-40GB", seconds=Range.around(4 * hours / 2.1, 1.1)),
            Option(hardware="T4", seconds=Range.around(4 * hours, 1.1)),
        ],
        today=TODAY,
    )
    assert found.cheapest and found.cheapest.name == "T4"
    assert found.break_evens[0].sentence == (
        "the A100-SXM4-40GB pays over the T4 above a speed-up of 5.2x; yours is 2.1x"
    )
    assert not found.break_evens[0].pays
    assert "$2.10" in found.sentence


def test_the_dearer_hour_wins_where_it_is_fast_enough() -> None:
    found = cheapest_adequate(
        [
            Option(hardware="T4", seconds=Range.around(36000)),
            Option(hardware="A100-SXM4-40GB", seconds=Range.around(6000)),
        ]
    )
    assert found.cheapest and found.cheapest.name == "A100-SXM4-40GB"
    assert found.break_evens[0].pays
    assert "yours is 6.0x (the ranges overlap)" in found.break_evens[0].sentence


@given(st.lists(st.tuples(priced, counts, seconds), min_size=2, max_size=6))
def test_a_speed_up_beyond_the_break_even_is_a_lower_cost(rows: list[tuple[str, int, Range]]) -> None:
    found = cheapest_adequate(Option(hardware=name, count=count, seconds=time) for name, count, time in rows)
    costs = [offer.usd.likely for offer in found.offers if offer.usd]
    assert costs == sorted(costs)
    for other in found.offers[1:]:
        pair = break_even(found.offers[0], other)
        assert pair is not None and found.offers[0].usd and other.usd
        cheaper_hour, dearer_hour = sorted((found.offers[0], other), key=lambda offer: offer.hourly or 0)
        assert cheaper_hour.usd and dearer_hour.usd
        if abs(pair.speedup / pair.needed - 1) > 1e-9:
            assert pair.pays == (dearer_hour.usd.likely < cheaper_hour.usd.likely)


def test_what_does_not_fit_or_takes_too_long_is_not_adequate() -> None:
    found = cheapest_adequate(
        [
            Option(hardware="T4", seconds=Range.around(10.0), fits=False, reason="needs 30 GB, has 15"),
            Option(hardware="L4", seconds=Range.around(9000.0)),
            Option(hardware="H100", seconds=Range.around(1000.0)),
            Option(hardware="MI355X", seconds=Range.around(10.0)),
        ],
        within=3600,
        today=TODAY,
    )
    assert found.cheapest and found.cheapest.name == "H100"
    reasons = {offer.name: offer.why_not for offer in found.offers}
    assert reasons["T4"] == "needs 30 GB, has 15"
    assert "likely takes 2 h 30 m" in reasons["L4"]
    assert any("may be older than a year" in warning for warning in found.warnings)
    assert not cheapest_adequate([Option(hardware="MI355X", seconds=Range.around(10.0))]).cheapest


def test_ones_own_machine_costs_electricity_only() -> None:
    own = Option(hardware="this machine", own=True, watts=core_watts(2), seconds=Range.around(3600.0))
    found = cheapest_adequate([own, Option(hardware="T4", seconds=Range.around(900.0))])
    assert found.cheapest and found.cheapest.name == "this machine"
    assert found.cheapest.usd and found.cheapest.usd.likely == pytest.approx(0.016 * 0.25)
    assert "electricity" in found.cheapest.basis
    dear = cheapest_adequate([own], usd_per_kwh=scaled(ELECTRICITY, 2)).cheapest
    assert dear and dear.usd and dear.usd.likely == pytest.approx(2 * 0.016 * 0.25)


def test_threads_of_a_processor_can_be_rented() -> None:
    rate = usd_per_hour("vCPU", 2)
    assert rate and rate.likely == pytest.approx(0.08925)


def scaled(span: Range, by: float) -> Range:
    return Range(low=span.low * by, likely=span.likely * by, high=span.high * by)
