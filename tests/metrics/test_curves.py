"""Learning curves of known laws: what is projected is so, and what cannot be is said to be not reliable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.metrics.curves import (
    PowerLaws,
    crossing,
    data_or_rung,
    deviations,
    fit_power_laws,
    gain_of_more_rows,
    resampled_errors,
)
from deepworth.metrics.scores import metric
from deepworth.types import Task

SIZES = np.array([500, 1000, 2000, 4000, 8000])


def measured(laws: PowerLaws, noise: float, seeds: int = 5, seed: int = 0) -> np.ndarray:
    """(seeds, models, sizes) errors."""
    random = np.random.default_rng(seed)
    return laws.at(SIZES) * (1 + noise * random.standard_normal((seeds, len(laws.a), len(SIZES))))


def laws(*constants: tuple[float, float, float]) -> PowerLaws:
    return PowerLaws(*(np.array(column) for column in zip(*constants, strict=True)))


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 0.3), st.floats(0.5, 20), st.floats(0.2, 1.2))
def test_a_law_without_noise_is_found(a: float, b: float, c: float) -> None:
    true = laws((a, b, c))
    found = fit_power_laws(SIZES, true.at(SIZES))
    assert found.at(SIZES) == pytest.approx(true.at(SIZES), rel=0.02)
    assert found.at(16_000.0) == pytest.approx(true.at(16_000.0), rel=0.05)
    assert found.a[0] >= 0
    assert found.b[0] >= 0


def test_errors_that_grow_are_a_flat_law() -> None:
    found = fit_power_laws(SIZES, np.array([[0.1, 0.11, 0.12, 0.13, 0.14]]))
    assert found.at(1e5) == pytest.approx(found.at(500))


def test_three_sizes_are_too_few() -> None:
    with pytest.raises(ValueError, match="needs 4 sizes"):
        fit_power_laws(SIZES[:3], np.ones((1, 3)))


def test_two_seeds_are_too_few() -> None:
    with pytest.raises(ValueError, match="3 are needed"):
        resampled_errors(np.ones((2, 1, 5)))


def test_resampled_errors_are_spread_as_the_seeds_say() -> None:
    errors = np.random.default_rng(0).normal(1.0, 0.1, (5, 1, 5))
    drawn = resampled_errors(errors, resamples=4000)
    assert drawn[0] == pytest.approx(errors.mean(0))
    width = np.quantile(drawn[1:, 0, 0], 0.975) - drawn[0, 0, 0]
    assert width == pytest.approx(2.776 * errors[:, 0, 0].std(ddof=1) / np.sqrt(5), rel=0.1)


def test_a_crossing_beyond_the_data_is_projected() -> None:
    true = laws((0.12, 3.0, 0.5), (0.08, 12.0, 0.55))
    grid = np.geomspace(500, 1e6, 5000)
    where = float(grid[np.argmax(np.diff(true.at(grid), axis=0)[0] < 0)])
    drawn = resampled_errors(measured(true, 0.005), 300)
    found = crossing(SIZES, drawn[:, 0], drawn[:, 1])
    assert found.reliable
    assert where > 8000
    assert found.low <= where <= found.high
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("challenger", "why"),
    [((0.3, 3.0, 0.5), "do not cross"), ((0.01, 1.0, 0.5), "leads at every size")],
)
def test_a_crossing_that_is_none_is_not_reliable(challenger: tuple[float, float, float], why: str) -> None:
    drawn = resampled_errors(measured(laws((0.12, 3.0, 0.5), challenger), 0.005), 200)
    assert why in crossing(SIZES, drawn[:, 0], drawn[:, 1]).why_not


def test_noise_makes_a_crossing_unreliable() -> None:
    drawn = resampled_errors(measured(laws((0.12, 3.0, 0.5), (0.08, 12.0, 0.55)), 0.1), 200)
    found = crossing(SIZES, drawn[:, 0], drawn[:, 1])
    assert not found.reliable


def test_twice_the_data() -> None:
    true = laws((0.05, 5.0, 0.5))
    drawn = resampled_errors(measured(true, 0.003), 300)
    estimate, gains = gain_of_more_rows(SIZES, drawn[:, 0], 8000)
    now, more = true.at(np.array([8000, 16_000]))[0]
    low, high = np.quantile(gains, [0.025, 0.975])
    assert low <= 1 - more / now <= high
    assert estimate == pytest.approx(1 - more / now, abs=0.03)
    with pytest.raises(ValueError, match="more than 10 times"):
        gain_of_more_rows(SIZES, drawn[:, 0], 8000, times=20)


def test_a_lead_that_is_lost_again_is_no_crossing() -> None:
    drawn = resampled_errors(measured(laws((0.08, 12.0, 0.55), (0.12, 3.0, 0.5)), 0.003), 200)
    found = crossing(SIZES, drawn[:, 0], drawn[:, 1])
    assert "it leads up to about 1" in found.why_not


def test_a_model_without_error_gains_nothing_by_more_rows() -> None:
    drawn = resampled_errors(np.zeros((3, 1, 5)), 50)
    assert gain_of_more_rows(SIZES, drawn[:, 0], 8000)[0] == 0.0


def test_some_of_many_rows_say_how_much_others_would_differ() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 100_000)
    predictions = np.eye(2)[np.where(random.random(100_000) < 0.8, labels, 1 - labels)]
    task = Task(kind="binary", target="y", classes=(0, 1))
    found = deviations(metric("accuracy", task), labels, [predictions], resamples=2000)
    assert found.std() == pytest.approx((0.16 / 100_000) ** 0.5, rel=0.15)


@pytest.mark.parametrize("grouped", [False, True])
def test_deviations_are_as_wide_as_the_rows_make_them(grouped: bool) -> None:
    random = np.random.default_rng(0)
    rows = 3000
    labels = random.integers(0, 2, rows)
    right = np.repeat(random.random(rows // 10) < 0.8, 10) if grouped else random.random(rows) < 0.8
    predictions = np.eye(2)[np.where(right, labels, 1 - labels)]
    groups = np.arange(rows) // 10 if grouped else None
    task = Task(kind="binary", target="y", classes=(0, 1))
    found = deviations(metric("accuracy", task), labels, [predictions, predictions], groups, resamples=2000)
    units = rows / 10 if grouped else rows
    assert found.mean(0) == pytest.approx(0.0, abs=2e-3)
    assert found.std(0) == pytest.approx((0.16 / units) ** 0.5, rel=0.1)
    assert found[:, 0] == pytest.approx(found[:, 1])  # the same rows for every model
    drawn = resampled_errors(np.full((3, 2, 1), 0.2), 2000, of_rows=np.stack([found] * 3, 1)[..., None])
    assert drawn[1:, 0, 0].std() == pytest.approx((0.16 / units) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    ("rung", "said"), [((0.01, 0.0, 0.02), "data"), ((0.4, 0.35, 0.45), "rung"), ((0.14, 0.0, 0.3), "cannot tell yet")]
)
def test_data_or_the_next_rung(rung: tuple[float, float, float], said: str) -> None:
    drawn = resampled_errors(measured(laws((0.05, 5.0, 0.5)), 0.003), 300)
    answer, difference = data_or_rung(gain_of_more_rows(SIZES, drawn[:, 0], 8000), rung)
    assert answer == said
    assert difference.reliable == (said != "cannot tell yet")
