"""The options that commands share, each said once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from deepworth.cli.border import plainly
from deepworth.errors import UserError
from deepworth.quantities import names as names
from deepworth.types import Kind, Modality, TaskKind

DATA, TASK, LADDER, LIMITS, OUTPUT = "Columns", "Task and splits", "What is tried", "Limits", "Output"


def option(panel: str, text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar, show_default=panel != DATA)


Columns = list[str]
Debug = Annotated[bool, option(OUTPUT, "Show the traceback of an error.", "--debug")]
Time = Annotated[str, option(LIMITS, "Limit of the whole run, report included: 90s, 5m, 1h.", "--time", metavar="TIME")]
Memory = Annotated[
    str | None,
    option(LIMITS, "Limit over all processes: 4GB, 500MB; else 80 % of what is free.", "--memory", metavar="SIZE"),
]
Jobs = Annotated[int, option(LIMITS, "Trials that run side by side.", "--jobs")]
Metric = Annotated[str | None, option(TASK, "The metric to choose and judge by.", metavar="NAME")]
Threshold = Annotated[
    str | None,
    option(
        TASK,
        "For two classes: choose the probability from which the second is said for f1, balanced_accuracy, "
        "precision=0.9, recall=0.9, or cost=1:5 of a false alarm : a miss.",
        "--threshold",
        metavar="RULE",
    ),
]
Seed = Annotated[int, option(TASK, "Same seed, same run.")]
Rungs = Annotated[
    str | None,
    option(LADDER, "Of floor, classical, frozen, tuned, custom; with commas.", "--rungs", metavar="LIST"),
]
Models = Annotated[
    str | None, option(LADDER, "Try exactly these, with commas; see `deepworth models`.", metavar="LIST")
]
Weights = Annotated[
    str | None, option(LADDER, "Pretrained network: a name, a local folder or a hub id.", metavar="NAME")
]
Worth = Annotated[str, option(LADDER, "Least useful reduction of the error.", "--worth", metavar="SHARE")]
RunOut = Annotated[Path | None, option(OUTPUT, "The run folder; else runs/<source>-<time>.", "--out", "-o")]
Resume = Annotated[
    Path | None,
    option(
        OUTPUT,
        "Go on with a run that was killed, interrupted or out of room: nothing that is done is repeated. SOURCE, "
        "options and limits are read from RUN; of its time, what it had used when its last trial ended counts.",
        "--resume",
        metavar="RUN",
    ),
]
Quiet = Annotated[bool, option(OUTPUT, "No progress, only the result.", "--quiet", "-q")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.", show_default=False)]
Json = Annotated[bool, option(OUTPUT, "Print one JSON document.", "--json")]


def _about(
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
        str | None, option(TASK, "The column to predict; class folders name their own.", metavar="COL")
    ] = None,
    task: Annotated[
        TaskKind | None, option(TASK, "binary, multiclass or regression, where the guess is wrong.", metavar="KIND")
    ] = None,
    group: Annotated[
        str | None, option(TASK, "Column whose values must not be divided over the parts.", metavar="COL")
    ] = None,
    time_column: Annotated[str | None, option(TASK, "Column to split by, past to future.", metavar="COL")] = None,
    split: Annotated[str | None, option(TASK, "Column that says train, valid or test.", metavar="COL")] = None,
    modality: Annotated[
        Modality | None, option(DATA, "tabular, text, image or audio, where the guess is wrong.", metavar="KIND")
    ] = None,
    number: Annotated[Columns | None, option(DATA, "Read COL as a number.", metavar="COL")] = None,
    category: Annotated[Columns | None, option(DATA, "Read COL as a category.", metavar="COL")] = None,
    date: Annotated[Columns | None, option(DATA, "Read COL as a date or time.", metavar="COL")] = None,
    text: Annotated[Columns | None, option(DATA, "Read COL as text.", metavar="COL")] = None,
    image: Annotated[Columns | None, option(DATA, "Read COL as paths of images.", metavar="COL")] = None,
    audio: Annotated[Columns | None, option(DATA, "Read COL as paths of recordings.", metavar="COL")] = None,
    identifier: Annotated[Columns | None, option(DATA, "COL only names the row.", "--id", metavar="COL")] = None,
    ignore: Annotated[Columns | None, option(DATA, "Leave COL out.", metavar="COL")] = None,
    debug: Debug = False,
) -> dict[str, Any]:
    """What the options say of a source, as keywords of the verbs."""
    kinds = kinds_of(
        number=number, category=category, datetime=date, text=text, image=image, audio=audio, id=identifier
    )
    return {
        "source": source,
        "target": target,
        "task": task,
        "group": group,
        "time_column": time_column,
        "split": split,
        "modality": modality,
        "kinds": kinds,
        "ignore": tuple(ignore or ()),
    }


def reads_source(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` SOURCE and the options that describe it; they reach it as `about`, keywords of the verbs.

    A command with a `resume` option reads SOURCE and all others from a run where that is given: `about` is empty then.
    """
    own, shared = (dict(inspect.signature(f).parameters) for f in (command, _about))
    names = [n for n in (*shared, *own) if n != "about"]
    hints = {**get_type_hints(command, include_extras=True), **get_type_hints(_about, include_extras=True)}

    @wraps(command)
    def with_options(**given: Any) -> None:
        with plainly(given["debug"]):
            if given.get("resume") is not None:
                _refuse_others(given, {**shared, **own}, hints)
                command(about={}, **{n: given[n] for n in own if n != "about"})
                return
            if given["source"] is None:
                raise UserError("name a SOURCE, or the folder of a run to go on with: --resume RUN")
            about = _about(**{n: given[n] for n in shared})
            command(about=about, **{n: given[n] for n in own if n != "about"})

    if "resume" in own:
        shared["source"] = shared["source"].replace(default=None)
        (argument,) = hints["source"].__metadata__
        hints["source"] = Annotated[str | None, argument]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [({**shared, **own})[n].replace(kind=keyword, annotation=hints[n]) for n in names]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    with_options.__annotations__ = {n: hints[n] for n in names}
    return with_options


def _refuse_others(given: dict[str, Any], parameters: dict[str, inspect.Parameter], hints: dict[str, Any]) -> None:
    """Raise UserError for what is given beside --resume and would be read from the run."""
    free = ("resume", "quiet", "as_json", "debug", "about")
    more = [n for n, p in parameters.items() if n not in free and given[n] != p.default and given[n]]
    if more:
        other = ["SOURCE" if n == "source" else _flag(n, hints[n]) for n in more]
        raise UserError(
            f"--resume reads {', '.join(other)} from the run: leave it out, or give the whole command with --out "
            f"{given['resume']} to go on with other limits or models"
        )


def _flag(name: str, hint: Any) -> str:
    """How an option is written: typer has the first of its names in `default`, where it is annotated."""
    info = hint.__metadata__[0]
    told = (str(one) for one in (info.default, *(info.param_decls or ())))
    return next((one for one in told if one.startswith("--")), f"--{name.replace('_', '-')}")


def kinds_of(**columns: Columns | None) -> dict[str, Kind]:
    """Column -> kind from the overrides. Raises UserError for a column that is named as two things."""
    kinds: dict[str, Any] = {}
    for kind, named in columns.items():
        for name in named or ():
            if kinds.setdefault(name, kind) != kind:
                raise UserError(f"column {name!r} is given as {kinds[name]} and as {kind}: keep one of the two")
    return kinds
