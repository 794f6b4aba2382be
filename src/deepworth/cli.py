"""The command line: one command per verb, which parses, calls and prints."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from deepworth import __version__
from deepworth.errors import DeepworthError, Interrupted, UnreadRows, UserError
from deepworth.types import Kind, Modality, TaskKind

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when a library with OpenMP is loaded

app = typer.Typer(
    help="Is deep learning worth it on this data? Measured, priced and judged on equal terms.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DATA, TASK, LADDER, LIMITS, OUTPUT = "Columns", "Task and splits", "What is tried", "Limits", "Output"


def _option(panel: str, text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar, show_default=panel != DATA)


RunFolderArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]
Columns = list[str]
Debug = Annotated[bool, _option(OUTPUT, "Show the traceback of an error.", "--debug")]
Json = Annotated[bool, _option(OUTPUT, "Print the verdict as one JSON document.", "--json")]


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and leave.", callback=lambda on: _version(on), is_eager=True),
    ] = False,
) -> None:
    pass


@app.command()
def fit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A table (CSV, TSV, Parquet, JSON lines, Arrow, Excel, SQLite as file.db::table), "
            "a folder or zip of class folders, or a Hugging Face dataset id.",
            show_default=False,
        ),
    ],
    target: Annotated[
        str | None, _option(TASK, "The column to predict; class folders name their own.", metavar="COL")
    ] = None,
    limit: Annotated[
        str, _option(LIMITS, "Limit of the whole run, report included: 90s, 5m, 1h.", "--time", metavar="TIME")
    ] = "5m",
    memory: Annotated[
        str | None,
        _option(LIMITS, "Limit over all processes: 4GB, 500MB; else 80 % of what is free.", "--memory", metavar="SIZE"),
    ] = None,
    jobs: Annotated[int, _option(LIMITS, "Trials that run side by side.", "--jobs")] = 1,
    task: Annotated[
        TaskKind | None, _option(TASK, "binary, multiclass or regression, where the guess is wrong.", metavar="KIND")
    ] = None,
    metric: Annotated[str | None, _option(TASK, "The metric to choose and judge by.", metavar="NAME")] = None,
    group: Annotated[
        str | None, _option(TASK, "Column whose values must not be divided over the parts.", metavar="COL")
    ] = None,
    time_column: Annotated[str | None, _option(TASK, "Column to split by, past to future.", metavar="COL")] = None,
    split: Annotated[str | None, _option(TASK, "Column that says train, valid or test.", metavar="COL")] = None,
    seed: Annotated[int, _option(TASK, "Same seed, same run.")] = 0,
    modality: Annotated[
        Modality | None, _option(DATA, "tabular, text, image or audio, where the guess is wrong.", metavar="KIND")
    ] = None,
    number: Annotated[Columns | None, _option(DATA, "Read COL as a number.", metavar="COL")] = None,
    category: Annotated[Columns | None, _option(DATA, "Read COL as a category.", metavar="COL")] = None,
    date: Annotated[Columns | None, _option(DATA, "Read COL as a date or time.", metavar="COL")] = None,
    text: Annotated[Columns | None, _option(DATA, "Read COL as text.", metavar="COL")] = None,
    image: Annotated[Columns | None, _option(DATA, "Read COL as paths of images.", metavar="COL")] = None,
    audio: Annotated[Columns | None, _option(DATA, "Read COL as paths of recordings.", metavar="COL")] = None,
    identifier: Annotated[Columns | None, _option(DATA, "COL only names the row.", "--id", metavar="COL")] = None,
    ignore: Annotated[Columns | None, _option(DATA, "Leave COL out.", metavar="COL")] = None,
    rungs: Annotated[
        str | None,
        _option(LADDER, "Of floor, classical, frozen, tuned, custom; with commas.", "--rungs", metavar="LIST"),
    ] = None,
    models: Annotated[
        str | None, _option(LADDER, "Try exactly these, with commas; see `deepworth models`.", metavar="LIST")
    ] = None,
    weights: Annotated[
        str | None, _option(LADDER, "Pretrained network: a name, a local folder or a hub id.", metavar="NAME")
    ] = None,
    worth: Annotated[str, _option(LADDER, "Least useful reduction of the error.", "--worth", metavar="SHARE")] = "1%",
    out: Annotated[Path | None, _option(OUTPUT, "The run folder; else runs/<source>-<time>.", "--out", "-o")] = None,
    quiet: Annotated[bool, _option(OUTPUT, "No progress, only the result.", "--quiet", "-q")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find out whether deep learning is worth it on SOURCE, and train the model that is.

    Columns that were taken for the wrong thing are named again: --text COL, --category COL, ... as often as needed.
    """
    started = time.monotonic()  # the limit counts from here: loading the libraries is part of it
    with _plainly(debug):
        kinds = _kinds(
            number=number,
            category=category,
            datetime=date,
            text=text,
            image=image,
            audio=audio,
            id=identifier,
        )
        from deepworth import verbs
        from deepworth.climb.watch import Watch
        from deepworth.progress import Progress

        with nullcontext(Watch()) if quiet else Progress() as watch:
            run = verbs.fit(
                source,
                target,
                time=limit,
                out=out,
                task=task,
                metric=metric,
                group=group,
                time_column=time_column,
                split=split,
                kinds=kinds,
                ignore=tuple(ignore or ()),
                modality=modality,
                rungs=_names(rungs),
                models=_names(models),
                weights=weights,
                worth=worth,
                memory_gb=memory,
                jobs=jobs,
                seed=seed,
                watch=watch,
                started=started,
            )
        _show(run, as_json)


@app.command()
def predict(
    run: RunFolderArgument,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Data with the columns of the training data.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        _option(OUTPUT, "Where to write: .parquet, .csv or .jsonl; else CSV on the standard output.", "--out", "-o"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Predict every row of SOURCE with the winner of RUN: `prediction`, and for classes one probability column each."""
    with _plainly(debug):
        from deepworth.tables import check_format, write_table

        check_format(out)
        from deepworth import verbs

        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always", UnreadRows)
            table = verbs.predict(run, source)
        write_table(table, out)
    for warning in noticed:
        if issubclass(warning.category, UnreadRows):
            _say(f"warning: {warning.message}")
    if out is not None:
        _say(f"{table.num_rows:,} predictions in {out}")


@app.command()
def show(run: RunFolderArgument, as_json: Json = False, debug: Debug = False) -> None:
    """Show the trials and the verdict of a run again."""
    with _plainly(debug):
        from deepworth.verbs import open_run

        opened = open_run(run)
        _show(opened, as_json)


@app.command()
def models(
    modality: Annotated[
        Modality | None, typer.Option(help="Only those for tabular, text, image or audio data.", metavar="KIND")
    ] = None,
    debug: Debug = False,
) -> None:
    """List the models that are registered, and what those that cannot run here still need."""
    with _plainly(debug):
        from deepworth.tables import models_table, stdout

        stdout().print(models_table(modality))


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


def _show(run: Any, as_json: bool) -> None:
    """The result on the standard output: the verdict file as it is, or tables for a person."""
    if as_json:
        print((run.folder / "verdict.json").read_text())
        return
    from deepworth.tables import stdout, verdict_view

    stdout().print(verdict_view(run.verdict, run.folder))


def _kinds(**columns: Columns | None) -> dict[str, Kind]:
    """Column -> kind from the overrides. Raises UserError for a column that is named as two things."""
    kinds: dict[str, Any] = {}
    for kind, names in columns.items():
        for name in names or ():
            if kinds.setdefault(name, kind) != kind:
                raise UserError(f"column {name!r} is given as {kinds[name]} and as {kind}: keep one of the two")
    return kinds


def _names(text: str | None) -> tuple[Any, ...] | None:
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else None


def _say(message: str) -> None:
    print(message, file=sys.stderr)


@contextmanager
def _plainly(debug: bool) -> Iterator[None]:
    """Turn an error into a message that helps and the exit code that belongs to it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, with what is done
    try:
        yield
    except Interrupted as error:
        _say(str(error))
        raise typer.Exit(error.exit_code) from error
    except DeepworthError as error:
        _say(traceback.format_exc() if debug else f"error: {error}")
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        _say("interrupted before there was a verdict")
        raise typer.Exit(Interrupted.exit_code) from error
    except Exception as error:  # the border of the program: a person is not shown a traceback unasked
        if debug:
            _say(traceback.format_exc())
            raise typer.Exit(1) from error
        with tempfile.NamedTemporaryFile("w", prefix="deepworth-", suffix=".log", delete=False) as log:
            log.write(traceback.format_exc())
        _say(
            f"unexpected {type(error).__name__}: {error}\nThe log is {log.name}; run again with --debug to see it here."
        )
        raise typer.Exit(1) from error
    finally:
        signal.signal(signal.SIGTERM, before)
