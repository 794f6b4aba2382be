"""The figures of the report, drawn with matplotlib: each takes records and gives a Figure with its words."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from markupsafe import Markup

from deepworth.metrics.quality import Bin
from deepworth.report.svg import COLOURS, SIZE, STYLE, WIDTH, inline, new_figure, to_png, to_svg
from deepworth.types import Gain, MetricInfo, Rung, TrialResult
from deepworth.words import duration, percent, score, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS: dict[Rung, str] = {"floor": "X", "classical": "s", "frozen": "^", "tuned": "D", "custom": "o"}
SHOWN = 400  # points of a scatter at most
FAR = -1.5  # gains below are drawn at the edge: an error that more than doubles needs no scale


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure and what it says to who does not see it."""

    name: str  # of its files and its ids
    label: str
    svg: str
    png: bytes = b""  # only where files were asked for
    tips: dict[str, str] = field(default_factory=dict)

    def __html__(self) -> Markup:
        return inline(self.svg, self.name, self.label, self.tips)


def _drawn(name: str, label: str, figure: Figure, tips: dict[str, str] | None, picture: bool) -> Drawing:
    return Drawing(name=name, label=label, svg=to_svg(figure), png=to_png(figure) if picture else b"", tips=tips or {})


def _axes(height: float, left: float, bottom: float, top: float = 8, right: float = 8) -> tuple[Figure, Axes]:
    """A figure of `height` units with margins in units: a layout that is computed takes as long as the drawing."""
    figure = new_figure(height)
    box = (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + top) / height)
    return figure, figure.add_axes(box)


def _styled(draw: Any) -> Any:
    """`draw` within the house style, which leaves what others draw with matplotlib as it is."""

    def styled(*values: Any, **options: Any) -> Any:
        new_figure(10)  # loads the library
        import matplotlib

        with matplotlib.rc_context(cast("Any", STYLE)), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # letters its own font lacks: the page's have them
            return draw(*values, **options)

    return styled


@_styled
def gain_figure(gains: Sequence[Gain], worth: float, picture: bool = False) -> Drawing:
    """The gain of each deep rung with its interval, on one axis with zero and the least useful gain."""
    ends = [v for gain in gains for v in (gain.low, gain.high, gain.relative) if math.isfinite(v)]
    low, high = max(FAR, min([*ends, 0.0, -worth])), max([*ends, 2 * worth])
    pad = max(0.06 * (high - low), 0.002)
    low, high = low - pad, high + pad
    height = 48 + 46 * len(gains)
    figure, axes = _axes(height, 10, 26, top=20, right=10)
    axes.set(xlim=(low, high), ylim=(len(gains) - 0.35, -0.75), yticks=[])
    axes.axvspan(worth, high, color=COLOURS["yes"], alpha=0.12, lw=0)
    axes.axvline(0, color=COLOURS["soft"], lw=1)
    axes.axvline(worth, color=COLOURS["yes"], lw=1, ls=(0, (3, 3)))
    place = (worth - low) / (high - low)
    side = "right" if place > 0.7 else "left" if place < 0.3 else "center"
    axes.text(
        worth, -0.82, f"worth it from {percent(worth)}", ha=side, va="bottom", color=COLOURS["soft"], clip_on=False
    )
    axes.spines["left"].set_visible(False)
    tips = {}
    for row, gain in enumerate(gains):
        words = f"{gain.rung}: {percent(gain.relative)} [{percent(gain.low)} .. {percent(gain.high)}]"
        middle, ends_x = np.clip(gain.relative, low, high), np.clip([gain.low, gain.high], low, high)
        axes.plot(ends_x, [row, row], color=COLOURS[gain.rung], lw=4, alpha=0.5, solid_capstyle="round")
        axes.plot([middle], [row], MARKS[gain.rung], color=COLOURS[gain.rung], ms=7, gid=f"gain-{row}")
        halo = {"facecolor": COLOURS["paper"], "alpha": 0.75, "lw": 0, "pad": 1}
        axes.text(low, row - 0.28, words, ha="left", va="bottom", bbox=halo)
        tips[f"gain-{row}"] = words
    axes.xaxis.set_major_formatter(lambda value, _: "0" if abs(value) < 1e-12 else f"{100 * value:+.3g}%")
    axes.locator_params(axis="x", nbins=5)
    said = "; ".join(tips.values())
    label = (
        f"Reduction of the error by deep learning, by rung, with its interval. {said}. {percent(worth)} would count."
    )
    return _drawn("gain", label, figure, tips, picture)


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """The positions of (cost, error) pairs that no other beats in both, the cheapest first."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    front: list[int] = []
    for i in order:
        if not front or points[i][1] < points[front[-1]][1]:
            front.append(i)
    return front


@_styled
def ladder_figure(trials: Sequence[TrialResult], metric: MetricInfo, winner: str, picture: bool = False) -> Drawing:
    """Test score against the seconds of training, log scale, with the front of those that no other beats in both."""
    sign = -1 if metric.higher_is_better else 1
    points = [(max(t.seconds, 1e-3), sign * t.test[metric.name]) for t in trials]
    front = pareto(points)
    figure, axes = _axes(270, 62, 44, top=18, right=14)
    axes.set_xscale("log")
    axes.grid(True)
    axes.set_axisbelow(True)
    steps = [points[i] for i in front]
    axes.step(
        [x for x, _ in steps], [sign * y for _, y in steps], where="post", color=COLOURS["soft"], lw=1, ls=(0, (4, 3))
    )
    tips = {}
    for i, (trial, (x, y)) in enumerate(zip(trials, points, strict=True)):
        edge = COLOURS["ink"] if trial.key == winner else COLOURS["paper"]
        axes.plot(
            [x], [sign * y], MARKS[trial.rung], color=COLOURS[trial.rung], ms=9, mec=edge, mew=1.4, gid=f"ladder-{i}"
        )
        tips[f"ladder-{i}"] = (
            f"{trial.model} ({trial.rung}): {metric.name} {score(sign * y)}, {duration(trial.seconds)}, "
            f"{trial.peak_gb:.2f} GB{', on the front' if i in front else ''}"
        )
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    axes.set_xlim(low / 1.6, high * 1.6)
    values = [sign * y for _, y in points]
    pad = 0.14 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 0.01
    axes.set_ylim(min(values) - pad, max(values) + pad)
    order = sorted(range(len(trials)), key=lambda i: (trials[i].key != winner, i not in front, points[i]))
    _name_points(axes, [(trials[i].model, points[i][0], values[i]) for i in order])
    _seconds(axes, low, high)
    axes.set_xlabel("seconds to train and predict")
    better = "higher" if metric.higher_is_better else "lower"
    axes.set_title(
        f"{metric.name} on test rows, {better} is better", loc="left", fontsize=SIZE, color=COLOURS["soft"], pad=4
    )
    axes.locator_params(axis="y", nbins=5)
    return _drawn("ladder", "Test score against cost. " + "; ".join(tips.values()) + ".", figure, tips, picture)


def _name_points(axes: Axes, named: Sequence[tuple[str, float, float]]) -> None:
    """Names beside the points, the first ones first, each where it hides no other name and no point; else none."""
    places = axes.transData.transform([(x, y) for _, x, y in named])
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    frame = axes.get_window_extent()
    for (name, x, y), (left, bottom) in zip(named, places, strict=True):
        wide = 6.6 * len(name)  # of the letters of a usual font
        for across, up in ((8, 4), (-8 - wide, 4), (8, -16), (-8 - wide, -16)):
            box = (left + across, bottom + up, left + across + wide, bottom + up + 12)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1 + 8 and frame.y0 <= box[1] and box[3] <= frame.y1
            if inside and not any(_meet(box, other) for other in taken):
                axes.annotate(name, (x, y), xytext=(across, up + 1), textcoords="offset points", va="bottom")
                taken.append(box)
                break


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _seconds(axes: Axes, low: float, high: float) -> None:
    """Ticks of a log axis of seconds: powers of ten, and 2 and 5 between them where few powers are in it."""
    from matplotlib.ticker import LogLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 200 else (1,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()


@_styled
def estimates_figure(trials: Sequence[TrialResult], picture: bool = False) -> Drawing:
    """The estimated seconds of each trial as a line, what it took as a point."""
    rows = [t for t in trials if t.estimate]
    height = 50 + 24 * len(rows)
    figure, axes = _axes(height, 124, 42)
    axes.set_xscale("log")
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    tips = {}
    for row, trial in enumerate(rows):
        assert trial.estimate
        guess, least = trial.estimate.seconds, 0.01
        inside = guess.low <= trial.seconds <= guess.high
        axes.plot([max(guess.low, least), max(guess.high, least)], [row, row], color=COLOURS["soft"], lw=5, alpha=0.35)
        axes.plot(
            [max(trial.seconds, least)],
            [row],
            "o" if inside else "D",
            color=COLOURS["mark" if inside else "no"],
            ms=6,
            gid=f"estimates-{row}",
        )
        tips[f"estimates-{row}"] = f"{trial.model}: estimated {span(guess)}, took {duration(trial.seconds)}"
    axes.set(ylim=(len(rows) - 0.5, -0.6), yticks=range(len(rows)), xlabel="seconds")
    axes.set_yticklabels([t.model[:18] for t in rows], color=COLOURS["ink"])
    _seconds(axes, *axes.get_xlim())
    axes.spines["left"].set_visible(False)
    label = "Estimated and actual seconds of each trial. " + "; ".join(tips.values()) + "."
    return _drawn("estimates", label, figure, tips, picture)


@_styled
def reliability_figure(curves: dict[str, tuple[Bin, ...]], what: str, picture: bool = False) -> Drawing:
    """Predicted probability against how often it came true; the first curve is the winner's and has intervals."""
    figure, axes = _axes(290, 56, 44, top=10, right=14)
    axes.plot([0, 1], [0, 1], color=COLOURS["soft"], lw=1, ls=(0, (4, 3)))
    axes.grid(True)
    axes.set_axisbelow(True)
    tips = {}
    for order, (name, bins) in enumerate(curves.items()):
        colour = COLOURS["soft" if order else "mark"]
        x, y = [b.predicted for b in bins], [b.observed for b in bins]
        axes.plot(x, y, color=colour, lw=1.6, alpha=0.6 if order else 1, ls=(0, (2, 2)) if order else "-", label=name)
        if order:
            continue
        axes.vlines(x, [b.low for b in bins], [b.high for b in bins], color=colour, lw=3, alpha=0.35)
        for i, b in enumerate(bins):
            axes.plot([b.predicted], [b.observed], "o", color=colour, ms=6, gid=f"reliability-{i}")
            tips[f"reliability-{i}"] = (
                f"said {b.predicted:.1%}, came true {b.observed:.1%} [{b.low:.1%} .. {b.high:.1%}] of {b.rows:,} rows"
            )
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=f"predicted probability of {what}", ylabel="came true")
    axes.legend(loc="upper left", frameon=False, labelcolor=COLOURS["ink"], fontsize=SIZE)
    label = f"Reliability of the probabilities. {'; '.join(tips.values())}."
    return _drawn("reliability", label, figure, tips, picture)


@_styled
def residual_figure(true: np.ndarray, predicted: np.ndarray, what: str, picture: bool = False) -> Drawing:
    """What was predicted against the truth, of a sample of the test rows."""
    some = np.linspace(0, len(true) - 1, min(SHOWN, len(true))).astype(int)
    true, predicted = true[some], predicted[some]
    figure, axes = _axes(290, 76, 44, top=10, right=14)
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.plot(predicted, true, ".", color=COLOURS["mark"], ms=4, alpha=0.45)
    axes.plot([low, high], [low, high], color=COLOURS["soft"], lw=1, ls=(0, (4, 3)))
    axes.set(xlabel=f"predicted {what[:40]}", ylabel="true")
    axes.locator_params(nbins=5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.4g}" if abs(value) < 1e4 else f"{value / 1000:,.4g}k")
    off = predicted - true
    label = (
        f"Predicted against true values of {len(some):,} test rows. Residuals: median {np.median(off):,.4g}, "
        f"9 of 10 between {np.quantile(off, 0.05):,.4g} and {np.quantile(off, 0.95):,.4g}."
    )
    return _drawn("residuals", label, figure, None, picture)


@_styled
def drivers_figure(drivers: Sequence[Any], unit: str, picture: bool = False) -> Drawing:
    """What happens to the error when a column is shuffled, with its interval, the strongest first."""
    figure, axes = _axes(50 + 24 * len(drivers), 146, 42)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.axvline(0, color=COLOURS["soft"], lw=1)
    tips = {}
    for row, d in enumerate(drivers):
        axes.plot([d.low, d.high], [row, row], color=COLOURS["mark"], lw=4, alpha=0.45, solid_capstyle="round")
        axes.plot([d.increase], [row], "o", color=COLOURS["mark"], ms=6, gid=f"drivers-{row}")
        tips[f"drivers-{row}"] = f"{d.column}: {d.increase:+.4g} [{d.low:+.4g} .. {d.high:+.4g}]"
    axes.set(ylim=(len(drivers) - 0.5, -0.6), yticks=range(len(drivers)), xlabel=f"more {unit} without it")
    axes.set_yticklabels(
        [d.column if len(d.column) <= 20 else d.column[:19] + "…" for d in drivers], color=COLOURS["ink"]
    )
    axes.locator_params(axis="x", nbins=4)
    axes.spines["left"].set_visible(False)
    return _drawn("drivers", f"What drives the model. {'; '.join(tips.values())}.", figure, tips, picture)
