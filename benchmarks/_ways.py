"""What is done with a hostile source: a plan, a fit, the predictions of a saved model, or a command."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from _again import SAVED
from _hostile import Case


def planned(case: Case, folder: Path, machine: Any) -> tuple[str, str]:
    """As `deepworth plan` does, with the machine measured once."""
    from deepworth.data.open import open_source
    from deepworth.data.prepare import prepare
    from deepworth.decide.plan import make_plan
    from deepworth.errors import DeepworthError, Unanswered
    from deepworth.profile.run import profile_data
    from deepworth.registry import find, resolve
    from deepworth.store import RunFolder
    from deepworth.types import Goals, SourceOptions

    run, goals, options = RunFolder(folder / "run"), Goals(), SourceOptions(**case.options)
    try:
        opened = open_source(case.source, options, run.data)
        prepare(opened, goals, options, run.path)
        dataset, splits, profile = run.dataset, run.splits, profile_data(run.path)
        sizes = resolve(find("modalities", dataset.modality).workload)(dataset, splits)
        make_plan(dataset, splits, profile, sizes, machine, goals)
    except Unanswered as error:
        return "asked", str(error)
    except DeepworthError as error:
        return "refused", str(error)
    return "planned", f"{len(opened.table)} rows"


def fitted(case: Case, folder: Path, machine: Any) -> tuple[str, str]:
    """A fit of the shallow models, and predictions for its own source."""
    from deepworth.errors import DeepworthError, NothingTrained, Unanswered
    from deepworth.verbs import fit, predict

    options = {"time_column" if name == "time" else name: value for name, value in case.options.items()}
    try:
        run = fit(case.source, time=10, out=folder / "run", rungs=("floor", "classical"), **options)
    except Unanswered as error:
        return "asked", str(error)
    except NothingTrained as error:
        return "late", str(error)  # on a busy machine
    except DeepworthError as error:
        return "refused", str(error)
    failed = [trial for trial in run.verdict.trials if trial.status == "failed"]
    if failed:
        return "failed trial", f"{failed[0].key}: {failed[0].reason}"
    try:
        table = predict(run, case.source)
    except DeepworthError as error:
        return "refused", f"{case.source} is fitted, but its rows are not predicted: {error}"
    return "fitted", f"{table.num_rows} rows predicted"


def predicted(case: Case, folder: Path, machine: Any) -> tuple[str, str]:
    """The rows of the source through a saved model of each kind of data until one takes them."""
    from deepworth.climb.model import Model
    from deepworth.errors import DeepworthError

    said = ""
    meant = case.name.partition("again:")[2].partition(" ")[0]
    for name in (meant,) if meant else ("linear", "tfidf-linear", "hog-linear", "mfcc-linear"):
        model = Model(SAVED / name)
        try:
            table = model.table(case.source)
        except DeepworthError as error:
            said = str(error)
            continue
        if not model.classes:
            return "predicted", f"{table.num_rows} rows by {name}"
        shares = np.column_stack([table.column(f"p_{label}").to_numpy() for label in model.classes])
        read = table.column("prediction").is_valid().to_numpy()
        if not np.allclose(shares[read].sum(axis=1), 1.0, atol=1e-3):
            return "odd shares", f"{name}: {shares[read][:3]}"
        if not read.all() and "refused" not in table.column_names:
            return "unsaid", f"{name} gives no prediction for some rows and says no reason"
        return "predicted", f"{table.num_rows} rows by {name}"
    return "refused", said


def commanded(case: Case, folder: Path, machine: Any) -> tuple[str, str]:
    """As somebody would type it, with options drawn at random."""
    from typer.testing import CliRunner

    from deepworth.cli import app

    begin = [("data", "plan")[len(case.words) % 3 > 0], case.source, *case.words]
    with mock.patch("deepworth.verbs.measure", lambda *_: machine):
        done = CliRunner().invoke(app, begin)
    shown = f"deepworth {' '.join(map(repr, begin))[:300]}: {done.stderr[-600:]}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return "traceback", shown + "".join(traceback.format_exception(done.exception))
    if "Traceback" in done.output or "run again with --debug" in done.stderr:
        return "traceback", shown
    if done.exit_code not in (0, 2):
        return "odd status", f"{done.exit_code}: {shown}"
    return ("answered", shown) if done.exit_code == 0 else ("asked", shown)


WAYS: dict[str, Callable[[Case, Path, Any], tuple[str, str]]] = {
    "plan": planned, "predict": predicted, "command": commanded
}  # fmt: skip
