"""Quantities as people give them."""

from __future__ import annotations

import pytest

from deepworth.errors import UserError
from deepworth.quantities import gigabytes, names, seconds, share, weeks, whole


@pytest.mark.parametrize(
    ("text", "value"), [("90s", 90), ("5m", 300), ("5 min", 300), ("1.5h", 5400), ("1d", 86400), (30, 30)]
)
def test_seconds(text: str | float, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(("text", "value"), [("4GB", 4), ("500MB", 0.5), ("1GiB", 1.073741824), (2, 2), ("0.5 g", 0.5)])
def test_gigabytes(text: str | float, value: float) -> None:
    assert gigabytes(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["5", "1.5", " 9 ", ".5"])
def test_a_small_number_without_a_unit_is_asked_for_it(text: str) -> None:
    with pytest.raises(UserError, match="names no unit"):
        seconds(text)
    assert seconds(5) == seconds("5s") == 5


def test_share_and_weeks() -> None:
    assert share("2%") == share(0.02) == pytest.approx(0.02)
    assert share("0") == 0
    assert weeks("0.5w") == 0.5


@pytest.mark.parametrize("text", ["", "soon", "-5m", "0s", "5 fortnights", "1h30m"])
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(UserError, match="90s, 5m or 1h"):
        seconds(text)


def test_more_than_the_whole_is_no_share() -> None:
    with pytest.raises(UserError, match="more than the whole"):
        share("200%")


def test_whole_numbers() -> None:
    assert whole("jobs", 2, least=1) == 2
    with pytest.raises(UserError, match="1 or more"):
        whole("jobs", 0, least=1)


def test_names_are_read_as_on_the_command_line() -> None:
    assert names("linear, lightgbm,") == names(["linear", "lightgbm "]) == ("linear", "lightgbm")
    assert names("mlp") == ("mlp",)
    assert names(None) == names(()) == names("") == ()
