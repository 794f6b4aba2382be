"""`deepworth predict` and `deepworth show`: what a run left behind."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from deepworth.cli.border import plainly, say
from deepworth.cli.options import OUTPUT, Debug, Json, RunFolder, option
from deepworth.errors import PredictionWarning


def predict(
    run: RunFolder,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Data with the columns of the training data.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        option(OUTPUT, "Where to write: .parquet, .csv or .jsonl; else CSV on the standard output.", "--out", "-o"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Predict every row of SOURCE with the winner of RUN: `prediction`, and for classes one probability column each."""
    with plainly(debug):
        from deepworth.predictions import check_format, write_table

        check_format(out)
        from deepworth import verbs

        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always", PredictionWarning)
            table = verbs.predict(run, source)
        write_table(table, out)
    for warning in noticed:
        if issubclass(warning.category, PredictionWarning):
            say(f"warning: {warning.message}")
    if out is not None:
        say(f"{table.num_rows:,} predictions in {out}")


def show(run: RunFolder, as_json: Json = False, debug: Debug = False) -> None:
    """Show the trials and the verdict of a run again."""
    with plainly(debug):
        from deepworth.run import open_run

        opened = open_run(run)
        show_run(opened, as_json)


def show_run(run: Any, as_json: bool) -> None:
    """The result on the standard output: the verdict file as it is, or tables for a person."""
    if as_json:
        print((run.folder / "verdict.json").read_text())
        return
    from deepworth.views.console import stdout
    from deepworth.views.verdict import verdict_view

    stdout().print(verdict_view(run.verdict, run.folder))
