"""`deepworth models`: what is registered."""

from __future__ import annotations

from typing import Annotated

import typer

from deepworth.cli.border import plainly
from deepworth.cli.options import Debug
from deepworth.types import Modality


def models(
    modality: Annotated[
        Modality | None, typer.Option(help="Only those for tabular, text, image or audio data.", metavar="KIND")
    ] = None,
    debug: Debug = False,
) -> None:
    """List the models that are registered, and what those that cannot run here still need."""
    with plainly(debug):
        from deepworth.views.console import stdout
        from deepworth.views.models import models_table

        stdout().print(models_table(modality))
