"""`deepworth report`: the result of a run as a page, Markdown, JSON or PDF."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from deepworth.cli.border import plainly, say
from deepworth.cli.options import LIMITS, OUTPUT, Debug, RunFolder, option


def report(
    run: RunFolder,
    form: Annotated[
        Literal["html", "md", "json", "pdf"],
        option(OUTPUT, "html and pdf go to a file, md and json to the standard output.", "--format", "-f"),
    ] = "html",
    out: Annotated[
        Path | None, option(OUTPUT, "Where to write; else RUN/report.html or RUN/report.pdf.", "--out", "-o")
    ] = None,
    limit: Annotated[
        str, option(LIMITS, "To find what drives the model to use, by running it again.", "--time", metavar="TIME")
    ] = "30s",
    debug: Debug = False,
) -> None:
    """Show what RUN found: the verdict, the ladder, its quality, mistakes, data, and how to run it again.

    Without --out the figures are written to RUN/figures too, as SVG and PNG. A PDF is printed by Chromium or Chrome.
    """
    started = time.monotonic()
    with plainly(debug):
        from deepworth.quantities import seconds
        from deepworth.report.build import write_as
        from deepworth.run import open_run

        folder = open_run(run).folder
        path, text = write_as(folder, form, out, until=started + seconds(limit))
        if path is None:
            typer.echo(text, nl=False)
        else:
            say(f"report in {path}")
