"""What every figure of the report shares: its record, its frame and the house style."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from markupsafe import Markup

from deepworth.report.svg import STYLE, WIDTH, inline, new_figure, to_png, to_svg
from deepworth.types import Rung

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
MARKS: dict[Rung, str] = {"floor": "X", "classical": "s", "frozen": "^", "tuned": "D", "custom": "o"}


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


def drawn(name: str, label: str, figure: Figure, tips: dict[str, str] | None, picture: bool) -> Drawing:
    return Drawing(name=name, label=label, svg=to_svg(figure), png=to_png(figure) if picture else b"", tips=tips or {})


def framed(height: float, left: float, bottom: float, top: float = 8, right: float = 8) -> tuple[Figure, Axes]:
    """A figure of `height` units with margins in units: a layout that is computed takes as long as the drawing."""
    figure = new_figure(height)
    box = (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + top) / height)
    return figure, figure.add_axes(box)


def steps(ratio: float) -> tuple[float, ...]:
    """Where the ticks of a log axis stand between powers of ten, by the highest over the lowest value on it."""
    return (1, 1.5, 2, 3, 5, 7) if ratio < 8 else (1, 2, 5) if ratio < 200 else (1,)


def styled(draw: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """`draw` within the house style, which leaves what others draw with matplotlib as it is."""

    @functools.wraps(draw)
    def styled(*values: P.args, **options: P.kwargs) -> Drawing:
        new_figure(10)  # loads the library
        import matplotlib

        with matplotlib.rc_context(cast("Any", STYLE)), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # letters its own font lacks: the page's have them
            return draw(*values, **options)

    return styled
