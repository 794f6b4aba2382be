"""What the report says, as one record made from a run folder; the page, Markdown and JSON are views of it."""

from __future__ import annotations

import datetime as dt
import platform
import time

import msgspec

from deepworth.report import findings, sentences, words
from deepworth.report.explain import Explained, explain
from deepworth.report.origin import Card, command, model_card
from deepworth.report.prices import cost_sentences, price_sentences
from deepworth.report.quality import Quality, Rows, compared, judged_rows, look
from deepworth.store import RunFolder
from deepworth.types import (
    SHALLOW,
    Dataset,
    Machine,
    Plan,
    Profile,
    Splits,
    TrialResult,
    Verdict,
    record,
)


@record
class Report:
    """Everything the report says. Sentences with numbers are under `sentences`, by section."""

    made: str
    folder: str
    verdict: Verdict
    dataset: Dataset
    splits: Splits
    profile: Profile
    plan: Plan
    machine: Machine
    command: str
    versions: dict[str, str]
    task: str
    trials: tuple[TrialResult, ...]  # those that are done, as one wants to read them
    others: tuple[TrialResult, ...]  # not done, or with a remark
    card: Card
    compared_with: str = ""
    quality: Quality | None = None
    explained: Explained = msgspec.field(default_factory=Explained)
    sentences: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    alarms: tuple[str, ...] = ()  # what to look at before a score is believed
    notes: tuple[str, ...] = ()  # what was found and decided while opening and dividing
    left_out: tuple[str, ...] = ()


def gather(run: RunFolder, seconds: float = 0.0) -> tuple[Report, Rows | None]:
    """The report on a run, and the test rows it looked at. `seconds` may be spent on running the winner again."""
    until = time.monotonic() + seconds
    verdict, dataset, plan, splits = run.verdict, run.dataset, run.plan, run.splits
    claim = run.claimed
    assert claim.machine is not None  # a run with a verdict was planned for one
    trials = tuple(t for t in words.by_rung(verdict) if t.status == "done")
    winner = next(t for t in trials if t.key == verdict.winner)
    other = compared(verdict)
    rows = judged_rows(run)
    quality = None if rows is None else look(rows, verdict.metric.name)
    found = Explained() if rows is None else explain(run, rows, until)
    notes = tuple(dict.fromkeys((*dataset.notes, *splits.notes)))
    manifest = run.trial(winner.key) / "model" / "model.json"
    made_by = msgspec.json.decode(manifest.read_bytes()) if manifest.exists() else {}
    said = _of_the_run(verdict, plan, trials, winner, other)
    if quality is not None:
        said |= _of_the_model(winner, other, dataset, quality, found)
    if chosen := verdict.thresholds.get(winner.key):
        said["threshold"] = (findings.threshold(winner.model, chosen),)
    report = Report(
        made=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        folder=str(run.path.resolve()),
        verdict=verdict,
        dataset=dataset,
        splits=splits,
        profile=run.profile,
        plan=plan,
        machine=claim.machine,
        command=command(claim.source, claim.options, claim.goals),
        versions={"python": platform.python_version(), **made_by.get("versions", {})},
        task=words.task_sentence(dataset),
        trials=trials,
        others=tuple(t for t in words.by_rung(verdict) if t.reason),
        card=model_card(run, winner, made_by.get("licence", "")),
        compared_with=other.model if other else "",
        quality=quality,
        explained=found,
        sentences=said,
        alarms=tuple(line for line in verdict.warnings if line not in notes),
        notes=notes,
        left_out=tuple(f"{c.name} ({c.kind})" for c in dataset.columns if c.name not in dataset.features),
    )
    return report, rows


def _of_the_run(
    verdict: Verdict,
    plan: Plan,
    trials: tuple[TrialResult, ...],
    winner: TrialResult,
    other: TrialResult | None,
) -> dict[str, tuple[str, ...]]:
    scored = [t for t in trials if verdict.metric.name in t.test]
    made: dict[str, tuple[str, ...]] = {
        "verdict": (verdict.sentence,),
        "answers": tuple(
            f"{rung}: {verdict.answers[rung].verdict}. {' '.join(lines)}"
            for rung, lines in sentences.answers(verdict).items()
        ),
        "curve": sentences.curve(verdict),
        "ladder": (sentences.ladder(scored, verdict.metric),) if scored else (),
        "estimates": tuple(filter(None, [sentences.estimates(plan, trials)])),
        "limits": (sentences.limits(verdict),),
        "expected": sentences.expected(plan, verdict),
    }
    if other is not None and other.rung != "floor":  # nobody asks what the floor costs
        pair = (winner, other) if winner.rung in SHALLOW else (other, winner)
        gain = verdict.gain if verdict.gain and verdict.gain.base == pair[0].key else None  # else over another one
        made["price"] = price_sentences(*pair, gain, verdict.prices)
        if costs := cost_sentences(*pair, verdict.prices):
            made["costs"] = costs
    return made


def _of_the_model(
    winner: TrialResult, other: TrialResult | None, dataset: Dataset, quality: Quality, found: Explained
) -> dict[str, tuple[str, ...]]:
    made = {"slices": findings.slices(quality, winner.model, other.model if other else None)}
    if quality.curve and "ece" in winner.test:
        made["calibration"] = (findings.calibration(winner, quality),)
    if quality.mistakes is not None:
        made["mistakes"] = (findings.mistakes(quality.mistakes, quality.rows),)
    if quality.coverage is not None:
        promised = findings.coverage(quality.coverage, dataset.task.target, dataset.task.is_classification)
        made["coverage"] = (promised,)
    if found.shap is not None:
        made["shap"] = (findings.shap(found.shap),)
    if found.drivers:
        made["drivers"] = (findings.drivers(found.drivers, quality.loss),)
    return made
