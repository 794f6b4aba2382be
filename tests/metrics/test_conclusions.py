"""What may be said of an interval, and what would decide it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.metrics.conclusions import MOST, conclude, needed
from deepworth.metrics.intervals import Interval, to_contrast


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.02, 0.2, "worth it"),
        (-0.2, 0.005, "not worth it"),
        (-0.01, 0.04, "no measurable difference"),
        (-0.2, 0.2, "cannot tell yet"),
        (0.005, 0.2, "cannot tell yet"),
    ],
)
def test_the_four_classes(low: float, high: float, said: str) -> None:
    assert conclude(low, high, 0.01) == said


@given(st.floats(-1, 0.9), st.floats(0, 1), st.floats(0.001, 0.2))
def test_a_claim_always_excludes_the_least_useful_gain(low: float, width: float, worth: float) -> None:
    said = conclude(low, low + width, worth)
    assert (said == "worth it") == (low > worth)
    assert said != "not worth it" or low + width < worth


def interval(rows: float, seeds: float, relative: float = 0.05) -> Interval:
    return Interval(
        relative=relative, low=-0.1, high=0.2, level=0.95, resamples=1, units=1, from_rows=rows, from_seeds=seeds
    )


@given(st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2))
def test_what_is_needed_would_decide(rows: float, seeds: float) -> None:
    found = needed(interval(rows, seeds), 0.01)
    distance = to_contrast(0.05) - to_contrast(0.01)

    def half(times: float, more_seeds: float) -> float:
        return 1.96 * (rows / times + seeds / more_seeds) ** 0.5

    if found.rows < float("inf"):
        assert half(found.rows, 1) <= distance * 1.001
    if found.seeds < float("inf"):
        assert half(1, found.seeds) <= distance * 1.001
    if min(found.rows, found.seeds) == float("inf"):
        assert half(*found.both) <= distance * 1.001


def test_where_rows_alone_do_not_help_seeds_must_come_too() -> None:
    found = needed(interval(1e-3, 1e-3), 0.01)
    assert found.rows == float("inf") == found.seeds
    assert min(found.both) > 1


def test_a_gain_at_the_least_useful_one_is_never_told() -> None:
    assert needed(interval(1e-3, 0.0, relative=0.01), 0.01).rows > MOST
