"""The figures of the model to use: whether it can be believed, where it is off, and what drives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepworth.metrics.quality import Bin
from deepworth.report.figures._frame import Drawing, drawn, framed, styled
from deepworth.report.svg import COLOURS, SIZE

SHOWN = 400  # points of a scatter at most


@styled
def reliability_figure(curves: dict[str, tuple[Bin, ...]], what: str, picture: bool = False) -> Drawing:
    """Predicted probability against how often it came true; the first curve is the winner's and has intervals."""
    figure, axes = framed(290, 56, 44, top=10, right=14)
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
    axes.legend(loc="best", frameon=False, labelcolor=COLOURS["ink"], fontsize=SIZE)
    label = f"Reliability of the probabilities. {'; '.join(tips.values())}."
    return drawn("reliability", label, figure, tips, picture)


@styled
def residual_figure(true: np.ndarray, predicted: np.ndarray, what: str, picture: bool = False) -> Drawing:
    """What was predicted against the truth, of a sample of the test rows."""
    some = np.linspace(0, len(true) - 1, min(SHOWN, len(true))).astype(int)
    true, predicted = true[some], predicted[some]
    figure, axes = framed(290, 76, 44, top=10, right=14)
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
    return drawn("residuals", label, figure, None, picture)


@styled
def drivers_figure(drivers: Sequence[Any], unit: str, picture: bool = False) -> Drawing:
    """What happens to the error when a column is shuffled, with its interval, the strongest first."""
    figure, axes = framed(50 + 24 * len(drivers), 146, 42)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    axes.axvline(0, color=COLOURS["soft"], lw=1)
    tips = {}
    for row, d in enumerate(drivers):
        axes.plot([d.low, d.high], [row, row], color=COLOURS["mark"], lw=4, alpha=0.45, solid_capstyle="round")
        axes.plot([d.increase], [row], "o", color=COLOURS["mark"], ms=6, gid=f"drivers-{row}")
        tips[f"drivers-{row}"] = f"{d.column}: {d.increase:+.4g} [{d.low:+.4g} .. {d.high:+.4g}]"
    axes.set(ylim=(len(drivers) - 0.5, -0.6), yticks=range(len(drivers)), xlabel=f"growth of the {unit}")
    axes.set_yticklabels(
        [d.column if len(d.column) <= 20 else d.column[:19] + "…" for d in drivers], color=COLOURS["ink"]
    )
    axes.locator_params(axis="x", nbins=4)
    axes.spines["left"].set_visible(False)
    return drawn("drivers", f"What drives the model. {'; '.join(tips.values())}.", figure, tips, picture)


@styled
def shap_figure(shares: Sequence[Any], unit: str, picture: bool = False) -> Drawing:
    """Mean absolute SHAP value of each column, the strongest first."""
    figure, axes = framed(50 + 24 * len(shares), 146, 42)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    tips = {}
    for row, one in enumerate(shares):
        axes.barh([row], [one.mean], height=0.5, color=COLOURS["mark"], alpha=0.75, gid=f"shap-{row}")
        tips[f"shap-{row}"] = (
            f"{one.column}: moves a prediction by {one.mean:.3g} on average{one.trend and f'; {one.trend}'}"
        )
    axes.set(ylim=(len(shares) - 0.5, -0.6), yticks=range(len(shares)), xlabel=unit)
    axes.set_yticklabels(
        [one.column if len(one.column) <= 20 else one.column[:19] + "…" for one in shares], color=COLOURS["ink"]
    )
    axes.locator_params(axis="x", nbins=4)
    axes.spines["left"].set_visible(False)
    return drawn("shap", f"What moves its predictions. {'; '.join(tips.values())}.", figure, tips, picture)
