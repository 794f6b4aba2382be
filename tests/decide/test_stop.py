"""The stop rules: what is believed after some steps, and when a next one pays."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.decide.experience import experience
from deepworth.decide.stop import (
    NOTHING_PUBLISHED,
    Bought,
    Gain,
    Offer,
    learn,
    look,
    next_step,
    sampling_unit,
)

KINDS = ("lightgbm", "linear", "xgboost", "catboost", "foundation", "tabm", "mlp", "forest", "catboost-tuned")
FINE = 0.01  # the unit of 10,000 errors counted
kinds = st.sampled_from(KINDS)
errors = st.floats(0.001, 1000)


def bought(kind: str = "lightgbm", error: float = 0.2, unit: float = FINE, seconds: float = 5.0) -> Bought:
    return Bought(kind=kind, error=error, unit=unit, seconds=seconds)


@st.composite
def climbs(draw: st.DrawFn) -> tuple[list[Bought], list[Offer]]:
    """Some steps bought, and offers of the rest."""
    order = draw(st.permutations(KINDS))
    some = draw(st.integers(1, len(order) - 1))
    level = draw(errors)
    steps = [bought(kind, level * draw(st.floats(0.5, 2)), draw(st.floats(0.001, 0.1))) for kind in order[:some]]
    return steps, [Offer(kind=kind, seconds=draw(st.floats(0.1, 1e5))) for kind in order[some:]]


@given(climb=climbs())
def test_a_gain_read_the_other_way_round_is_a_loss(climb: tuple[list[Bought], list[Offer]]) -> None:
    steps, offers = climb
    outlook = look(experience(), steps, [offer.kind for offer in offers])
    for offer in offers:
        there, back = outlook.gain(offer.kind, steps[0].kind), outlook.gain(steps[0].kind, offer.kind)
        assert there.mean() == pytest.approx(-back.mean())
        assert there.quantile(0.9) == pytest.approx(-back.quantile(0.1), abs=1e-6)


@given(climb=climbs(), factor=st.floats(0.001, 1000), price=st.floats(1e-7, 0.1))
def test_the_unit_of_the_error_does_not_matter(
    climb: tuple[list[Bought], list[Offer]], factor: float, price: float
) -> None:
    steps, offers = climb
    scaled = [bought(step.kind, step.error * factor, step.unit, step.seconds) for step in steps]
    one, other = (next_step(experience(), some, offers, price=price, left=1e9) for some in (steps, scaled))
    assert one.expected - one.toll == pytest.approx(other.expected - other.toll, abs=1e-6)
    assert one.over == other.over or one.expected == pytest.approx(other.expected, abs=1e-6)


@given(climb=climbs(), price=st.floats(1e-7, 0.1), left=st.floats(0, 1e5))
def test_a_step_fits_the_limit_and_brings_more_than_its_price(
    climb: tuple[list[Bought], list[Offer]], price: float, left: float
) -> None:
    steps, offers = climb
    step = next_step(experience(), steps, offers, price=price, left=left)
    if step.offer:
        assert step.offer.seconds <= left
        assert step.expected > step.toll == pytest.approx(price * step.offer.seconds)
        assert step.low < step.high < 1
        cheaper = next_step(experience(), steps, offers, price=price / 10, left=left)
        assert cheaper.offer, "what pays at a high price pays at a low one"
    assert step.reason


def test_nothing_is_tried_after_a_perfect_score() -> None:
    step = next_step(experience(), [bought(error=0.0)], [Offer(kind="tabm", seconds=1)], price=0, left=99)
    assert step.offer is None
    assert "nothing is left to gain" in step.reason


def test_a_perfect_model_is_taken_all_the_same() -> None:
    steps = [bought("foundation", 0.01), bought("linear", 0.0)]
    assert look(experience(), steps).favourite(["foundation", "linear"]) == "linear"


def test_each_stop_has_its_reason() -> None:
    def reason(offers: list[Offer], price: float = 0.01 / 300) -> str:
        step = next_step(experience(), [bought()], offers, price=price, left=100)
        assert step.offer is None
        return step.reason

    assert reason([]) == "nothing is left to try"
    assert "takes 8 m 20 s, 1 m 40 s are left" in reason([Offer(kind="tabm", seconds=500)])
    assert "no step pays: tabm is expected to save" in reason([Offer(kind="tabm", seconds=50)], price=1)


def test_a_kind_nobody_published_on_is_tried_while_it_is_cheap() -> None:
    def offer(seconds: float) -> Offer | None:
        offers = [Offer(kind="net of yours", seconds=seconds)]
        return next_step(NOTHING_PUBLISHED, [bought("base")], offers, price=0.01 / 300, left=1e9).offer

    assert offer(60)
    assert offer(36_000) is None


def test_what_gained_elsewhere_comes_first() -> None:
    offers = [Offer(kind=kind, seconds=10) for kind in ("linear", "forest", "foundation", "tabm")]
    step = next_step(experience(), [bought()], offers, price=0.01 / 300, left=1e9)
    assert step.offer == offers[2]
    assert 0 < step.expected < step.high
    assert step.over == "lightgbm"


def test_between_equals_on_few_rows_the_record_decides() -> None:
    steps = [bought("lightgbm", 0.20, unit=0.2), bought("foundation", 0.2002, unit=0.2)]
    assert look(experience(), steps).favourite(["lightgbm", "foundation"]) == "foundation"
    many = [bought("lightgbm", 0.20, unit=0.001), bought("foundation", 0.25, unit=0.001)]
    assert look(experience(), many).favourite(["lightgbm", "foundation"]) == "lightgbm"


def test_more_rows_make_the_interval_narrower() -> None:
    def width(unit: float) -> float:
        steps = [bought("lightgbm", 0.20, unit), bought("tabm", 0.19, unit)]
        low, high = look(experience(), steps).gain("tabm", "lightgbm").interval()
        return high - low

    assert width(0.001) < width(0.03) < width(0.2)


def test_a_lead_that_tuning_made_on_validation_rows_counts_for_less() -> None:
    draw = np.random.default_rng(0)
    gains = {"base": [0.0] * 40, "plain": list(draw.normal(0, 0.05, 40)), "tuned": list(draw.normal(0, 0.05, 40))}
    slips = {"base": [0.0] * 40, "plain": list(draw.normal(0, 1, 40)), "tuned": list(draw.normal(-3, 1, 40))}
    known = learn(gains, slips)
    outlook = look(known, [bought(kind, error, unit=0.02) for kind, error in (("plain", 0.2), ("tuned", 0.2))])
    assert outlook.gain("tuned", "plain").mean() < -0.02


def test_experience_is_learned_with_gaps_and_outliers() -> None:
    draw = np.random.default_rng(1)
    common = draw.normal(0, 0.1, 200)
    first, second = 0.05 + common, -0.02 + common + draw.normal(0, 0.03, 200)
    second[:5] = 40.0  # one wild set must not decide
    second[100:] = np.nan
    table = {"base": [0.0] * 200, "first": list(first), "second": list(second)}
    known = learn(table, {kind: [0.0] * 200 for kind in table})
    assert known.mean == pytest.approx([0, 0.05, 0.0], abs=0.04)
    assert known.cov[1, 1] == pytest.approx(0.01, rel=0.3)
    assert known.cov[1, 2] > 0
    assert np.linalg.eigvalsh(known.cov).min() > -1e-12
    assert known.cov[0] == pytest.approx([0, 0, 0])
    assert known.sets == 200


def test_published_experience_is_whole() -> None:
    for source in ("tabarena", "yandex"):
        known = experience(source)
        assert known.sets >= 29
        assert known.kinds[0] == "lightgbm"
        assert not np.isnan(known.mean).any() and not np.isnan(known.cov).any() and not np.isnan(known.slip_cov).any()
        assert experience(source, without={"adult", "churn", "default/adult"}).sets < known.sets
    assert experience("nobody") is NOTHING_PUBLISHED


@given(mean=st.floats(-1, 1), sd=st.floats(0.01, 1))
def test_the_expected_improvement_is_the_mean_of_what_is_gained(mean: float, sd: float) -> None:
    gain = Gain(odds=np.array([1.0]), means=np.array([mean]), sds=np.array([sd]))
    normal = statistics.NormalDist(mean, sd)
    drawn = [normal.inv_cdf((i + 0.5) / 4000) for i in range(4000)]
    assert gain.improvement() == pytest.approx(np.mean([max(0, 1 - math.exp(-g)) for g in drawn]), abs=1e-3)
    assert gain.quantile(0.05) == pytest.approx(normal.inv_cdf(0.05), abs=1e-6)


def test_a_mixture_has_the_quantiles_of_its_parts_together() -> None:
    gain = Gain(odds=np.array([0.5, 0.5]), means=np.array([-1.0, 1.0]), sds=np.array([0.1, 0.1]))
    assert gain.mean() == pytest.approx(0)
    assert gain.quantile(0.25) == pytest.approx(-1, abs=1e-4)
    low, high = gain.interval()
    assert low < -1 and high > 0.6


@given(rows=st.integers(10, 10**7), error=st.floats(0, 1))
def test_a_sampling_unit_falls_with_the_rows(rows: int, error: float) -> None:
    for bounded in (True, False):
        assert 0 < sampling_unit(error, rows * 4, bounded) <= sampling_unit(error, rows, bounded) <= 1
    assert sampling_unit(0.1, 100_000, bounded=True) == pytest.approx(0.01)
    assert sampling_unit(37.5, 10_000, bounded=False) == pytest.approx(0.01)


def test_intervals_hold_on_sets_drawn_as_the_published_ones_were() -> None:
    """Gains and slips drawn from the experience itself: the 90 % interval holds about as often (it allows for more)."""
    known = experience()
    draw = np.random.default_rng(0)
    held = []
    for _ in range(150):
        gains = draw.multivariate_normal(known.mean, known.cov)
        slips = draw.multivariate_normal(known.slip, known.slip_cov)
        seen = gains - 0.02 * slips
        steps = [bought(known.kinds[i], math.exp(-seen[i]), unit=0.02) for i in (0, 4, 5)]
        low, high = look(known, steps).gain(known.kinds[5], known.kinds[0]).interval()
        held.append(low <= 1 - math.exp(-(gains[5] - gains[0])) <= high)
    assert 0.85 <= np.mean(held) <= 1
