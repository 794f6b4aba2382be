"""A matplotlib figure as SVG: inside the page in the page's own colours, as a file in those of paper."""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from deepworth.data.cache import cache_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What the figures are drawn with, and the property of style.css that takes its place in the page.
COLOURS = {
    "ink": "#1b1f24",
    "soft": "#5b6570",
    "line": "#dfe3e8",
    "paper": "#fffffe",
    "mark": "#2f5fd0",
    "yes": "#147a4a",
    "no": "#a4461b",
    "floor": "#6b7078",
    "classical": "#8a5a00",
    "frozen": "#1f6fb5",
    "tuned": "#8a3fa0",
    "custom": "#b02a5b",
}
WIDTH, SIZE = 400, 12  # units of a figure and of its letters: on a phone one unit is a little less than a pixel
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # letters stay letters: they can be read aloud, searched and copied
    "svg.hashsalt": "deepworth",  # same figure, same file
    "text.parse_math": False,  # a dollar in the name of a column is a dollar
    "font.size": SIZE,
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.labelsize": SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.6,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def library() -> None:
    """Load matplotlib, 0.4 to 1.1 s; whoever waits for something else meanwhile may call it early, in a thread.

    Its index of fonts, made once, lies in deepworth's cache folder.
    """
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, sizes in units of the page."""
    library()
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72))


def to_svg(figure: Figure) -> str:
    """A file of its own: light colours, no date, so that equal figures are equal files."""
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing)
    return text.getvalue()


def to_png(figure: Figure) -> bytes:
    """A picture for slides: 3 pixels a unit, on white."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=216, facecolor="white")
    return file.getvalue()


def inline(svg: str, name: str, label: str, tips: dict[str, str]) -> Markup:
    """The SVG for the page: coloured by its style, with `label` for who does not see it and a title for each of `tips`.

    `tips` are texts by the gid of what they belong to; `name` keeps ids apart from those of other figures.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]*)"', body)
    assert box  # matplotlib writes one
    body = body[body.index(">") + 1 :]
    for gid, tip in tips.items():
        opening = f'<g id="{gid}">'
        body = body.replace(opening, f'<g id="{gid}" class="tip"><title>{escape(tip)}</title>', 1)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    for colour, value in COLOURS.items():
        body = body.replace(value, f"var(--{colour})")
    body = re.sub(r"\n\s*", " ", body)
    # nothing in it comes from the data but texts, which matplotlib and escape() have escaped
    return Markup(f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(label)}" class="figure {name}">{body}')
