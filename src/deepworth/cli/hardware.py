"""`deepworth hardware`: what this machine is and reaches, and the catalogue of accelerators."""

from __future__ import annotations

from typing import Annotated

import typer

from deepworth.cli.border import plainly
from deepworth.cli.options import OUTPUT, Debug, Json, option
from deepworth.errors import UserError


def hardware(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="One part of the catalogue: T4, 'RTX 3090', A100-SXM4-80GB.", show_default=False
        ),
    ] = None,
    measure: Annotated[
        bool, option(OUTPUT, "Measure this machine (10 s at most) and keep it for estimates.", "--measure")
    ] = False,
    everything: Annotated[bool, option(OUTPUT, "The whole catalogue, not only what has a price.", "--all")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show what this machine is and reaches, and what other hardware could do at most, with sources and prices."""
    with plainly(debug):
        from deepworth.types import dump
        from deepworth.views import hardware as views

        if name is not None:
            if measure:
                raise UserError("--measure measures this machine: leave NAME out")
            shown = views.part_json(name) if as_json else views.part_view(name)
        else:
            if measure:
                from deepworth.cost.measure import take

                take()
            shown = views.here_json() if as_json else views.here_view(everything)
        if as_json:
            print(dump(shown).decode())
            return
        from deepworth.views.console import stdout

        stdout().print(shown)
