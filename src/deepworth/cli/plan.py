"""`deepworth plan`: the four questions, and the price of every step before it is taken."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deepworth.cli.border import say
from deepworth.cli.options import (
    LADDER,
    LIMITS,
    OUTPUT,
    Json,
    Memory,
    Metric,
    Models,
    Rungs,
    Seed,
    Weights,
    Worth,
    names,
    option,
    reads_source,
)
from deepworth.errors import UserError
from deepworth.types import Goals, Missing

LISTED = 20  # choices named in a question


@reads_source
def plan(
    about: dict[str, Any],
    weeks: Annotated[
        str | None, option(LIMITS, "How many weeks the project may iterate; else one run.", metavar="NUMBER")
    ] = None,
    limit: Annotated[
        str | None,
        option(LIMITS, "Limit of one run: 90s, 5m, 1h; else by --weeks, else 5m.", "--time", metavar="TIME"),
    ] = None,
    hardware: Annotated[
        str, option(LADDER, "auto (what is here), none, or a GPU by name: T4, L4, '2x A100'.", metavar="NAME")
    ] = "auto",
    memory: Memory = None,
    metric: Metric = None,
    seed: Seed = 0,
    rungs: Rungs = None,
    models: Models = None,
    weights: Weights = None,
    worth: Worth = "1%",
    out: Annotated[Path | None, option(OUTPUT, "Write the plan to this JSON file too.", "--out", "-o")] = None,
    as_json: Json = False,
) -> None:
    """Say what `fit` would try on SOURCE, what each step would cost, and why, before anything is trained.

    Needs no torch and no network. What cannot be answered is asked in a terminal; elsewhere the exit code is 2.
    """
    from deepworth import verbs
    from deepworth.store import write
    from deepworth.types import dump

    if weeks is None and limit is None and not as_json and _in_terminal():
        weeks, limit = _budget()
    while True:
        made = verbs.plan(
            **about,
            time=limit,
            weeks=weeks,
            hardware=hardware,
            metric=metric,
            rungs=names(rungs),
            models=names(models),
            weights=weights,
            worth=worth,
            memory_gb=memory,
            seed=seed,
        )
        if not made.not_ready or as_json or not _in_terminal():
            break
        about |= _ask(made.not_ready)
    if out is not None:
        write(out, dump(made))
    if as_json:
        print(dump(made).decode())
    elif not made.not_ready:
        from deepworth.views.console import stdout
        from deepworth.views.plan import plan_view

        stdout().print(plan_view(made))
    if made.not_ready:
        raise UserError("; ".join(_said(missing) for missing in made.not_ready))


def _in_terminal() -> bool:
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _budget() -> tuple[str | None, str | None]:
    """The weeks of the project, or the limit of one run, from a person; Enter is one run of the usual limit.

    What is neither is asked again: the source has not been read yet, so nothing is lost.
    """
    from deepworth.quantities import seconds
    from deepworth.quantities import weeks as as_weeks

    asks = "How many weeks may the project iterate (1, 4, 12), or how long may one run take (30m, 8h)"
    while True:
        given = typer.prompt(asks, default=f"{Goals().seconds / 60:g}m", err=True, prompt_suffix="? ")
        number = re.fullmatch(r"\s*([\d.]+)\s*(w|weeks?)?\s*", given, re.IGNORECASE)
        try:
            if number:
                as_weeks(number[1])
                return number[1], None
            seconds(given)
            return None, given
        except UserError as error:
            say(str(error))


def _said(missing: Missing) -> str:
    shown = ", ".join(missing.choices[:LISTED]) + (", ..." if len(missing.choices) > LISTED else "")
    return f"the plan is not ready. {missing.asks} Give {missing.flag}" + (f", one of {shown}" if shown else "")


def _ask(missing: tuple[Missing, ...]) -> dict[str, Any]:
    """Answers from a person, as keywords of the verb. Raises UserError for what a word cannot answer."""
    given = {}
    for one in missing:
        flag, _, _ = one.flag.partition(" ")
        if not flag.startswith("--"):
            raise UserError(_said(one))
        if one.choices:
            shown = ", ".join(one.choices[:LISTED]) + (", ..." if len(one.choices) > LISTED else "")
            say(f"one of {shown}")
        given[flag.removeprefix("--").replace("-", "_")] = typer.prompt(
            one.asks.rstrip("?"), err=True, prompt_suffix="? "
        )
    return given
