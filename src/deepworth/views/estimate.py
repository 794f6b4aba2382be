"""An estimate as a person reads it: what fits where, how long it takes, what it costs, and what that rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.cost.choice import Choice, Easier, Place
from deepworth.types import Range
from deepworth.words import duration, money, money_span, span

SHOWN = 3  # break-evens, and reasons why nothing fits
PRICE = "the price of "  # how a doubt about a price begins
RATES = {"llm": "tokens/s", "vision": "images/s"}


def estimate_view(choice: Choice, about: str, change: Easier | None = None, command: str = "") -> RenderableType:
    """One row a kind of hardware, the cheapest that is enough first; then break-evens, warnings and the basis.

    `change` is what makes it fit where it fits nowhere as asked, `command` asks for that.
    """
    first = choice.places[0].answer
    parts: list[RenderableType] = [Text(about, "bold"), Padding(_table(choice), (1, 0, 0, 0))]
    said: list[tuple[str, str, str]] = []
    if not any(place.answer["fits"] for place in choice.places):
        said.append(("in short", "bold yellow", _nothing_fits(change)))
        said.append(("ask for it", "bold", command))
    elif not choice.comparison:
        said.append(("in short", "bold green", _fits(choice.places)))
    else:
        said.append(("in short", "bold green", choice.comparison.sentence))
        said += [("break-even", "cyan", pair.sentence) for pair in choice.comparison.break_evens[:SHOWN]]
    if choice.comparison and (best := choice.comparison.cheapest):
        said.append(("price", "dim", f"{best.basis}; intervals of the cost are those of the time, at this price"))
    said.append(("memory", "dim", _parts(first.get("parts_gb") or {})))
    said += [("too small", "yellow", line) for line in _too_small(choice.places)]
    said += [("look at", "yellow", warning) for warning in _warnings(choice.places)]
    doubted = sum(map(_doubted, choice.places))
    if doubted:
        are = f"{doubted} of these prices are" if doubted > 1 else "this price is"
        said.append(("!", "yellow", f"{are} undated or older than a year: check with deepworth hardware NAME"))
    said.append(("basis", "dim", first["basis"]))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")  # sources are long words: folded, not cut
    for label, style, words in said:
        if words:
            grid.add_row(Text(label, style), Text(words))
    return Group(*parts, Padding(grid, (1, 0, 0, 0)))


def _fits(places: Sequence[Place]) -> str:
    """Where it fits, in the order of the table: what an item costs there."""
    first, *others = [place for place in places if place.answer["fits"]]
    price = first.answer.get("usd_per_hour")
    rent = f" for {money(price['likely'])} an hour" if price else ""
    item = RATES.get(first.answer["kind"], "rows/s").removesuffix("s/s")
    more = f", and {len(others)} more of {len(places)}, in the order of what a{'n' * (item == 'image')} {item} costs"
    return f"it fits {first.name}{rent}{more * bool(others)}; --rows tells time, energy and money of the whole"


def _nothing_fits(change: Easier | None) -> str:
    """That it is too large as asked; and with which change it fits, where, and what that takes."""
    if change is None:
        return "it fits nowhere here, nor with what is usually changed"
    flags = " ".join(f"{flag} {value}".strip() for flag, value in change.flags.items())
    place = next(place for place in change.choice.places if place.answer["fits"])
    peak, usable = place.answer["peak_gb"], place.answer["usable_gb"]
    said = f"does not fit as asked; with {flags} ({change.change}) it fits {place.name}: {peak['likely']:.1f} GB "
    said += f"[{peak['low']:.1f}..{peak['high']:.1f}] of {usable:.1f}"
    comparison = change.choice.comparison
    offer = next((one for one in comparison.offers if one.name == place.name), None) if comparison else None
    if offer and offer.usd and place.seconds:
        said += f", {span(place.seconds)} and {_dollars(offer.usd)}"
    return said


def _doubted(place: Place) -> bool:
    """Whether its price is undated or old."""
    return any(warning.startswith(PRICE) for warning in place.answer["warnings"])


def _warnings(places: Sequence[Place]) -> list[str]:
    """What is said of the rows, but for prices and room; once, with the rows it is said of."""
    rows: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    for place in places:
        for warning in place.answer["warnings"]:
            if warning.startswith((PRICE, "does not fit", "the largest machine with")):
                continue
            alike = warning.replace(place.hardware, "")
            rows.setdefault(alike, []).append(place.name)
            words.setdefault(alike, warning)
    told = []
    for alike, names in rows.items():
        others = [] if len(names) == len(places) and words[alike] == alike else names[1:]
        named = names[0] in words[alike] or len(names) == len(places)
        also = f" (so with {', '.join(others)})" if others else "" if named else f" ({names[0]})"
        told.append(words[alike] + (f" ({', '.join(names)})" if others and not named else also))
    return told


def _too_small(places: Sequence[Place]) -> list[str]:
    """Where it does not fit and how many devices it takes; the whole reason, and the remedy, where nothing fits."""
    small = [place for place in places if not place.answer["fits"]]
    if len(small) == len(places):
        reasons = [w for p in small[:SHOWN] for w in p.answer["warnings"] if w.startswith("does not fit")]
        return [*reasons, *([_needed(small[SHOWN:])] if small[SHOWN:] else [])]
    return [_needed(small)] if small else []


def _needed(places: Sequence[Place]) -> str:
    told = []
    for place in places:
        needed, helps = (place.answer.get(key) for key in ("devices_needed", "remedy"))
        takes = [*([f"{needed} needed"] if needed else []), *([f"or {helps}" if needed else helps] if helps else [])]
        told.append(f"{place.name} ({', '.join(takes)})" if takes else place.name)
    return "; ".join(told)


class _Either:
    """The wide table where it has room, else the narrow one: rich would cut words to make room."""

    def __init__(self, wide: Table, narrow: Table) -> None:
        self.wide, self.narrow = wide, narrow

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        needed = Measurement.get(console, options.update(width=1000), self.wide).maximum
        yield self.wide if needed <= options.max_width else self.narrow


def _table(choice: Choice) -> RenderableType:
    """In a narrow window intervals go under their values, and the words of a name under each other."""
    whole, rate = choice.comparison is not None, RATES.get(choice.places[0].answer["kind"], "rows/s")
    heads = ["hardware", "fits", "memory, GB", "a step", *(("time", "kWh") if whole else (rate,)), "cost"]
    wide, narrow = (Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold") for _ in range(2))
    for head in heads:
        wide.add_column(head)
        narrow.add_column(head.replace(", ", ",\n"))
    for place in choice.places:
        name, *cells = _cells(place, choice)
        style = "" if place.answer["fits"] else "dim"
        wide.add_row(Text(name), *map(Text, cells), style=style)
        broken = [cell.replace(" [", "\n[").replace(" of ", "\nof ").replace(" an ", "\nan ") for cell in cells]
        narrow.add_row(Text(name.replace(" ", "\n")), *map(Text, broken), style=style)
    return _Either(wide, narrow)


def _cells(place: Place, choice: Choice) -> list[str]:
    answer = place.answer
    step, rate, price = (answer.get(key) for key in ("seconds_per_step", "items_per_second", "usd_per_hour"))
    doubt = " !" if _doubted(place) else ""
    cells = [place.name, "yes" if answer["fits"] else "no", _memory(place)]
    if choice.comparison is None:
        cells += [f"{_step(step['likely'])} {_bracket(step, _step)}" if step else ""]
        cells += [f"{rate['likely']:,.0f} {_bracket(rate, '{:,.0f}'.format)}" if rate else ""]
        return [*cells, f"{money(price['likely'])} an hour{doubt}" if price else ""]
    cells.append(_step(step["likely"]) if step else "")
    offer = next((offer for offer in choice.comparison.offers if offer.name == place.name), None)
    cells.append(span(place.seconds) if place.seconds else "")
    energy = offer.kwh if offer else None
    cells.append(f"{_brief(energy.likely)} [{_brief(energy.low)}..{_brief(energy.high)}]" if energy else "")
    return [*cells, f"{_dollars(offer.usd)}{doubt}" if offer and offer.usd else ""]


def _step(seconds: float) -> str:
    """16 ms, 0.43 s as 430 ms: steps are short."""
    if seconds >= 0.9995:
        return duration(seconds)
    return f"{1000 * seconds:.0f} ms" if seconds >= 0.00995 else f"{1000 * seconds:.1f} ms"


def _bracket(told: dict[str, float], words: Callable[[float], str]) -> str:
    """An interval without a break in it, its unit left to the value where all three share it."""
    low, likely, high = (words(told[key]) for key in ("low", "likely", "high"))
    unit = likely.partition(" ")[2]
    if all(text.partition(" ")[2] == unit for text in (low, high)):
        low, high = low.partition(" ")[0], high.partition(" ")[0]
    return f"[{low}..{high}]".replace(" ", "")


def _brief(number: float) -> str:
    """Two digits at most of what is small: 0.02, 0.3, 1.4, 12, 1,250; 0 below 0.001."""
    if number < 0.0005:
        return "0"
    return f"{number:,.0f}" if number >= 9.95 else f"{number:.1f}" if number >= 0.095 else f"{number:.1g}"


def _memory(place: Place) -> str:
    peak = place.answer["peak_gb"]
    digits = 0 if peak["likely"] >= 100 else 1
    low, likely, high = (f"{peak[key]:.{digits}f}" for key in ("low", "likely", "high"))
    return f"{likely} [{low}..{high}] of {place.answer['usable_gb']:.{digits}f}"


def _dollars(usd: Range) -> str:
    return money_span(usd).replace("[$", "[").replace("..$", "..")


def _parts(parts: dict[str, Any]) -> str:
    return ", ".join(f"{part} {_brief(size)} GB" for part, size in sorted(parts.items(), key=lambda p: -p[1]))
