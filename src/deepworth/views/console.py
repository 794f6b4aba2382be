"""Where results are printed, and what several views have in common."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text


def stdout() -> Console:
    """The console of results."""
    return Console(highlight=False)


def bullets(title: str, lines: tuple[str, ...]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for number, line in enumerate(lines):
        grid.add_row("" if number else Text(title), Text(line))
    return grid
