"""The look into a source as a person reads it: one line a column, then what to look at."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.data.kinds import SAMPLE as COUNT_SAMPLE
from deepworth.types import ColumnLook, Concern, Look, Spread
from deepworth.words import amount, portion

SERIOUS = ("leak", "group", "time", "broken", "duplicates")
SHOWN = 3  # common values
MOST = 60  # columns shown one by one


def look_view(look: Look) -> RenderableType:
    """The columns, facts of the target, concerns and notes."""
    task = look.task
    what = f"{look.rows:,} rows, {len(look.columns):,} columns, {look.modality} data, read as {look.reader}"
    parts: list[RenderableType] = [Text(look.source, "bold"), Text(what), Padding(_columns(look), (1, 0, 0, 0))]
    if len(look.columns) > MOST:
        parts.append(Text(f"... and {len(look.columns) - MOST:,} more columns: --json lists them all", "dim"))
    if task:
        shown = ", ".join(map(str, task.classes[:6])) + (", ..." if len(task.classes) > 6 else "")
        classes = f", {len(task.classes)} classes: {shown}" if task.classes else ""
        division = (
            f"; split {look.splits.protocol}: {look.splits.train:,} train, {look.splits.valid:,} valid, "
            if (look.splits)
            else ""
        )
        tested = f"{look.splits.test:,} test" if look.splits else ""
        parts.append(Padding(Text(f"target {task.target!r}, {task.kind}{classes}{division}{tested}"), (1, 0, 0, 0)))
    if look.profile.concerns:
        parts.append(Padding(_concerns(look.profile.concerns), (1, 0, 0, 0)))
    if look.notes:
        parts.append(Padding(_lines([("note", "dim", note) for note in look.notes]), (1, 0, 0, 0)))
    return Group(*parts)


def _columns(look: Look) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("column", overflow="fold")
    table.add_column("kind")
    table.add_column("missing", justify="right")
    table.add_column("distinct", justify="right")
    table.add_column("what is in it", overflow="fold")
    for one in look.columns[:MOST]:
        column = one.column
        is_target = look.task is not None and column.name == look.task.target
        table.add_row(
            Text(column.name, "bold" if is_target else ""),
            Text(column.kind + (" (target)" if is_target else "")),
            portion(column.missing) if column.missing else "–",
            _distinct(one, look.rows),
            Text(_content(one, look)),
        )
    return table


def _distinct(one: ColumnLook, rows: int) -> str:
    """How many different values; a count that is of a sample only is a lower bound."""
    column = one.column
    exact = column.kind in ("category", "boolean", "constant") or rows <= COUNT_SAMPLE
    return f"{'' if exact else '≥ '}{column.distinct:,}" if column.distinct else "–"


def _content(one: ColumnLook, look: Look) -> str:
    if one.span:
        return f"{one.span[0]} to {one.span[1]}"
    if one.spreads:
        return "; ".join(_spread(spread) for spread in one.spreads)
    if not one.common:
        return ""
    shown = ", ".join(f"{value[:24]} {portion(rows / look.rows)}" for value, rows in one.common[:SHOWN])
    more = one.column.distinct - SHOWN
    return shown + (f" and {more:,} more" if more > 0 else "")


def _spread(spread: Spread) -> str:
    """`median [5 % .. 95 %], from the least to the most`; a single number where all are the same."""
    named = "" if spread.of == "value" else f"{spread.of} "
    unit = f" {spread.unit}" if spread.unit else ""
    if spread.least == spread.most:
        return f"{named}{amount(spread.most)}{unit}"
    middle = f"{amount(spread.median)} [{amount(spread.low)} .. {amount(spread.high)}]"
    return f"{named}{middle}{unit}, {amount(spread.least)} to {amount(spread.most)}"


def _concerns(concerns: tuple[Concern, ...]) -> Table:
    return _lines(
        [
            (
                concern.id,
                "red" if concern.id in SERIOUS else "yellow",
                concern.message + (f" (such as {'; '.join(concern.examples)})" if concern.examples else ""),
            )
            for concern in concerns
        ]
    )


def _lines(lines: list[tuple[str, str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for title, style, text in lines:
        grid.add_row(Text(title, style), Text(text))
    return grid
