"""A climb ends a step when it cannot pay; both sides and every rung are tried first, and what was named always runs."""

from __future__ import annotations

import pytest

from deepworth.climb.stopping import seen_enough
from deepworth.decide.phrases import joined
from deepworth.metrics.scores import METRICS
from deepworth.types import Candidate, Dataset, Estimate, Goals, Range, Rung, Splits, Task, TrialResult, Workload
from tests.decide.made import PHOTOS, TABLE, TEXTS, plan

TASK = Task(kind="binary", target="y", classes=("a", "b"), metric="auc")
DATA = Dataset(
    name="d", source="d.csv", reader="csv", modality="tabular", task=TASK, rows=9, columns=(), features=(),
    fingerprint="", table="",
)  # fmt: skip
SPLITS = Splits(protocol="stratified", seed=0, train=20_000, valid=5_000, test=5_000, fingerprint="")


def candidate(model: str, rung: Rung, seconds: float) -> Candidate:
    return Candidate(
        model=model, rung=rung, estimate=Estimate(seconds=Range.around(seconds), peak_gb=Range.around(1), basis="")
    )


def done(model: str, rung: Rung, auc: float) -> TrialResult:
    return TrialResult(key=model, model=model, rung=rung, status="done", valid={"auc": auc}, seconds=5.0)


def reason(step: Candidate, results: list[TrialResult], goals: Goals | None = None) -> str:
    return seen_enough(step, results, DATA, SPLITS, goals or Goals(seconds=300, worth=0.01), METRICS["auc"])


BOTH = [done("lightgbm", "classical", 0.93), done("mlp", "custom", 0.92)]


def test_a_cheap_step_is_taken_and_one_that_costs_too_much_is_not() -> None:
    assert reason(candidate("xgboost", "classical", 5), BOTH) == ""
    told = reason(candidate("forest", "classical", 30_000), BOTH)
    assert "no step pays" in told and "forest" in told and "lightgbm" in told


@pytest.mark.parametrize("results", [[], BOTH[:1], BOTH[1:], [done("prior", "floor", 0.5)]])
def test_both_sides_are_tried_first(results: list[TrialResult]) -> None:
    assert reason(candidate("forest", "classical", 30_000), results) == ""


def test_every_rung_is_tried_once() -> None:
    assert reason(candidate("text-tuned", "tuned", 30_000), BOTH) == ""


def test_what_is_named_is_run() -> None:
    goals = Goals(seconds=300, worth=0.01, models=("forest",))
    assert reason(candidate("forest", "classical", 30_000), BOTH, goals) == ""


def test_a_perfect_score_ends_the_climb() -> None:
    results = [done("lightgbm", "classical", 1.0), done("mlp", "custom", 0.99)]
    assert "perfect" in reason(candidate("tabm", "custom", 1), results)


@pytest.mark.parametrize("work", [TABLE, TEXTS, PHOTOS], ids=lambda work: work.modality)
@pytest.mark.parametrize("goals", [Goals(seconds=3600), Goals(seconds=3600, models=("forest", "mlp", "lightgbm"))])
def test_the_plan_says_what_the_climb_does(work: Workload, goals: Goals) -> None:
    """When every step costs too much, the climb tries what the paragraph says is tried in any case, and no more."""
    if goals.models and work is not TABLE:
        pytest.skip("these models are for tables")
    made = plan(work, goals)
    results: list[TrialResult] = []
    left_out = []
    for step in (c for c in made.candidates if c.decision == "run" and c.rung != "floor"):
        if reason(candidate(step.model, step.rung, 1e9), results, goals):
            left_out.append(step.model)
        else:
            results.append(done(step.model, step.rung, 0.9))
    assert results
    if left_out:
        assert f"or {joined(left_out)} promise" in made.justification
    else:
        assert "promise" not in made.justification
