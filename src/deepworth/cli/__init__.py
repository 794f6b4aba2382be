"""The command line: one file per command, which parses, calls and prints."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from deepworth import __version__
from deepworth.cli.data import data
from deepworth.cli.estimate import estimate
from deepworth.cli.fit import fit
from deepworth.cli.hardware import hardware
from deepworth.cli.models import models
from deepworth.cli.plan import plan
from deepworth.cli.report import report
from deepworth.cli.results import predict, show

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when a library with OpenMP is loaded

app = typer.Typer(
    help="Is deep learning worth it on this data? Measured, priced and judged on equal terms.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


for command in (data, plan, estimate, hardware, fit, predict, show, report, models):
    app.command()(command)
