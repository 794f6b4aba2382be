"""The figures: everything in the frame, and words for who does not see them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.report.figures import (
    Drawing,
    curve_figure,
    estimates_figure,
    gain_figure,
    ladder_figure,
    pareto,
    shap_figure,
)
from deepworth.report.shapley import Share
from deepworth.report.svg import COLOURS
from deepworth.types import Gain, LearningCurve, MetricInfo, Projection
from tests.made_run import trial

AUC = MetricInfo(name="auc", higher_is_better=True, error="1 - auc")


def places(drawing: Drawing) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<use [^>]*x="([-\d.]+)" y="([-\d.]+)"', drawing.svg)]


@settings(max_examples=25, deadline=None)
@given(
    points=st.lists(st.tuples(*[st.floats(-50, 1)] * 3).map(sorted), min_size=1, max_size=3),
    worth=st.floats(0, 0.5),
)
def test_gains_stay_in_the_frame(points: list[list[float]], worth: float) -> None:
    gains = [
        Gain(rung="custom", challenger="a", base="b", low=low, relative=middle, high=high)
        for low, middle, high in points
    ]
    drawing = gain_figure(gains, worth)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.svg).groups())
    found = places(drawing)
    assert len(found) >= len(gains)
    assert all(0 <= x <= width and 0 <= y <= height for x, y in found)


def test_an_endless_interval_is_drawn_to_the_edge() -> None:
    gain = Gain(rung="tuned", challenger="a", base="b", relative=0.1, low=float("-inf"), high=float("inf"))
    assert places(gain_figure([gain], 0.01))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), min_size=1, max_size=30))
def test_no_point_beats_one_of_the_front(points: list[tuple[float, float]]) -> None:
    front = pareto(points)
    assert front
    for i, (cost, error) in enumerate(points):
        for j in front:
            assert not (cost < points[j][0] and error <= points[j][1])
            assert not (cost <= points[j][0] and error < points[j][1])
        if i not in front:
            assert any(points[j][0] <= cost and points[j][1] <= error for j in front)


def test_points_have_words_and_the_page_its_colours() -> None:
    trials = [trial("linear", "classical", 0.9, 2.0), trial("tabm", "custom", 0.92, 40.0)]
    drawing = ladder_figure(trials, AUC, "tabm-0123abcd")
    inside = str(drawing.__html__())
    assert inside.count("<title>") == 2 and "linear (classical): auc 0.8960, 2.0 s" in inside
    assert "tabm" in drawing.label and 'role="img"' in inside and "var(--custom)" in inside
    assert not any(value in inside for value in COLOURS.values())
    assert "<text" in drawing.svg and COLOURS["custom"] in drawing.svg  # the file stands alone


@pytest.mark.parametrize("name", ["$a_b$", "<i>&", "日本 🎉", "a" * 90, "\\frac{"])
def test_any_name_can_be_drawn(name: str) -> None:
    one = trial(name, "custom", 0.9, 3.0)
    assert estimates_figure([one]).svg and ladder_figure([one], AUC, one.key, picture=True).png.startswith(b"\x89PNG")


def a_curve(base: float, challenger: float, seeds: int, sizes: tuple[int, ...], why_not: str = "") -> LearningCurve:
    def errors(times: float) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(times * (0.05 + (1 + 0.02 * seed) * n**-0.5) for n in sizes) for seed in range(seeds))

    crossing = Projection(value=2.0 * sizes[-1], low=1.5 * sizes[-1], high=4.0 * sizes[-1], why_not=why_not)
    return LearningCurve(
        base="a",
        challenger="b",
        sizes=sizes,
        base_errors=errors(base),
        challenger_errors=errors(challenger),
        crossing=crossing,
        doubling={},
        more_helps="cannot tell yet",
    )


@settings(max_examples=15, deadline=None)
@given(
    scales=st.tuples(st.floats(1e-3, 1e4), st.floats(1e-3, 1e4)),
    seeds=st.integers(1, 5),
    sizes=st.sets(st.integers(20, 200_000), min_size=2, max_size=7).map(lambda s: tuple(sorted(s))),
)
def test_learning_curves_stay_in_the_frame(scales: tuple[float, float], seeds: int, sizes: tuple[int, ...]) -> None:
    drawing = curve_figure(a_curve(*scales, seeds, sizes), ("lightgbm", "tabm"), ("classical", "custom"), "1 - auc")
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing.svg).groups())
    found = places(drawing)
    assert len(found) >= 2 * len(sizes)
    assert all(-1 <= x <= width + 1 and -1 <= y <= height + 1 for x, y in found)
    assert str(drawing.__html__()).count("<title>") == 2 * len(sizes) == len(drawing.tips)


def test_a_crossing_is_drawn_only_where_it_is_reliable() -> None:
    given = (("lightgbm", "tabm"), ("classical", "custom"), "rmse")
    sizes = (100, 200, 400, 800)
    sure = curve_figure(a_curve(1, 2, 3, sizes), *given).svg
    unsure = curve_figure(a_curve(1, 2, 3, sizes, "the curves do not cross"), *given).svg
    assert sure.count(COLOURS["yes"]) > unsure.count(COLOURS["yes"]) == 0


def test_shares_have_words() -> None:
    shares = [Share(column="age", mean=0.9, trend="more of it raises it"), Share(column="<b>" * 20, mean=0.1)]
    drawing = shap_figure(shares, "mean |SHAP|, log-odds")
    assert "age: moves a prediction by 0.9 on average; more of it raises it" in str(drawing.__html__())
    assert str(drawing.__html__()).count("<title>") == 2
