"""An estimate as a person reads it: what fits where, how long it takes, what it costs, and what that rests on."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.cost import catalogue
from deepworth.cost.choice import Choice, Place
from deepworth.types import Range
from deepworth.words import duration, money, span

SHOWN = 3  # break-evens, and places whose every warning is shown


def estimate_view(choice: Choice, about: str) -> RenderableType:
    """One row a kind of hardware, the cheapest that is enough first; then break-evens, warnings and the basis."""
    first = choice.places[0].answer
    parts: list[RenderableType] = [Text(about, "bold"), Padding(_table(choice), (1, 0, 0, 0))]
    said: list[tuple[str, str, str]] = []
    if choice.comparison:
        said.append(("in short", "bold green", choice.comparison.sentence))
        said += [("break-even", "cyan", pair.sentence) for pair in choice.comparison.break_evens[:SHOWN]]
    said.append(("memory", "dim", _parts(first.get("parts_gb") or {})))
    warnings = dict.fromkeys(warning for place in choice.places[:SHOWN] for warning in place.answer["warnings"])
    said += [("look at", "yellow", warning) for warning in warnings]
    said.append(("basis", "dim", first["basis"]))
    grid = Table.grid(padding=(0, 2))
    for label, style, words in said:
        if words:
            grid.add_row(Text(label, style), Text(words))
    return Group(*parts, Padding(grid, (1, 0, 0, 0)))


def _table(choice: Choice) -> Table:
    """Wide where there is room; in a narrow window intervals go under their values, and no number is cut."""
    whole = choice.comparison is not None
    heads = ["hardware", "fits", "memory, GB", "a step", "items/s", *(("time", "kWh") if whole else ()), "cost"]
    rows = [_cells(place, choice) for place in choice.places]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for column, head in enumerate(heads):
        words = " ".join([head.replace(" ", "_"), *(row[column] for row in rows)]).split()
        table.add_column(head, overflow="fold", min_width=max(map(len, words)) if column else None)
    for place, row in zip(choice.places, rows, strict=True):
        table.add_row(*row, style="" if place.answer["fits"] else "dim")
    return table


def _cells(place: Place, choice: Choice) -> list[str]:
    answer = place.answer
    step, rate, price = (answer.get(key) for key in ("seconds_per_step", "items_per_second", "usd_per_hour"))
    cells = [place.name, "yes" if answer["fits"] else "no", _memory(place)]
    cells += [duration(step["likely"]) if step else "", f"{rate['likely']:,.0f}" if rate else ""]
    if choice.comparison is None:
        return [*cells, f"{money(price['likely'])} an hour" if price else ""]
    offer = next((offer for offer in choice.comparison.offers if offer.name == place.name), None)
    cells.append(span(place.seconds) if place.seconds else "")
    cells.append(f"{offer.kwh.likely:.2g}" if offer and offer.kwh else "")
    return [*cells, _dollars(offer.usd) if offer and offer.usd else ""]


def _memory(place: Place) -> str:
    peak, usable = place.answer["peak_gb"], catalogue.accelerator(place.hardware).usable_gb
    return f"{peak['likely']:.1f} [{peak['low']:.1f}..{peak['high']:.1f}] of {usable:.0f}"


def _dollars(usd: Range) -> str:
    low, high = (money(value).removeprefix("$") for value in (usd.low, usd.high))
    return f"{money(usd.likely)} [{low}..{high}]"


def _parts(parts: dict[str, Any]) -> str:
    return ", ".join(f"{part} {size:.2g} GB" for part, size in sorted(parts.items(), key=lambda p: -p[1]))
