"""The report for other readers: Markdown for a repository, JSON for a machine, PDF for a meeting."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from deepworth.errors import MissingPackage, UserError
from deepworth.report.content import Report
from deepworth.report.examples import Example
from deepworth.report.words import loss, small
from deepworth.types import dump
from deepworth.words import duration, percent, portion, score, span

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
PATIENCE = 120.0  # seconds for the browser


def to_json(report: Report) -> str:
    """One JSON document; pictures and recordings are left to the page."""
    document = msgspec.json.decode(dump(report))
    for example in (*document["explained"]["examples"], *document["explained"]["typical"]):
        del example["picture"], example["sound"], example["heat"]
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2).decode() + "\n"


def to_markdown(report: Report) -> str:
    """The same sentences and tables, without the figures."""
    v, metric = report.verdict, report.verdict.metric.name
    lines = [f"# {_plain(report.dataset.name)}: {v.verdict}", "", _plain(v.sentence), ""]
    if v.decide_next:
        lines += [f"What would decide it: {_plain(v.decide_next)}.", ""]
    lines += [f"The model to use: `{v.winner}`.", ""]
    lines += _list(report.sentences["answers"])
    lines += _section("What was tried, and what it cost", report.sentences["ladder"])
    lines += _table(
        ("model", "rung", f"{metric}, valid", f"{metric}, test", "time", "estimated", "peak GB", "MB"),
        [
            (
                t.model + (" ★" if t.key == v.winner else ""),
                t.rung,
                score(t.valid.get(metric)),
                score(t.test.get(metric)),
                duration(t.seconds),
                span(t.estimate.seconds) if t.estimate else "",
                f"{t.peak_gb:.2f}",
                small(t.artefact_mb),
            )
            for t in report.trials
        ],
    )
    lines += ["", *_list(f"{t.model} ({t.rung}) {t.status}: {t.reason}" for t in report.others)]
    lines += ["", *_list((*report.sentences.get("price", ()), *report.sentences.get("costs", ())))]
    lines += _section("What more rows would change", report.sentences["curve"])
    if report.plan.answers:
        lines += _section("What was asked and answered before", ())
        lines += _list(f"{a.asked} {a.answer}: {a.because}" for a in report.plan.answers)
    if report.plan.rules or report.plan.evidence:
        lines += ["", *_list(f"rule {r.id}: {r.effect}; {r.reason} ({r.source})" for r in report.plan.rules)]
        lines += _list(report.sentences.get("expected", ()))
        lines += _list(f"{e.claim} ({e.source}) {e.note}".strip() for e in report.plan.evidence)
    lines += _section("Estimated before, and taken", report.sentences["estimates"])
    if q := report.quality:
        said = ("calibration", "threshold", "mistakes", "slices", "coverage", "shap", "drivers")
        lines += _section("Beyond the score", [s for name in said for s in report.sentences.get(name, ())])
        lines += [_plain(report.explained.why_not), ""]
        lines += _table(
            ("column", "value", "rows", report.card.model, report.compared_with or "other"),
            [
                (
                    s.column,
                    s.value,
                    f"{s.rows:,}",
                    loss(s.winner, q.loss),
                    "" if s.other is None else loss(s.other, q.loss),
                )
                for s in q.slices[:12]
            ],
        )
        lines += ["", f"{q.loss.capitalize()}; smaller is better."]
    if report.explained.examples:
        lines += _section("Its worst mistakes", ())
        lines += _list(map(_mistake, report.explained.examples))
    lines += _section("The data", ())
    lines += _list((*report.alarms, *report.notes))
    lines += _list(
        f"{c.name}: {c.kind}, {percent(c.missing, signed=False)} missing" for c in report.dataset.columns[:50]
    )
    lines += _section("How to run it again", ())
    lines += ["```sh", report.command, "```", "", *report.sentences["limits"]]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    machine, hardware = report.machine, report.plan.hardware
    lines += [
        "",
        *_list(
            (
                f"machine: {hardware.name + '; ' if hardware else ''}{machine.threads} threads, "
                f"{machine.memory_gb:.1f} GB free, {machine.accelerator or 'no accelerator'}",
                f"data {report.dataset.fingerprint}, splits {report.splits.fingerprint}, seed {report.splits.seed}",
                versions,
            )
        ),
    ]
    card = report.card
    lines += _section(f"Model card: {card.model}", [])
    named = ", ".join(f"{name} = {value}" for name, value in card.hyperparameters.items())
    learned = ", ".join(f"{name} = {value}" for name, value in card.learned.items())
    weights = f"{card.weights}; licence of the weights: {card.weights_licence}" if card.weights else ""
    about = {
        "what it is": f"{card.summary} ({card.rung} rung)",
        "hyperparameters": named or f"the defaults of {card.model}",
        "parameters learned": card.parameters,
        "found in training": learned,
        "started from": weights,
        "licence": card.licence,
    }
    lines += _list(f"{name}: {said}" for name, said in about.items() if said)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _mistake(e: Example) -> str:
    """One row it got wrong: what it is, what was said, and its text, file or cells."""
    sure = "" if e.sure is None else f" ({portion(e.sure)} sure)"
    cells = ", ".join(f"{name} = {value}" for name, value, *_ in e.pushes or e.cells)
    return f"row {e.row:,} is {e.true}, said {e.said}{sure}: {e.text or e.file or cells}"


def _list(sentences: Iterable[str]) -> list[str]:
    return [f"- {_plain(line)}" for line in sentences]


def _section(title: str, sentences: list[str] | tuple[str, ...]) -> list[str]:
    return ["", f"## {title}", "", *(part for line in sentences for part in (_plain(line), ""))]


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [heads, ("---",) * len(heads), *rows]
    return ["", *("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)]


def _plain(text: str) -> str:
    """A text that is no markup: names come from the data."""
    return re.sub(r"([|<>*_`\[\]\\])", r"\\\1", text).replace("\n", " ") if text != "---" else text


def find_browser() -> str:
    """The path of a browser that prints. Raises MissingPackage without one."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise MissingPackage(
            "a PDF is printed by Chromium or Chrome, and none is installed: install one (apt-get install chromium), "
            "or open the HTML page in any browser and print it"
        )
    return browser


def write_pdf(page: Path, out: Path) -> None:
    """Print the page with the browser found here. Raises MissingPackage without one, UserError where it fails."""
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="deepworth-", ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "report.pdf"
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer"]
        if getattr(os, "geteuid", lambda: 1)() == 0:  # a browser that root starts refuses to have a sandbox
            command.append("--no-sandbox")
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", page.absolute().as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise UserError(
                f"{browser} did not print the page within {PATIENCE:.0f} s; print {page} by hand"
            ) from error
        if not made.exists():
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise UserError(f"{browser} could not print the page ({last[0]}); open {page} and print it by hand")
        shutil.copyfile(made, out)
