"""The report: one self-contained HTML page made from the records of a run folder, its figures also as files."""

from __future__ import annotations

import functools
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import jinja2

from deepworth.report import words
from deepworth.report.content import Report, gather, spare_seconds
from deepworth.report.figures import (
    Drawing,
    drivers_figure,
    estimates_figure,
    gain_figure,
    ladder_figure,
    reliability_figure,
    residual_figure,
)
from deepworth.report.formats import find_browser, to_json, to_markdown, write_pdf
from deepworth.report.quality import Rows
from deepworth.report.sentences import trial_named
from deepworth.store import RunFolder, whole, write
from deepworth.types import DEEP, TrialResult, Verdict
from deepworth.words import duration, money_span, percent, score, span

ACCENTS = {"worth it": "yes", "not worth it": "no", "no measurable difference": "even", "cannot tell yet": "open"}


def write_report(run_folder: Path) -> Path:
    """Write `report.html` and its figures into a run folder that has a verdict, and return the page's path."""
    run = RunFolder(run_folder)
    path = run.path / "report.html"
    write(path, _page(run, *gather(run, spare_seconds(run.verdict))))
    return path


def write_as(run_folder: Path, form: str, out: Path | None, until: float = -math.inf) -> tuple[Path | None, str]:
    """The report as html, md, json or pdf: (the path it was written to, or None; the text, for md and json).

    What drives the winner is looked for until `until` (`time.monotonic()`). Raises UserError for a run without a
    verdict, MissingPackage for a PDF where there is no browser.
    """
    run = RunFolder(run_folder)
    if form == "pdf":
        find_browser()  # before the work
    report, rows = gather(run, max(0.0, until - time.monotonic()))
    if form in ("md", "json"):
        text = to_markdown(report) if form == "md" else to_json(report)
        if out is not None:
            write(out, text)
        return out, text
    if form == "html":
        path = out or run.path / "report.html"
        write(path, _page(run, report, rows, keep=out is None, pictures=True))
        return path, ""
    path = out or run.path / "report.pdf"
    with whole(path) as half, tempfile.TemporaryDirectory(prefix="deepworth-") as folder:
        page = Path(folder) / "report.html"
        page.write_text(_page(run, report, rows, keep=False), encoding="utf-8")
        write_pdf(page, half)
    return path, ""


def _page(run: RunFolder, report: Report, rows: Rows | None, keep: bool = True, pictures: bool = False) -> str:
    """The page. Its figures are kept in `figures/` as SVG if asked for, and as PNG too with `pictures`."""
    figures = draw(report, rows, keep and pictures)
    for figure in figures.values() if keep else ():
        write(run.path / "figures" / f"{figure.name}.svg", figure.svg)
        if figure.png:
            write(run.path / "figures" / f"{figure.name}.png", figure.png)
    return _templates().get_template("page.html.j2").render(r=report, figures=figures, **_summary(report.verdict))


def fragment(run_folder: Path) -> str:
    """The verdict, its figure and the trials as a piece of HTML for a notebook."""
    run = RunFolder(run_folder)
    verdict = run.verdict
    done = [t for t in words.by_rung(verdict) if t.status == "done"]
    gains = _gains(verdict)
    figures = {"gain": gain_figure(gains, verdict.limits["worth"])} if gains else {}
    return _templates().get_template("fragment.html.j2").render(trials=done, figures=figures, **_summary(verdict))


def draw(report: Report, rows: Rows | None, pictures: bool = False) -> dict[str, Drawing]:
    """The figures this run has something to show in, by name."""
    verdict, quality = report.verdict, report.quality
    made: list[Drawing] = []
    if gains := _gains(verdict):
        made.append(gain_figure(gains, verdict.limits["worth"], pictures))
    climbed = [t for t in report.trials if t.rung != "floor" and verdict.metric.name in t.test]
    if climbed:
        made.append(ladder_figure(climbed, verdict.metric, verdict.winner, pictures))
    if guessed := [t for t in report.trials if t.estimate]:
        made.append(estimates_figure(guessed, pictures))
    if quality and quality.curve:
        curves = {report.card.model: quality.curve}
        if quality.other_curve:
            curves[report.compared_with] = quality.other_curve
        classes = report.dataset.task.classes
        made.append(reliability_figure(curves, str(classes[1])[:30] if len(classes) == 2 else "its class", pictures))
    if rows is not None and not report.dataset.task.is_classification:
        made.append(residual_figure(rows.labels, rows.winner, report.dataset.task.target, pictures))
    if report.drivers and quality:
        made.append(drivers_figure(report.drivers, quality.loss, pictures))
    return {figure.name: figure for figure in made}


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
        duration=duration,
        percent=percent,
        score=score,
        span=span,
        kinds=words.kinds,
        number=words.number,
        money=money_span,
    )
    return environment


def _summary(verdict: Verdict) -> dict[str, Any]:
    """What the fragment and the page both open with."""
    return {
        "verdict": verdict,
        "accent": ACCENTS[verdict.verdict],
        "use": trial_named(verdict, verdict.winner),
        "price": _price(verdict),
    }


def _gains(verdict: Verdict) -> list[Any]:
    return [verdict.gains[rung] for rung in DEEP if rung in verdict.gains]


def _price(verdict: Verdict) -> list[TrialResult]:
    """The two models the verdict compares, the cheaper rung first."""
    if verdict.gain is None:
        return []
    by_key = {t.key: t for t in verdict.trials}
    return [by_key[key] for key in (verdict.gain.base, verdict.gain.challenger) if key in by_key]
