"""Intervals of a gain: they hold the truth as often as they say, and are as wide as rows, groups and seeds demand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.metrics.intervals import FEWEST, WORST, contrast, paired_gain, resampled_gain, to_contrast, to_gain
from deepworth.metrics.scores import METRICS
from tests.metrics.made import two_models


@given(st.floats(-9.9, 1.0))
def test_a_gain_survives_the_contrast(gain: float) -> None:
    assert to_gain(to_contrast(gain)) == pytest.approx(gain, abs=1e-9)


@given(st.floats(0, 10), st.floats(0, 10))
def test_a_contrast_turns_with_the_models_and_stays_bounded(one: float, other: float) -> None:
    there, back = float(contrast(np.array(one), np.array(other))), float(contrast(np.array(other), np.array(one)))
    assert there == -back
    assert -1 <= there <= 1
    assert WORST <= to_gain(there) <= 1


@pytest.mark.parametrize("name", ["log_loss", "brier", "auc"])
def test_a_model_against_itself_gains_nothing(name: str) -> None:
    labels, base, _ = two_models(5, 200)
    found = paired_gain(METRICS[name], labels, [base], [base])
    assert (found.relative, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_better_model_is_seen_and_order_matters() -> None:
    labels, base, better = two_models(6, 3000, better=1.5)
    found = paired_gain(METRICS["log_loss"], labels, [base], [better])
    assert 0 < found.low < found.relative < found.high
    assert (found.resamples, found.units) == (2000, 1000)
    assert paired_gain(METRICS["log_loss"], labels, [better], [base]).relative < 0


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, base, better = two_models(6, 1500)
    one, other = (paired_gain(METRICS["accuracy"], labels, [base], [better], resamples=200, seed=3) for _ in range(2))
    assert one == other


def test_few_rows_without_an_error_prove_nothing() -> None:
    """Four errors against none on 200 rows: a plain percentile interval is [100 % .. 100 %]."""
    labels, base = np.zeros(200, int), np.eye(2)[np.r_[np.ones(4, int), np.zeros(196, int)]]
    flawless = np.eye(2)[np.zeros(200, int)]
    found = paired_gain(METRICS["accuracy"], labels, [base], [flawless])
    assert found.relative == 1.0
    assert found.low < 0
    many = np.eye(2)[np.r_[np.ones(12, int), np.zeros(188, int)]]
    assert paired_gain(METRICS["accuracy"], labels, [many], [flawless]).low > 0.01


def test_a_base_without_error_cannot_be_improved() -> None:
    labels = np.array([0, 1] * 20)
    perfect = np.eye(2)[labels]
    found = paired_gain(METRICS["accuracy"], labels, [perfect], [perfect[::-1].copy()])
    assert (found.relative, found.low) == (WORST, WORST)
    assert found.high < 0


@pytest.mark.parametrize("resamples", [FEWEST, 2000])
def test_a_choice_moves_the_upper_end_alone_however_few_the_resamples(resamples: int) -> None:
    """Ten choices: the quantile at 0.25 % instead of 2.5 %, 2.81 / 1.96 as far, which 50 resamples do not reach."""
    labels, base, better = two_models(6, 3000, better=1.5)
    one, ten = (
        paired_gain(METRICS["log_loss"], labels, [base], [better], resamples=resamples, choices=choices)
        for choices in (1, 10)
    )
    middle, plain, chosen = (to_contrast(gain) for gain in (one.relative, one.high, ten.high))
    assert (one.low, one.relative) == (ten.low, ten.relative)
    assert (chosen - middle) / (plain - middle) == pytest.approx(2.81 / 1.96, rel=0.02)


def test_many_classes_and_rows_end_in_the_time_given() -> None:
    random = np.random.default_rng(8)
    labels, predictions = random.integers(0, 20, 4000), random.dirichlet(np.ones(20), 4000)
    found = paired_gain(METRICS["auc"], labels, [predictions], [predictions], seconds=0.0)
    assert FEWEST <= found.resamples < 2000


def test_rows_that_belong_together_widen_the_interval() -> None:
    """Every row ten times over: as groups they say what one of each says, as rows they pretend to say more."""
    labels, base, better = two_models(9, 300)
    group = np.arange(300)
    once = paired_gain(METRICS["log_loss"], labels, [base], [better])
    labels, base, better, group = (np.repeat(values, 10, axis=0) for values in (labels, base, better, group))
    rows = paired_gain(METRICS["log_loss"], labels, [base], [better])
    grouped = paired_gain(METRICS["log_loss"], labels, [base], [better], groups=group)
    assert grouped.units == 300
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.1)
    assert rows.high - rows.low < 0.5 * (grouped.high - grouped.low)


def test_one_group_says_nothing() -> None:
    labels, base, better = two_models(9, 100)
    found = paired_gain(METRICS["log_loss"], labels, [base], [better], groups=np.zeros(100, int))
    assert (found.low, found.high, found.units) == (WORST, 1.0, 1)


def test_seeds_that_differ_widen_the_interval_and_are_told_apart_from_rows() -> None:
    random = np.random.default_rng(10)
    labels = np.zeros(4000)
    base = random.standard_normal(4000)
    common = random.standard_normal(4000)

    def challengers(apart: float) -> list[np.ndarray]:
        return [common * (0.8 + apart * step) for step in (-1, 0, 1)]

    alike, differ = (paired_gain(METRICS["rmse"], labels, [base], challengers(apart)) for apart in (0.0, 0.1))
    assert alike.from_seeds == pytest.approx(0.0, abs=1e-9)
    assert differ.from_seeds > 5 * differ.from_rows
    assert differ.high - differ.low > 5 * (alike.high - alike.low)
    assert differ.relative == pytest.approx(alike.relative, abs=1e-6)


def test_the_corrected_interval_is_wider_than_that_of_independent_folds() -> None:
    """15 folds, test / train = 1 / 4: the variance is (1 / 15 + 1 / 4) of that between folds."""
    random = np.random.default_rng(11)
    base = 0.2 + 0.02 * random.standard_normal(15)
    challenger = base - 0.02 + 0.01 * random.standard_normal(15)
    corrected = resampled_gain(base, challenger, train=400, test=100)
    plain = resampled_gain(base, challenger, train=1e12, test=100)
    assert corrected.from_rows / plain.from_rows == pytest.approx((1 / 15 + 1 / 4) * 15, rel=1e-3)
    assert corrected.low < plain.low < plain.relative < plain.high < corrected.high
    assert corrected.relative == pytest.approx(1 - challenger.mean() / base.mean())


def test_a_fold_without_a_value_does_not_count() -> None:
    found = resampled_gain(np.array([0.2, 0.3, np.nan]), np.array([0.1, 0.2, 0.1]), train=4, test=1)
    assert found.units == 2
    assert resampled_gain(np.array([0.2]), np.array([0.1]), train=4, test=1).low == WORST


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(name: str) -> None:
    """80 samples of a known pair of models: a 90 % interval misses about 8 times; 0 or more than 20 would be a bug."""
    labels, base, better = two_models(7, 200_000)
    truth = paired_gain(METRICS[name], labels, [base], [better], resamples=2).relative
    misses = 0
    for start in range(0, 80 * 400, 400):
        part = slice(start, start + 400)
        found = paired_gain(
            METRICS[name], labels[part], [base[part]], [better[part]], resamples=300, level=0.9, seed=start
        )
        misses += not found.low <= truth <= found.high
    assert 1 <= misses <= 20
