"""The figures of the answer: what deep learning gains, and what more rows would change."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deepworth.metrics.curves import LEAST_SIZES, fit_power_laws
from deepworth.report.figures._frame import MARKS, Drawing, drawn, framed, steps, styled
from deepworth.report.svg import COLOURS, SIZE
from deepworth.types import Gain, LearningCurve, Rung
from deepworth.words import count, percent, score

FAR = -1.5  # gains below are drawn at the edge: an error that more than doubles needs no scale
BEYOND = 4.0  # times the largest size that a law is drawn to where nothing is projected further


@styled
def gain_figure(gains: Sequence[Gain], worth: float, picture: bool = False) -> Drawing:
    """The gain of each deep rung with its interval, on one axis with zero and the least useful gain."""
    ends = [v for gain in gains for v in (gain.low, gain.high, gain.relative) if math.isfinite(v)]
    low, high = max(FAR, min([*ends, 0.0, -worth])), max([*ends, 2 * worth])
    pad = max(0.06 * (high - low), 0.002)
    low, high = low - pad, high + pad
    height = 48 + 46 * len(gains)
    figure, axes = framed(height, 10, 26, top=20, right=10)
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
        halo = {"facecolor": COLOURS["paper"], "alpha": 0.9, "lw": 0, "pad": 1}
        axes.text(low, row - 0.28, words, ha="left", va="bottom", bbox=halo)
        tips[f"gain-{row}"] = words
    axes.xaxis.set_major_formatter(lambda value, _: "0" if abs(value) < 1e-12 else f"{100 * value:+.3g}%")
    axes.locator_params(axis="x", nbins=5)
    said = "; ".join(tips.values())
    label = (
        f"Reduction of the error by deep learning, by rung, with its interval. {said}. {percent(worth)} would count."
    )
    return drawn("gain", label, figure, tips, picture)


@styled
def curve_figure(
    curve: LearningCurve, names: tuple[str, str], rungs: tuple[Rung, Rung], error: str, picture: bool = False
) -> Drawing:
    """The errors of both models on nested subsets: a small point a seed, the mean, the law and the projected crossing.

    `names` and `rungs` are of the base and the challenger; `error` what is measured, as MetricInfo.error says.
    """
    from matplotlib.ticker import LogLocator

    sizes = np.asarray(curve.sizes, float)
    figure, axes = framed(290, 62, 44, top=18, right=14)
    axes.set_xscale("log")
    axes.grid(True)
    axes.set_axisbelow(True)
    crossing = curve.crossing
    crosses = not crossing.why_not and math.isfinite(crossing.value)
    far = max(BEYOND * sizes.max(), 1.3 * crossing.high if crosses and math.isfinite(crossing.high) else 0.0)
    tips = {}
    sides = (curve.base_errors, curve.challenger_errors)
    for side, (given, name, rung) in enumerate(zip(sides, names, rungs, strict=True)):
        errors, colour = np.asarray(given, float), COLOURS[rung if names[0] != names[1] else "mark"]
        mean = errors.mean(0)
        if len(sizes) >= LEAST_SIZES:
            grid = np.geomspace(sizes.min(), far, 120)
            law = fit_power_laws(sizes, mean[None]).at(grid)[0]
            inside = grid <= sizes.max()
            axes.plot(grid[inside], law[inside], color=colour, lw=1.6, label=name)
            axes.plot(grid[~inside], law[~inside], color=colour, lw=1.6, ls=(0, (2, 2)))
        else:
            axes.plot(sizes, mean, color=colour, lw=1.6, label=name)
        for one in errors:
            axes.plot(sizes, one, ".", color=colour, ms=4, alpha=0.45)
        for place, rows in enumerate(sizes):
            gid = f"curve-{side}-{place}"
            axes.plot([rows], [mean[place]], MARKS[rung], color=colour, ms=6, gid=gid)
            least, most = errors[:, place].min(), errors[:, place].max()
            tips[gid] = (
                f"{name}, {count(int(rows), 'row')}: {error} {score(mean[place])} [{score(least)} .. {score(most)}]"
            )
    if crosses:
        axes.axvspan(crossing.low, crossing.high, color=COLOURS["yes"], alpha=0.14, lw=0)
        axes.axvline(crossing.value, color=COLOURS["yes"], lw=1.4)
    axes.set_xlim(sizes.min() / 1.2, far)
    axes.set_ylim(bottom=0 if axes.get_ylim()[0] < 0 else None)
    axes.xaxis.set_major_locator(LogLocator(subs=steps(far / sizes.min())))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    axes.set_xlabel("training rows")
    axes.set_title(f"{error}, lower is better", loc="left", fontsize=SIZE, color=COLOURS["soft"], pad=4)
    axes.locator_params(axis="y", nbins=5)
    axes.legend(loc="upper right", frameon=False, labelcolor=COLOURS["ink"], fontsize=SIZE)
    label = f"Errors on nested subsets of the training rows. {'; '.join(tips.values())}."
    return drawn("curve", label, figure, tips, picture)
