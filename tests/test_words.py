"""Numbers as people read them."""

from __future__ import annotations

import pytest

from deepworth import words
from deepworth.types import Range


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0.00 s"), (0.428, "0.43 s"), (0.999, "1.0 s"), (59.9, "59.9 s"), (59.96, "1 m 00 s"), (245, "4 m 05 s")],
)
def test_duration(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_long_durations_carry_over() -> None:
    assert words.duration(7384) == "2 h 03 m"
    assert words.duration(3599.7) == "1 h 00 m"


@pytest.mark.parametrize(("seconds", "said"), [(-3, "0:00"), (7.2, "0:07"), (245, "4:05"), (7380, "2:03:00")])
def test_clock(seconds: float, said: str) -> None:
    assert words.clock(seconds) == said


def test_span_of_nothing_is_empty() -> None:
    assert words.span(Range.around(0.0)) == ""
    assert words.span(Range(low=6, likely=12, high=24)) == "~12 s [6..24]"
    assert words.span(Range(low=60, likely=120, high=240)) == "~2.0 m [1.0..4.0]"
    assert words.span(Range(low=3600, likely=9000, high=18_000)) == "~2.5 h [1.0..5.0]"


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0.0001, "under $0.001"), (0.0042, "$0.004"), (0.526, "$0.53"), (3.4, "$3.40"), (12.4, "$12"), (1250, "$1,250")],
)
def test_money(usd: float, said: str) -> None:
    assert words.money(usd) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.92714, "0.9271"), (24120.4, "24,120"), (1234567.8, "1,234,568"), (-0.5, "-0.5000")],
)
def test_score(value: float | None, said: str) -> None:
    assert words.score(value) == said


def test_money_span() -> None:
    assert words.money_span(Range.around(0.0001)) == "under $0.001"
    assert words.money_span(Range(low=0.0001, likely=0.005, high=0.2)) == "$0.005 [$0..$0.20]"


def test_count_knows_plurals() -> None:
    assert [words.count(n, w) for n, w in ((1, "category"), (2, "category"), (2, "number"))] == [
        "1 category",
        "2 categories",
        "2 numbers",
    ]


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (0.0001, "<0.1%"),
        (0.005, "0.5%"),
        (0.0095, "1%"),
        (0.274, "27%"),
        (0.995, "99.5%"),
        (0.9999, ">99.9%"),
    ],
)
def test_portion_says_all_and_none_only_of_all_and_none(share: float, said: str) -> None:
    assert words.portion(share) == said
    assert words.portion(1) == "100%"


@pytest.mark.parametrize(
    ("value", "said"),
    [(13160.4, "13,160"), (-580900, "-580,900"), (0.70214, "0.7021"), (1973, "1,973"), (9999.7, "10,000"), (0.0, "0")],
)
def test_amount(value: float, said: str) -> None:
    assert words.amount(value) == said
