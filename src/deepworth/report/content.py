"""What the report says, as one record made from a run folder; the page, Markdown and JSON are views of it."""

from __future__ import annotations

import datetime as dt
import math
import platform
import shlex
import time
from typing import Any

import msgspec

from deepworth.climb.model import Model
from deepworth.cost.money import kwh
from deepworth.errors import DeepworthError
from deepworth.registry import specs
from deepworth.report import sentences, words
from deepworth.report.drivers import Driver, explained, importance
from deepworth.report.examples import Example, shown, worst
from deepworth.report.quality import Quality, Rows, compared, judged_rows, look
from deepworth.store import RunFolder
from deepworth.types import (
    SHALLOW,
    Dataset,
    Goals,
    Machine,
    Plan,
    Profile,
    Range,
    SourceOptions,
    Splits,
    TrialResult,
    Verdict,
    record,
)

LEAST_LEFT = 8.0  # seconds: reading a model back may load a library first
KIND_FLAGS = {"datetime": "--date", "id": "--id"}


@record
class Card:
    """The model to use: what it is, what it was made from, and under which licences."""

    model: str
    key: str
    rung: str
    summary: str
    licence: str
    weights: str = ""
    weights_licence: str = ""
    trained_on: tuple[str, ...] = ()
    hyperparameters: dict[str, Any] = msgspec.field(default_factory=dict)
    learned: dict[str, Any] = msgspec.field(default_factory=dict)  # what training found: rounds, epochs, sizes


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
    examples: tuple[Example, ...] = ()
    drivers: tuple[Driver, ...] = ()
    sentences: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    energy: dict[str, str] = msgspec.field(default_factory=dict)  # kWh to train, by trial key


def gather(run: RunFolder, seconds: float = 0.0) -> tuple[Report, Rows | None]:
    """The report on a run, and the test rows it looked at. `seconds` may be spent on running the winner again."""
    until = time.monotonic() + seconds
    verdict, dataset, plan = run.verdict, run.dataset, run.plan
    about = msgspec.json.decode((run.path / "run.json").read_bytes())
    goals = msgspec.convert(about["goals"], Goals)
    trials = tuple(t for t in words.by_rung(verdict) if t.status == "done")
    winner = next(t for t in trials if t.key == verdict.winner)
    other = compared(verdict)
    rows = judged_rows(run)
    quality: Quality | None = None
    examples: tuple[Example, ...] = ()
    drivers: tuple[Driver, ...] = ()
    not_found = ""
    if rows is not None:
        quality = look(rows, verdict.metric.name)
        positions = worst(rows)
        if seconds > 0:
            try:
                drivers = _drivers(run, rows, until)
            except DeepworthError as error:  # a package is missing, or the model is: the report is whole without it
                not_found = f"What drives {winner.model} was not looked at: {error}."
        examples = shown(rows, positions, [d.column for d in drivers if d.low > 0])
        if seconds > 0 and not not_found and dataset.modality != "tabular" and dataset.task.is_classification:
            examples = explained(Model(run.trial(winner.key) / "model"), rows, positions, examples, until)
    manifest = run.trial(winner.key) / "model" / "model.json"
    made_by = msgspec.json.decode(manifest.read_bytes()) if manifest.exists() else {}
    report = Report(
        made=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        folder=str(run.path),
        verdict=verdict,
        dataset=dataset,
        splits=run.splits,
        profile=run.profile,
        plan=plan,
        machine=msgspec.convert(about["machine"], Machine),
        command=command(about["source"], msgspec.convert(about["options"], SourceOptions), goals),
        versions={"python": platform.python_version(), **made_by.get("versions", {})},
        task=words.task_sentence(dataset),
        trials=trials,
        others=tuple(t for t in words.by_rung(verdict) if t.reason),
        card=_card(run, winner, made_by.get("licence", "")),
        compared_with=other.model if other else "",
        quality=quality,
        examples=examples,
        drivers=drivers,
        sentences=_sentences(verdict, plan, trials, winner, other, dataset, quality, drivers, not_found),
        energy=_energy(plan, trials),
        left_out=tuple(f"{c.name} ({c.kind})" for c in dataset.columns if c.name not in dataset.features),
    )
    return report, rows


def _drivers(run: RunFolder, rows: Rows, until: float) -> tuple[Driver, ...]:
    """What drives the winner on a table. Raises DeepworthError where it cannot be loaded."""
    model = Model(run.trial(run.verdict.winner) / "model")
    _ = model.learner
    tabular = rows.test.dataset.modality == "tabular"
    return importance(model, rows, run.verdict.metric.name, until) if tabular else ()


def spare_seconds(verdict: Verdict) -> float:
    """What the report at the end of a fit may spend on running the winner again: some of the time that was not used.

    Only for a shallow winner, which is read back in milliseconds; a network would first load its library.
    """
    winner = next((t for t in verdict.trials if t.key == verdict.winner), None)
    if winner is None or winner.rung not in SHALLOW:
        return 0.0
    left = verdict.limits["seconds"] - verdict.limits.get("seconds_used", math.inf)
    return min(3.0, 0.3 * left) if left > LEAST_LEFT else 0.0


def command(source: str, options: SourceOptions, goals: Goals) -> str:
    """The command line that makes the run again."""
    said: list[tuple[str, Any]] = [
        ("--target", options.target),
        ("--task", options.task),
        ("--group", options.group),
        ("--time-column", options.time),
        ("--split", options.split),
        ("--modality", options.modality),
        *((KIND_FLAGS.get(kind, f"--{kind}"), name) for name, kind in options.kinds.items()),
        *(("--ignore", name) for name in options.ignore),
        ("--time", f"{goals.seconds:g}s"),
        ("--memory", goals.memory_gb and f"{goals.memory_gb:g}GB"),
        ("--metric", goals.metric),
        ("--rungs", ",".join(goals.rungs) if goals.rungs != Goals().rungs else None),
        ("--models", ",".join(goals.models) or None),
        ("--weights", goals.weights),
        ("--worth", f"{goals.worth:g}" if goals.worth != Goals().worth else None),
        ("--jobs", goals.jobs if goals.jobs != 1 else None),
        ("--seed", goals.seed),
    ]
    words_ = ["deepworth", "fit", source]
    for flag, value in said:
        if value is not None:
            words_ += [flag, str(value)]
    return shlex.join(words_)


def _energy(plan: Plan, trials: tuple[TrialResult, ...]) -> dict[str, str]:
    """kWh of each trial by the watts that the plan assumed; empty where it assumed none."""
    if plan.hardware is None or plan.hardware.watts is None:
        return {}
    made = {t.key: kwh(Range.around(t.seconds, 1.0), plan.hardware.watts) for t in trials}
    return {key: f"{e.likely:.2g} kWh [{e.low:.2g} .. {e.high:.2g}]" for key, e in made.items()}


def _card(run: RunFolder, winner: TrialResult, licence: str) -> Card:
    spec = specs("models").get(winner.model)
    name = str(winner.notes.get("weights") or winner.notes.get("network") or (spec.weights if spec else ""))
    weights = specs("weights").get(name)
    trial = run.trial(winner.key) / "trial.json"
    return Card(
        model=winner.model,
        key=winner.key,
        rung=winner.rung,
        summary=spec.summary if spec else "",
        licence=licence,
        weights=(weights.summary if weights else name),
        weights_licence=(weights.licence if weights else licence) if name else "",
        trained_on=weights.trained_on if weights else (),
        hyperparameters=msgspec.json.decode(trial.read_bytes())["params"] if trial.exists() else {},
        learned=dict(winner.notes),
    )


def _sentences(
    verdict: Verdict,
    plan: Plan,
    trials: tuple[TrialResult, ...],
    winner: TrialResult,
    other: TrialResult | None,
    dataset: Dataset,
    quality: Quality | None,
    drivers: tuple[Driver, ...],
    not_found: str,
) -> dict[str, tuple[str, ...]]:
    scored = [t for t in trials if verdict.metric.name in t.test]
    made: dict[str, tuple[str, ...]] = {
        "verdict": (verdict.sentence,),
        "gains": sentences.gains(verdict),
        "ladder": (sentences.ladder(scored, verdict.metric),) if scored else (),
        "estimates": tuple(filter(None, [sentences.estimates(plan, trials)])),
        "limits": (sentences.limits(verdict),),
        "expected": sentences.expected(plan, verdict),
    }
    if other is not None:
        pair = (winner, other) if winner.rung in SHALLOW else (other, winner)
        made["price"] = sentences.price(*pair, verdict.gain)
    if quality is not None:
        made["slices"] = sentences.slices(quality, winner.model, other.model if other else None)
        if quality.curve and "ece" in winner.test:
            made["calibration"] = (sentences.calibration(winner, quality),)
        if quality.mistakes is not None:
            made["mistakes"] = (sentences.mistakes(quality.mistakes, quality.rows),)
        if quality.coverage is not None:
            promised = sentences.coverage(quality.coverage, dataset.task.target, dataset.task.is_classification)
            made["coverage"] = (promised,)
        if drivers:
            made["drivers"] = (sentences.drivers(drivers, quality.loss),)
        elif not_found:
            made["drivers"] = (not_found,)
    return made
