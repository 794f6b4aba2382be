"""The plan: order, skips with reasons, what the user asks for overrules the rules, and JSON there and back."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.errors import UserError
from deepworth.types import DEEP, RUNGS, Goals, Plan, Workload, dump, load
from tests.decide.made import ALL, CPU, PHOTOS, TABLE, TEXTS, plan


def test_every_rung_comes_before_the_second_model_of_any_but_the_classical() -> None:
    runs = [c for c in plan(TABLE, Goals(seconds=3600)).candidates if c.decision == "run"]
    first = {rung: next((i for i, c in enumerate(runs) if c.rung == rung), None) for rung in RUNGS}
    assert first["floor"] == 0
    assert first["classical"] == 1
    assert first["custom"] == 3
    assert len(runs) > 4


def test_every_skip_has_a_reason_and_every_run_an_estimate() -> None:
    for work in ALL:
        for candidate in plan(work, Goals(seconds=60)).candidates:
            assert candidate.decision == "run" or candidate.reason
            low, likely, high = (getattr(candidate.estimate.seconds, n) for n in ("low", "likely", "high"))
            assert 0 < low <= likely <= high


def test_small_media_get_no_network_from_scratch_unless_asked() -> None:
    def custom(goals: Goals) -> set[str]:
        return {c.decision for c in plan(PHOTOS, goals).candidates if c.rung == "custom"}

    assert custom(Goals(seconds=7200)) == {"skip"}
    assert custom(Goals(seconds=72_000, models=("image-resnet",))) == {"run"}
    assert "under-10k-media" in {rule.id for rule in plan(PHOTOS).rules}


def test_fine_tuning_on_a_cpu_runs_only_where_it_fits() -> None:
    def tuned(seconds: float) -> str:
        (found,) = (c for c in plan(PHOTOS, Goals(seconds=seconds)).candidates if c.rung == "tuned")
        return found.decision

    assert tuned(20) == "skip"
    assert tuned(100_000) == "run"


def test_unknown_and_unfit_models_are_answered() -> None:
    with pytest.raises(UserError, match="did you mean 'lightgbm'"):
        plan(TABLE, Goals(models=("lightgmb",)))
    with pytest.raises(UserError, match="no model for image data"):
        plan(PHOTOS, Goals(models=("lightgbm",)))


def test_only_the_rungs_asked_for() -> None:
    assert {c.rung for c in plan(TABLE, Goals(rungs=("floor", "classical"))).candidates} == {"floor", "classical"}


def test_a_small_memory_limit_skips_what_is_known_to_need_more() -> None:
    huge = replace(TABLE, train=100_000_000)
    skipped = [c for c in plan(huge, Goals(seconds=1e9, memory_gb=0.5)).candidates if c.decision == "skip"]
    assert any("GB of memory" in c.reason for c in skipped)


def test_a_gpu_by_name_makes_the_deep_rungs_faster_and_the_trees_not() -> None:
    here, there = plan(PHOTOS, Goals(seconds=1e6)), plan(PHOTOS, Goals(seconds=1e6, hardware="L4"))
    seconds = [{c.model: c.estimate.seconds.likely for c in made.candidates} for made in (here, there)]
    for candidate in here.candidates:
        if candidate.rung in DEEP:
            assert seconds[1][candidate.model] < seconds[0][candidate.model]
        else:
            assert seconds[1][candidate.model] == pytest.approx(seconds[0][candidate.model])


def test_a_card_too_small_for_a_network_is_said() -> None:
    old = replace(CPU, accelerator="cuda", accelerators=1, accelerator_gb=1.0)
    reasons = [c.reason for c in plan(PHOTOS, Goals(seconds=1e9), old).candidates]
    assert any("GB, GPU has 1" in reason for reason in reasons)


def test_unknown_hardware_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"'L44'.*L4"):
        plan(TABLE, Goals(hardware="L44"))


def test_the_machine_form_has_what_was_promised() -> None:
    import json

    made = plan(PHOTOS, Goals(hardware="T4"))
    document = json.loads(dump(made))
    assert {"answers", "rules", "evidence", "candidates", "hardware", "justification", "not_ready"} <= set(document)
    assert len(document["answers"]) == 4
    for candidate in document["candidates"]:
        assert {"model", "rung", "decision", "reason", "estimate"} <= set(candidate)
        for name in ("seconds", "peak_gb", "usd"):
            assert set(candidate["estimate"][name]) == {"low", "likely", "high"}
    assert load(Plan, dump(made)) == made


@settings(max_examples=30, deadline=None)
@given(
    work=st.sampled_from(ALL),
    train=st.integers(50, 3_000_000),
    seconds=st.floats(5, 1e6),
    weeks=st.none() | st.floats(0.1, 50),
    hardware=st.sampled_from(["auto", "none", "T4", "2x A100-SXM4-80GB", "RTX 3060"]),
)
def test_any_situation_has_a_plan_with_four_answers_and_a_paragraph(
    work: Workload, train: int, seconds: float, weeks: float | None, hardware: str
) -> None:
    made = plan(replace(work, train=train), Goals(seconds=seconds, weeks=weeks, hardware=hardware))
    assert [a.question for a in made.answers] == ["data", "amount", "hardware", "iterations"]
    assert all(a.because and a.changes is not None for a in made.answers)
    assert made.candidates[0].model == "prior"
    assert made.justification.count(". ") >= 3
    assert not made.not_ready
    assert "None" not in made.justification
    assert "nan" not in made.justification.lower().split()


def test_what_is_not_installed_here_is_estimated_all_the_same_and_no_matter_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deepworth.decide.candidates.missing", lambda spec: ("torch",) if "torch" in spec.needs else ())
    here = plan(PHOTOS, Goals(seconds=1e5))
    deep = [c for c in here.candidates if c.rung in ("frozen", "tuned")]
    assert {c.decision for c in deep} == {"skip"}
    assert all("pip install 'deepworth[deep]'" in c.reason and c.estimate.seconds.likely > 1 for c in deep)
    assert "are left out, since they need torch: pip install" in here.justification
    there = plan(PHOTOS, Goals(seconds=1e5, hardware="L4"))
    assert {c.decision for c in there.candidates if c.rung in ("frozen", "tuned")} == {"run"}


@pytest.mark.parametrize("goals", [Goals(), Goals(weeks=3.0)])
def test_a_kind_of_data_that_no_rule_knows_has_a_plan_too(goals: Goals) -> None:
    made = plan(replace(TEXTS, modality="graph"), goals)
    assert [answer.question for answer in made.answers] == ["data", "amount", "hardware", "iterations"]
    assert "6,920 training examples in 2 classes, 1,730 in the rarest." in made.answers[1].because


def test_more_memory_than_there_is_is_not_planned_with() -> None:
    made = plan(TABLE, Goals(memory_gb=100))
    assert "the memory limit of 100 GB is more than the 16.0 GB that are free here: the plan is made for these" in (
        made.notes
    )
    assert not any("memory limit" in note for note in plan(TABLE, Goals(memory_gb=8)).notes)
    huge = replace(TABLE, train=10**9)
    skipped = [c for c in plan(huge, Goals(seconds=1e12, memory_gb=10_000)).candidates if "GB of memory" in c.reason]
    assert skipped and all("the limit is 16.0 GB" in c.reason for c in skipped)


def test_skips_are_told_in_the_units_of_everything_else() -> None:
    late = [c.reason for c in plan(PHOTOS, Goals(seconds=120)).candidates if "the limit is" in c.reason]
    assert late and all(re.match(r"estimated ~[\d.]+ [smh] \[.*\], the limit is 2 minutes", reason) for reason in late)
