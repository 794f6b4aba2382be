"""The figures of the cost: scores against seconds, and seconds against their estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepworth.report.figures._frame import MARKS, Drawing, drawn, framed, steps, styled
from deepworth.report.svg import COLOURS, SIZE
from deepworth.report.words import short
from deepworth.types import MetricInfo, TrialResult
from deepworth.words import duration, score, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """The positions of (cost, error) pairs that no other beats in both, the cheapest first."""
    order = sorted(range(len(points)), key=lambda i: points[i])
    front: list[int] = []
    for i in order:
        if not front or points[i][1] < points[front[-1]][1]:
            front.append(i)
    return front


@styled
def ladder_figure(trials: Sequence[TrialResult], metric: MetricInfo, winner: str, picture: bool = False) -> Drawing:
    """Test score against the seconds of training, log scale, with the front of those that no other beats in both."""
    sign = -1 if metric.higher_is_better else 1
    points = [(max(t.seconds, 1e-3), sign * t.test[metric.name]) for t in trials]
    front = pareto(points)
    figure, axes = framed(270, 62, 44, top=18, right=14)
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
    if max(map(abs, values)) >= 1000:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    return drawn("ladder", "Test score against cost. " + "; ".join(tips.values()) + ".", figure, tips, picture)


def _name_points(axes: Axes, named: Sequence[tuple[str, float, float]]) -> None:
    """Names beside the points, the first ones first, each where it hides no other name and no point; else none."""
    points = 72 / axes.figure.dpi  # of a pixel
    places = points * axes.transData.transform([(x, y) for _, x, y in named])
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    left_edge, bottom_edge, right_edge, top_edge = (points * edge for edge in axes.get_window_extent().extents)
    for (name, x, y), (left, bottom) in zip(named, places, strict=True):
        wide = 7.4 * len(name)  # of the letters of a wide font
        for across, up in ((8, 4), (-8 - wide, 4), (8, -16), (-8 - wide, -16)):
            box = (left + across, bottom + up, left + across + wide, bottom + up + 12)
            inside = left_edge <= box[0] and box[2] <= right_edge + 8 and bottom_edge <= box[1] and box[3] <= top_edge
            if inside and not any(_meet(box, other) for other in taken):
                halo = {"facecolor": COLOURS["paper"], "alpha": 0.75, "lw": 0, "pad": 0.5}
                axes.annotate(name, (x, y), xytext=(across, up + 1), textcoords="offset points", va="bottom", bbox=halo)
                taken.append(box)
                break


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _seconds(axes: Axes, low: float, high: float) -> None:
    """Ticks of a log axis of seconds."""
    from matplotlib.ticker import LogLocator

    axes.xaxis.set_major_locator(LogLocator(subs=steps(high / low)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()


@styled
def estimates_figure(trials: Sequence[TrialResult], picture: bool = False) -> Drawing:
    """The estimated seconds of each trial as a line, what it took as a point."""
    rows = [t for t in trials if t.estimate]
    height = 50 + 24 * len(rows)
    figure, axes = framed(height, 140, 42)
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
    axes.set_yticklabels([short(t.model, 18) for t in rows], color=COLOURS["ink"])
    _seconds(axes, *axes.get_xlim())
    axes.spines["left"].set_visible(False)
    label = "Estimated and actual seconds of each trial. " + "; ".join(tips.values()) + "."
    return drawn("estimates", label, figure, tips, picture)
