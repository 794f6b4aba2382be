"""Published results as they are quoted: counts, intervals, the nearest sets, and what speaks against a rule."""

from __future__ import annotations

import math
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.decide.evidence import ENOUGH, HANDFUL, evidence_for, median_interval, published, wilson
from deepworth.decide.experience import experience_for, published_steps
from deepworth.decide.rules import fired
from deepworth.decide.stop import NOTHING_PUBLISHED
from deepworth.types import Evidence, TaskKind, Workload, dump, load

MODALITIES = ("tabular", "text", "image", "audio", "forecasting", "sequences", "molecules")


def work(modality: str = "tabular", task: TaskKind = "binary", rows: int = 5000, classes: int = 2) -> Workload:
    train = round(0.6 * rows)
    rest = rows - train
    return Workload(modality=modality, task=task, classes=classes, train=train, valid=rest // 2, test=rest - rest // 2)


def by_id(found: tuple[Evidence, ...]) -> dict[str, Evidence]:
    return {item.id: item for item in found}


@pytest.mark.parametrize("protocol", ["stratified", "random", "given", "time", "group"])
@pytest.mark.parametrize("modality", MODALITIES)
def test_every_answer_is_whole(modality: str, protocol: str) -> None:
    found = evidence_for(work(modality, "multiclass", classes=5), protocol)
    assert found
    for item in found:
        assert item.sets >= 1
        assert 0 <= item.share_low <= item.share <= item.share_high <= 1
        assert item.gain_low <= item.gain <= item.gain_high < 1
        assert item.where in item.claim and item.challenger in item.claim and item.base in item.claim
        assert not item.claim.endswith(".") and item.source
        assert load(Evidence, dump(item)) == item
    assert evidence_for(work(modality, "multiclass", classes=5), protocol) == found, "the same answer each time"


def test_a_count_can_be_made_again_from_the_table() -> None:
    rows = [row for row in published("pairs.csv") if row["comparison"] == "tabarena-foundation"]
    mine = [row for row in rows if int(row["rows"]) < 10_000 and row["task"] == "classification"]
    wins = sum(float(row["challenger"]) < float(row["base"]) for row in mine)
    item = by_id(evidence_for(work(), "stratified"))["tabarena-foundation"]
    assert (item.sets, item.share) == (len(mine), wins / len(mine))
    assert f"beat {item.base} on {wins}" in item.claim


def test_few_sets_of_a_size_are_widened_and_said() -> None:
    for item in evidence_for(work(rows=3_000_000), "random"):
        assert "of all sizes (none of 1,000,000 rows or more)" in item.where
        assert item.sets >= ENOUGH
    text = by_id(evidence_for(work("text", rows=60_000), "random"))["lexglue-tuned"]
    assert "of all sizes (only 3 of 10,000 to 1,000,000 rows)" in text.where


def test_the_sizes_are_told_apart() -> None:
    small, large = (by_id(evidence_for(work(rows=rows), "random"))["talent-net"] for rows in (5000, 100_000))
    assert "under 10,000 rows" in small.where
    assert "10,000 to 1,000,000 rows" in large.where
    assert small.gain != large.gain


def test_time_and_groups_come_before_random_splits() -> None:
    ordered = evidence_for(work(task="regression", rows=50_000), "time")
    assert ordered[0].id == "tabred-net"
    forecasts = {"fev-net-boosting", "fev-foundation-boosting"}
    assert not forecasts & set(by_id(ordered)), "events in the order of time are no series"
    assert forecasts <= set(by_id(evidence_for(work(task="regression", rows=50_000), "time", series=True)))
    for protocol in ("time", "group"):
        random_split = by_id(evidence_for(work(rows=50_000), protocol))["tabarena-net"]
        assert "Not for rows that follow each other in time" in random_split.note
    assert "tabred-net" not in by_id(evidence_for(work(rows=50_000), "random"))
    assert experience_for("tabular", "time") is NOTHING_PUBLISHED
    assert experience_for("text", "random") is NOTHING_PUBLISHED
    assert experience_for("tabular", "stratified").sets == len(published_steps("tabarena"))


def test_rule_and_evidence_that_disagree_are_both_said() -> None:
    facts = {"modality": "tabular", "train": 3000, "series": False}
    rules = fired(facts)
    assert "scenario-small-table" in {rule.id for rule in rules}
    found = by_id(evidence_for(work(), "stratified", rules))
    against = "Rule scenario-small-table says otherwise: boosted trees are expected to win."
    assert found["tabarena-foundation"].share_low > 0.5
    assert against in found["tabarena-foundation"].note
    assert found["talent-net"].share_low < 0.5 < found["talent-net"].share_high
    assert "Rule scenario-small-table is not borne out" in found["talent-net"].note
    assert "Rule" not in by_id(evidence_for(work(), "stratified"))["talent-net"].note, "only rules that fired"


def test_a_rule_that_the_sets_support_has_no_objection() -> None:
    facts = {"modality": "tabular", "train": 40_000, "series": False}
    found = by_id(evidence_for(work(rows=60_000), "random", fired(facts)))["tabzilla-net"]
    assert found.share_high < 0.5
    assert "Rule" not in found.note


def test_a_handful_of_sets_contradicts_nothing() -> None:
    for item in evidence_for(work("audio", "multiclass"), "given", fired({"modality": "audio", "train": 1200})):
        assert item.sets >= HANDFUL or "Rule" not in item.note


def test_images_are_compared_at_the_shots_there_are() -> None:
    few = evidence_for(work("image", "multiclass", rows=300, classes=10), "given")
    many = evidence_for(work("image", "multiclass", rows=50_000, classes=10), "given")
    assert [item.id for item in few] == ["clip-10"]
    assert [item.id for item in many] == ["clip-all"]
    assert many[0].share > few[0].share


def test_nothing_published_is_nothing_said() -> None:
    assert evidence_for(work("video"), "random") == ()
    assert evidence_for(work("text", "regression"), "random") == ()


def test_no_set_is_counted_twice_and_no_table_is_large() -> None:
    seen: set[tuple[str, str, str]] = set()
    for row in published("pairs.csv"):
        key = (row["comparison"], row["dataset"], row["task"])
        assert key not in seen, key
        seen.add(key)
    folder = resources.files("deepworth.decide").joinpath("tables")
    assert sum(len(file.read_bytes()) for file in folder.iterdir() if file.is_file()) < 300_000


@given(sets=st.integers(1, 300), data=st.data())
def test_wilson_bounds_are_the_shares_that_could_just_have_given_it(sets: int, data: st.DataObject) -> None:
    wins = data.draw(st.integers(0, 2 * sets)) / 2
    low, high = wilson(wins, sets)
    for bound in (low, high):
        if 0 < bound < 1:
            distance = abs(wins / sets - bound)
            assert distance == pytest.approx(1.6449 * math.sqrt(bound * (1 - bound) / sets), abs=1e-9)
    assert low <= wins / sets <= high


@given(values=st.lists(st.floats(-5, 0.999), min_size=1, max_size=60))
def test_the_interval_of_a_median_holds_it(values: list[float]) -> None:
    middle, low, high = median_interval(values)
    assert min(values) <= low <= middle <= high <= max(values)


def test_ties_and_single_sets_and_wild_losses_are_said_in_words() -> None:
    tied = by_id(evidence_for(work(rows=60_000), "random"))["tabzilla-net"].claim
    assert "tie" in tied and "counted as half" in tied and ".5 (" not in tied
    alone = by_id(evidence_for(work("audio", "multiclass"), "given"))["esc50-frozen"].claim
    assert ", by +" in alone and "median" not in alone
    wild = by_id(evidence_for(work("molecules"), "random"))["fastprop-graph"]
    assert wild.gain_low < -1 and "[under -100.." in wild.claim


def test_comparisons_with_trees_lead() -> None:
    for modality in ("tabular", "audio", "molecules", "sequences", "text"):
        first = evidence_for(work(modality, "multiclass", classes=5), "given")[0]
        assert any(word in first.base for word in ("trees", "forest", "SVM", "CatBoost", "ROCKET"))
