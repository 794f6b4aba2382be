"""What prices mean: every number in a sentence comes from a record, and the break-even is what the arithmetic says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.report.prices import (
    break_even,
    cost_sentences,
    dollars,
    energy,
    milliseconds,
    price_line,
    price_sentences,
)
from deepworth.types import Gain, Range, TrialResult
from tests.verdict.test_price import NET, TREES, of


def gain(relative: float = 0.1, low: float = 0.05) -> Gain:
    return Gain(rung="custom", challenger="tabm-1", base="lightgbm-1", relative=relative, low=low, high=0.2)


def said(base: TrialResult = TREES, net: TrialResult = NET, by: Gain | None = None) -> str:
    prices = of(base), of(net)
    return " ".join((*cost_sentences(base, net, prices), *break_even(base, net, prices, by or gain())))


def test_of_what_was_not_timed_nothing_is_said() -> None:
    untimed = replace(NET, ms_1=0.0, ms_32=0.0)
    assert "One prediction" not in said(net=untimed)
    assert "pays" not in said(net=untimed)
    assert "not timed" in price_line(of(untimed))


def test_the_break_even_of_an_error() -> None:
    ours, theirs = of(TREES), of(NET)
    assert ours.usd and theirs.usd and ours.usd_per_1000 and theirs.usd_per_1000
    training = theirs.usd.likely - ours.usd.likely
    using = (theirs.usd_per_1000.likely - ours.usd_per_1000.likely) / 1000
    text = said()
    assert "It makes 10 errors fewer in 1,000 predictions" in text
    assert f"more than {dollars((training / 1000 + using) / 0.01)} over the first 1,000 predictions" in text
    assert 0 < (training / 1e6 + using) / 0.01 < 1e-6 and "than $0.000001 over a million" in text
    assert f"One per cent of the error less costs {dollars(training / 10)} of training" in text


@pytest.mark.parametrize(
    ("base", "net", "by", "expected"),
    [
        (TREES, NET, gain(-0.1, -0.2), "tabm removes no error: at no price of an error does it pay."),
        (TREES, replace(NET, ms_32=0.01), gain(-0.1, -0.2), "predictions, which are cheaper, its training is paid"),
        (TREES, NET, gain(0.1, -0.01), "If the gain is as measured, one per cent of the error less costs"),
        (TREES, replace(NET, seconds=1.0, ms_32=0.01), gain(), "tabm is no dearer to train or to use: it pays with"),
        (TREES, replace(NET, test={"accuracy": 0.89}), gain(), "it makes no fewer errors"),
        (replace(TREES, test={}), replace(NET, test={}), gain(), "It pays where 10.0% less error is worth more than"),
        (TREES, replace(NET, seconds=20.0, ms_32=0.01), gain(), "than nothing over a million"),
        (TREES, replace(NET, test={"accuracy": 0.4}), gain(), "it makes no fewer errors"),
        (replace(TREES, test={"accuracy": 0.5}), NET, gain(), "It makes 410 errors fewer in 1,000 predictions"),
        (TREES, replace(NET, notes={"features_kept": 1200}), gain(), "1,200 rows kept: the price counts what"),
        (TREES, replace(NET, notes={"features_kept": 9}, ms_32=0.0), gain(), "9 rows kept: the price leaves out what"),
        (TREES, replace(NET, test={"accuracy": 0.90003}), gain(), "It makes 0.03 errors fewer in 1,000 predictions"),
    ],
)
def test_each_case_has_its_words(base: TrialResult, net: TrialResult, by: Gain, expected: str) -> None:
    assert expected in said(base, net, by)


def test_the_ratio_is_that_of_the_prices_beside_it() -> None:
    kept = replace(NET, seconds=5.0, notes={"features_kept": 60_000})  # 60,000 x 0.25 ms more
    (said, *_) = price_sentences(TREES, kept, gain(), (of(TREES), of(kept)))
    assert of(kept).seconds == 20 and "tabm takes 2.0 times the time to train" in said
    (said, *_) = price_sentences(TREES, kept)
    assert "tabm takes 0.5 times the time to train" in said


def test_a_changed_record_changes_its_sentence() -> None:
    prices, dearer = (of(TREES), of(NET)), replace(of(NET), usd=Range(low=1.0, likely=2.0, high=3.0))
    before, after = (cost_sentences(TREES, NET, some) for some in (prices, (prices[0], dearer)))
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]
    assert "$2.00 [$1.00..$3.00]" in after[0]
    assert break_even(TREES, NET, prices, gain()) != break_even(TREES, NET, (prices[0], dearer), gain())


def test_without_prices_nothing_is_said() -> None:
    assert cost_sentences(TREES, NET, (of(TREES),)) == break_even(TREES, NET, (of(TREES),), gain()) == ()
    assert break_even(TREES, NET, (of(TREES), of(NET)), None) == ()


@given(st.floats(1e-6, 1e7))
def test_dollars_keep_two_digits(usd: float) -> None:
    shown = dollars(usd)
    assert re.fullmatch(r"\$[\d,]+(\.\d+)?", shown)
    assert float(shown[1:].replace(",", "")) == pytest.approx(usd, rel=0.051)


def test_small_and_large_figures_can_be_read() -> None:
    assert [dollars(x) for x in (0, 1e-9, 0.00023, 3.4, 1250)] == [
        "$0", "under $0.000001", "$0.00023", "$3.40", "$1,250"
    ]  # fmt: skip
    assert [energy(x) for x in (4.2e-4, 1.3, 130)] == ["0.42 Wh", "1.3 kWh", "130 kWh"]
    assert [milliseconds(x) for x in (1e-5, 0.031, 4.2, 128)] == ["under 0.001 ms", "0.031 ms", "4.2 ms", "128 ms"]
