"""The winner run again within what time is left: what drives it, on the whole and in single rows."""

from __future__ import annotations

import math
import shlex
import time

import numpy as np

from deepworth.climb.model import Model
from deepworth.errors import DeepworthError
from deepworth.report.drivers import Driver, explained, importance
from deepworth.report.examples import Example, shown, surest, worst
from deepworth.report.quality import Rows
from deepworth.report.shapley import Shap, pushed, shap
from deepworth.store import RunFolder
from deepworth.types import SHALLOW, TrialResult, Verdict, record

# Seconds that must be left, those of them that are kept for writing the page, and what is taken at most. A network
# loads its library first, 2 to 8 s.
SHALLOW_LEFT, SHALLOW_KEPT, SHALLOW_MOST = 3.0, 1.5, 4.0
DEEP_LEFT, DEEP_KEPT, DEEP_MOST = 10.0, 4.0, 20.0
MEMORY = 0.5  # of the limit that a network may hold in this process


@record
class Explained:
    """What drives the winner, and its mistakes with what drove them; `why_not` where it was not looked at."""

    examples: tuple[Example, ...] = ()  # mistakes, the worst first
    typical: tuple[Example, ...] = ()  # rows it gets right and is sure of, with what speaks for the answer
    drivers: tuple[Driver, ...] = ()
    shap: Shap | None = None
    why_not: str = ""


def explain(run: RunFolder, rows: Rows, until: float) -> Explained:
    """Look at the winner until `until` (`time.monotonic()`); where that is past, its mistakes only."""
    verdict, dataset = run.verdict, run.dataset
    positions = worst(rows)
    plain = Explained(examples=shown(rows, positions))
    if time.monotonic() >= until:
        return Explained(examples=plain.examples, why_not=_late(run))
    try:
        model = Model(run.trial(verdict.winner) / "model")
        _ = model.learner
    except DeepworthError as error:  # a package is missing, or the model is: the report is whole without it
        return Explained(examples=plain.examples, why_not=f"It was not looked at: {error}.")
    if dataset.modality == "tabular":
        return _of_a_table(run, model, rows, positions, until)
    if not dataset.task.is_classification:
        return plain
    examples = explained(model, rows, positions, plain.examples, until)
    sure = surest(rows)
    typical = explained(model, rows, sure, shown(rows, sure), until)
    seen = [e for e in (*examples, *typical) if e.heat or e.pieces]
    return Explained(
        examples=examples, typical=tuple(e for e in typical if e in seen), why_not="" if seen else _late(run)
    )


def _late(run: RunFolder, what: str = "what drives it") -> str:
    again = f"deepworth report {shlex.quote(str(run.path.resolve()))}"
    return f"Too little time was left to find {what}; this does: {again}"


def _of_a_table(run: RunFolder, model: Model, rows: Rows, positions: np.ndarray, until: float) -> Explained:
    start = time.monotonic()
    examples = shown(rows, positions)
    examples = pushed(model, rows, positions, examples)
    found = shap(model, rows, start + 0.4 * (until - start))
    moving = [one.column for one in found.shares if one.column in rows.test.dataset.features] if found else []
    drivers = importance(model, rows, run.verdict.metric.name, until, moving)
    if not any(e.pushes for e in examples):
        examples = shown(rows, positions, [d.column for d in drivers if d.low > 0])
    late = "" if drivers else _late(run, "how much worse it is without a column") if found else _late(run)
    return Explained(examples=examples, drivers=drivers, shap=found, why_not=late)


def spare_seconds(verdict: Verdict) -> float:
    """What the report at the end of a fit may spend on running the winner again: some of the time that was not used.

    A network loads its library into this process first, so much more must be left for it, of the memory too.
    """
    winner = next((t for t in verdict.trials if t.key == verdict.winner), None)
    if winner is None:
        return 0.0
    left = verdict.limits["seconds"] - verdict.limits.get("seconds_used", math.inf)
    if winner.rung in SHALLOW:
        return min(SHALLOW_MOST, left - SHALLOW_KEPT) if left > SHALLOW_LEFT else 0.0
    fits = _held_gb(winner) < MEMORY * verdict.limits["memory_gb"]
    return min(DEEP_MOST, left - DEEP_KEPT) if left > DEEP_LEFT and fits else 0.0


def _held_gb(trial: TrialResult) -> float:
    return trial.predict_gb or trial.peak_gb
