"""Figures as inline SVG: no script, no colour of their own, readable from 300 px wide."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from deepworth.report.words import percent
from deepworth.types import Gain

WIDTH, LEFT, RIGHT, ROW, TOP = 360, 8, 352, 44, 22  # in the figure's own units; the page scales it


def gain_figure(gains: list[Gain], worth: float) -> Markup:
    """The gain of each deep rung with its interval, on one axis with zero and the least useful gain."""
    ends = [value for gain in gains for value in (gain.low, gain.high, gain.relative) if math.isfinite(value)]
    low, high = min([*ends, 0.0, -worth]), max([*ends, 2 * worth])
    pad = 0.06 * (high - low) or 0.01
    low, high = low - pad, high + pad
    height = TOP + ROW * len(gains) + 20

    def x(value: float) -> float:
        place = LEFT + (min(max(value, low), high) - low) / (high - low) * (RIGHT - LEFT)
        return round(place, 1)

    top, bottom, useful = TOP - 6, height - 18, x(worth)
    caption = f"worth it from {percent(worth)}"
    parts = [
        f'<rect class="good" x="{useful}" y="{top}" width="{round(RIGHT - useful, 1)}" height="{bottom - top}"/>',
        f'<line class="zero" x1="{x(0)}" x2="{x(0)}" y1="{top}" y2="{bottom}"/>',
        f'<line class="worth" x1="{useful}" x2="{useful}" y1="{top}" y2="{bottom}"/>',
        f'<text class="axis" x="{useful}" y="10" text-anchor="{_anchor(useful)}">{caption}</text>',
    ]
    for tick in _ticks(low, high):
        parts.append(f'<text class="axis" x="{x(tick)}" y="{height - 4}" text-anchor="middle">{_tick(tick)}</text>')
    for number, gain in enumerate(gains):
        y = TOP + ROW * number + 28
        label = f"{gain.rung}: {percent(gain.relative)} [{percent(gain.low)} .. {percent(gain.high)}]"
        parts += [
            f'<text class="label" x="{LEFT}" y="{y - 12}">{escape(label)}</text>',
            f'<line class="interval" x1="{x(gain.low)}" x2="{x(gain.high)}" y1="{y}" y2="{y}"/>',
            f'<circle class="point" cx="{x(gain.relative)}" cy="{y}" r="4.5"/>',
        ]
    title = "Reduction of the error by deep learning, by rung, with its interval"
    # the parts above hold numbers and escaped labels only
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}" class="gain">{"".join(parts)}</svg>'
    )


def _anchor(place: float) -> str:
    return "end" if place > WIDTH * 0.75 else "start" if place < WIDTH * 0.25 else "middle"


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round values inside the axis."""
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    first = math.ceil(low / step)
    margin = 0.05 * (high - low)
    values = [i * step for i in range(first, math.floor(high / step) + 1)]
    return [value for value in values if low + margin < value < high - margin]


def _tick(value: float) -> str:
    return "0" if abs(value) < 1e-12 else f"{100 * value:+.3g}%"
