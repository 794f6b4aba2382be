"""The report: one self-contained HTML page made from the records of a run folder."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from deepworth.report import words
from deepworth.report.figures import gain_figure
from deepworth.store import RunFolder, write
from deepworth.types import DEEP, Dataset, Gain, Machine, TrialResult, Verdict

ACCENTS = {"worth it": "yes", "not worth it": "no", "no measurable difference": "even", "cannot tell yet": "open"}


def write_report(run_folder: Path) -> Path:
    """Write `report.html` into a run folder that has a verdict, and return its path."""
    run = RunFolder(run_folder)
    page = _templates().get_template("page.html.j2").render(_summary(run), **_details(run))
    path = run.path / "report.html"
    write(path, page)
    return path


def fragment(run_folder: Path) -> str:
    """The verdict, its figure and the trials as a piece of HTML for a notebook."""
    return _templates().get_template("fragment.html.j2").render(_summary(RunFolder(run_folder)))


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deepworth.report", "templates"),
        autoescape=True,  # names of columns, classes and files come from the data
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=words.duration, percent=words.percent, score=words.score, span=words.span, kinds=words.kinds
    )
    return environment


def _summary(run: RunFolder) -> dict[str, Any]:
    """What the fragment and the top of the page show."""
    verdict = run.verdict
    trials = words.by_rung(verdict)
    gains = [verdict.gains[rung] for rung in DEEP if rung in verdict.gains]
    return {
        "verdict": verdict,
        "accent": ACCENTS[verdict.verdict],
        "figure": gain_figure(gains, verdict.limits["worth"]) if gains else "",
        "trials": [t for t in trials if t.status == "done"],
        "others": [t for t in trials if t.reason],
        "bars": _bars(verdict),
        "price": _price(verdict),
        "dataset": run.dataset,
        "task": words.task_sentence(run.dataset),
    }


def _details(run: RunFolder) -> dict[str, Any]:
    """What only the page shows."""
    made = msgspec.json.decode((run.path / "run.json").read_bytes())
    manifest = run.trial(run.verdict.winner) / "model" / "model.json"
    return {
        "made": dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "splits": run.splits,
        "profile": run.profile,
        "plan": run.plan,
        "machine": msgspec.convert(made["machine"], Machine),
        "model": msgspec.json.decode(manifest.read_bytes()) if manifest.exists() else {},
        "left_out": _left_out(run.dataset),
        "folder": run.path,
    }


def _left_out(dataset: Dataset) -> list[str]:
    return [f"{c.name} ({c.kind})" for c in dataset.columns if c.name not in dataset.features]


def _bars(verdict: Verdict) -> dict[str, float]:
    """Trial key -> its test error as a share of the largest; the floor, which would dwarf the rest, has none."""
    errors = {t.key: words.error_of(verdict.metric, t.test) for t in verdict.trials if t.rung != "floor"}
    known = {key: error for key, error in errors.items() if error is not None and error >= 0}
    largest = max(known.values(), default=0.0)
    return {key: error / largest for key, error in known.items()} if largest > 0 else {}


def _price(verdict: Verdict) -> list[TrialResult]:
    """The two models the verdict compares, the cheaper rung first."""
    gain: Gain | None = verdict.gain
    if gain is None:
        return []
    by_key = {t.key: t for t in verdict.trials}
    return [by_key[key] for key in (gain.base, gain.challenger) if key in by_key]
