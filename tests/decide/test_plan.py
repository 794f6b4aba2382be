"""The plan: order, skips with reasons, and what the user asks for overrules the rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepworth.decide.plan import make_plan
from deepworth.errors import UserError
from deepworth.types import RUNGS, Goals, Machine, Workload

CPU = Machine(threads=2, memory_gb=16, gflops=60)
TABLE = Workload(
    modality="tabular", task="binary", classes=2, train=30_000, valid=5000, test=5000, numbers=10, categories=5
)
PHOTOS = Workload(modality="image", task="multiclass", classes=6, train=1600, valid=400, test=500, pixels=120 * 160)


def test_every_rung_comes_before_the_second_model_of_any_but_the_classical() -> None:
    runs = [c for c in make_plan(TABLE, CPU, Goals()).candidates if c.decision == "run"]
    first = {rung: next((i for i, c in enumerate(runs) if c.rung == rung), None) for rung in RUNGS}
    assert first["floor"] == 0
    assert first["classical"] == 1
    assert first["custom"] == 3
    assert len(runs) > 4


def test_every_skip_has_a_reason_and_every_run_an_estimate() -> None:
    for work in (TABLE, PHOTOS):
        for candidate in make_plan(work, CPU, Goals(seconds=60)).candidates:
            assert candidate.decision == "run" or candidate.reason
            low, likely, high = (getattr(candidate.estimate.seconds, n) for n in ("low", "likely", "high"))
            assert 0 <= low <= likely <= high


def test_small_media_get_no_network_from_scratch_unless_asked() -> None:
    def custom(goals: Goals) -> set[str]:
        return {c.decision for c in make_plan(PHOTOS, CPU, goals).candidates if c.rung == "custom"}

    assert custom(Goals(seconds=7200)) == {"skip"}
    assert custom(Goals(seconds=72_000, models=("image-resnet",))) == {"run"}
    assert "media-small" in {rule.id for rule in make_plan(PHOTOS, CPU, Goals()).rules}


def test_fine_tuning_on_a_cpu_runs_only_where_it_fits() -> None:
    def tuned(seconds: float) -> str:
        (found,) = (c for c in make_plan(PHOTOS, CPU, Goals(seconds=seconds)).candidates if c.rung == "tuned")
        return found.decision

    assert tuned(20) == "skip"
    assert tuned(100_000) == "run"


def test_unknown_and_unfit_models_are_answered() -> None:
    with pytest.raises(UserError, match="did you mean 'lightgbm'"):
        make_plan(TABLE, CPU, Goals(models=("lightgmb",)))
    with pytest.raises(UserError, match="no model for image data"):
        make_plan(PHOTOS, CPU, Goals(models=("lightgbm",)))


def test_only_the_rungs_asked_for() -> None:
    plan = make_plan(TABLE, CPU, Goals(rungs=("floor", "classical")))
    assert {c.rung for c in plan.candidates} == {"floor", "classical"}


def test_a_small_memory_limit_skips_what_is_known_to_need_more() -> None:
    huge = replace(TABLE, train=100_000_000)
    skipped = [c for c in make_plan(huge, CPU, Goals(seconds=1e9, memory_gb=0.5)).candidates if c.decision == "skip"]
    assert any("GB of memory" in c.reason for c in skipped)
