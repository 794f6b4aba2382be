"""The report: one self-contained HTML page made from the records of a run folder, its figures also as files."""

from __future__ import annotations

import functools
import math
import shlex
import tempfile
import time
from pathlib import Path
from typing import Any

import jinja2

from deepworth.report import sentences, words
from deepworth.report.content import Report, gather
from deepworth.report.explain import spare_seconds
from deepworth.report.figures import (
    Drawing,
    curve_figure,
    drivers_figure,
    estimates_figure,
    gain_figure,
    ladder_figure,
    reliability_figure,
    residual_figure,
    shap_figure,
)
from deepworth.report.formats import find_browser, to_json, to_markdown, write_pdf
from deepworth.report.prices import energy, milliseconds
from deepworth.report.quality import Rows
from deepworth.store import RunFolder, whole, write
from deepworth.types import DEEP, Gain, Price, Verdict
from deepworth.words import amount, duration, megabytes, money_span, percent, portion, scaled, score, span

NO_PAGE = "report.log"  # of a run: the traceback of what kept its page from being made
ACCENTS = {"worth it": "yes", "not worth it": "no", "no measurable difference": "even", "cannot tell yet": "open"}


def write_report(run_folder: Path) -> Path:
    """Write `report.html` and its figures into a run folder that has a verdict, and return the page's path."""
    run = RunFolder(run_folder)
    path = run.path / "report.html"
    write(path, _page(run, *gather(run, spare_seconds(run.verdict))))
    run.forget(NO_PAGE)
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
        if out is None:
            run.forget(NO_PAGE)
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
    if curve := verdict.curve:
        pair = [next(t for t in verdict.trials if t.key == key) for key in (curve.base, curve.challenger)]
        names, rungs = (pair[0].model, pair[1].model), (pair[0].rung, pair[1].rung)
        made.append(curve_figure(curve, names, rungs, verdict.metric.error, pictures))
    climbed = [t for t in report.trials if t.rung != "floor" and verdict.metric.name in t.test]
    if len(climbed) > 1:
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
    if report.explained.drivers and quality:
        made.append(drivers_figure(report.explained.drivers, quality.loss, pictures))
    if (found := report.explained.shap) and found.shares:
        made.append(shap_figure(found.shares, f"mean |SHAP|, {found.unit}"[:60], pictures))
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
        portion=portion,
        amount=amount,
        kinds=words.kinds,
        number=words.number,
        short=words.short,
        small=words.small,
        means=words.means,
        megabytes=megabytes,
        loss=words.loss,
        money=money_span,
        scaled=scaled,
        words=lambda command: [shlex.quote(word) for word in shlex.split(command)],
        energy=energy,
        milliseconds=milliseconds,
    )
    return environment


def _summary(verdict: Verdict) -> dict[str, Any]:
    """What the fragment and the page both open with."""
    return {
        "verdict": verdict,
        "accent": ACCENTS[verdict.verdict],
        "use": sentences.trial_named(verdict, verdict.winner),
        "level": next((gain.level for gain in _gains(verdict)), 0.95),
        "hardest": any(gain.choices > 1 for gain in _gains(verdict)),
        "answers": [
            {
                "rung": rung,
                "verdict": verdict.answers[rung].verdict,
                "accent": ACCENTS[verdict.answers[rung].verdict],
                "lines": lines,
                "judged": rung in verdict.gains,
            }
            for rung, lines in sentences.answers(verdict).items()
        ],
        "prices": _prices(verdict),
    }


def _gains(verdict: Verdict) -> list[Gain]:
    return [verdict.gains[rung] for rung in DEEP if rung in verdict.gains]


def _prices(verdict: Verdict) -> list[tuple[str, Price]]:
    """(model, price) of the two models the verdict compares, the cheaper rung first."""
    return [(sentences.trial_named(verdict, one.trial), one) for one in verdict.prices]
