"""The paragraph: for every kind of data, with and without a GPU; its numbers are those of the records."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from deepworth.decide.limits import total
from deepworth.decide.plan import make_plan
from deepworth.types import Column, Concern, Goals, Workload
from deepworth.words import span
from tests.decide.made import ALL, CLIPS, CPU, PHOTOS, TABLE, TEXTS, plan, situation

LEAK = Concern(id="leak", message="number0 alone predicts y", columns=("number0", "unread"))


@pytest.mark.parametrize("hardware", ["none", "T4"])
@pytest.mark.parametrize("work", ALL, ids=lambda work: work.modality)
def test_it_reads_as_sentences(work: Workload, hardware: str) -> None:
    said = plan(work, Goals(hardware=hardware, seconds=600)).justification
    assert said.startswith(("Do not rent a GPU for this: ", "Begin without renting", "On a T4 (16 GB, $0."))
    assert " The task is to predict y, one of " in said
    assert not re.search("framework|[Rr]ule [a-z]+-", said), "a boss knows neither"
    assert said.endswith(".")
    said = re.sub(r"\[[^]]*\]", "[0]", said)  # intervals
    assert ".." not in said
    assert not re.search(r"  |\(\)|\[\]|, ,| \.|None|nan", said)
    for sentence in re.split(r"(?<=[a-z\])])\. ", said):
        assert sentence[0].isupper()


def test_without_a_gpu_nothing_is_rented_and_one_is_priced() -> None:
    said = plan(PHOTOS, Goals(seconds=120)).justification
    assert said.startswith("Begin without renting a GPU: on this machine (2 cores, no GPU) everything together takes ~")
    assert re.search(r"Renting a T4 \(16 GB, \$0\.\d\d an hour\) would let image-tuned in for 0\.\d+ GPU-hours", said)
    assert "Boosted trees cannot read pixels" in said
    assert "EfficientNet-Lite0" in said


def test_with_a_gpu_hours_and_dollars_have_a_range_a_source_and_a_date() -> None:
    made = plan(TEXTS, Goals(hardware="T4", seconds=3600))
    assert re.search(
        r"On a T4 \(16 GB, .*\) the networks take 0\.\d+ GPU-hours \[0\.\d+\.\.0\.\d+\]", made.justification
    )
    assert re.search(r"\$0\.\d+ \[\$0(\.\d+)?\.\.\$0\.\d+\] \(AWS g4dn\.xlarge, 20\d\d\)", made.justification)


def test_a_gpu_that_would_save_hours_is_not_advised_against() -> None:
    long = plan(replace(TEXTS, train=8000, chars=1272), Goals(seconds=36_000, weeks=1)).justification
    assert long.startswith("No GPU is needed for this, one would only save time: on this machine (2 cores, no GPU)")
    assert "would let no further model in; everything would take ~" in long


def test_what_the_named_gpu_is_needed_for() -> None:
    assert "Without a GPU the limit would leave out image-tuned" in plan(PHOTOS, Goals(hardware="T4")).justification
    only = plan(TABLE, Goals(hardware="T4", seconds=36_000)).justification
    assert re.search(r"Without a GPU the same would be tried, in ~[\d.]+ [smh] \[[^]]+\] on this machine\.", only)


def test_no_gpu_hours_where_no_network_runs() -> None:
    said = plan(TABLE, Goals(hardware="T4", rungs=("floor", "classical"))).justification
    assert said.startswith("On a T4 (16 GB") and "GPU-hours" not in said


def test_the_rule_of_thumb_that_published_results_speak_against_is_told_in_words() -> None:
    said = plan(replace(TABLE, train=3000)).justification
    assert "The rule of thumb (boosted trees are expected to win) is not borne out." in said


def test_numbers_are_those_of_the_candidates() -> None:
    made = plan(CLIPS, Goals(seconds=3600))
    frozen = next(c for c in made.candidates if c.rung == "frozen")
    assert f"({frozen.model}, {span(frozen.estimate.seconds)})" in made.justification
    assert "1,920 of them to learn from" in made.justification


def test_trees_can_do_tables_and_published_results_are_quoted() -> None:
    made = plan(TABLE)
    assert "Boosted trees can read such columns as they are" in made.justification
    assert made.evidence
    assert made.evidence[0].claim[1:] in made.justification


def test_what_must_be_settled_first() -> None:
    assert (
        "Before anything is spent, a suspected leak (number0) must be settled" in plan(concerns=(LEAK,)).justification
    )
    twice = Concern(id="duplicates", message="rows stand twice", rows=2)
    assert "must be settled" not in plan(concerns=(twice,)).justification
    assert "stand among the training rows too" in plan(concerns=(replace(twice, rows=2000),)).justification


def test_what_stops_it_early_names_the_least_useful_gain() -> None:
    said = plan(TABLE, Goals(worth=0.05, seconds=300)).justification
    assert "In any case linear, lightgbm and mlp are tried; xgboost" in said
    assert "than the price, 5.0% for the whole limit and in proportion for less" in said
    always = plan(PHOTOS, Goals(seconds=100_000)).justification
    assert "are tried. It ends early once" in always and "only if" not in always
    alone = plan(TABLE, Goals(rungs=("floor", "classical"))).justification
    assert alone.endswith("forest are tried; it ends at the limit of 5 minutes at the latest.")
    assert plan(TABLE, Goals(rungs=("floor",))).justification.endswith("It ends at the limit of 5 minutes.")
    assert "at the limit of 5 minutes at the latest." in plan(replace(TABLE, train=100)).justification


def test_no_regression_ends_for_being_faultless() -> None:
    number = replace(TABLE, task="regression", classes=0)
    said = plan(number, Goals(worth=0.05, seconds=300)).justification
    assert "makes no error" not in said
    assert "It ends early once no step is expected to pay for its seconds, and at the limit of 5 minutes" in said
    assert "makes no error on the validation rows" in plan(TABLE, Goals(worth=0.05, seconds=300)).justification
    always = plan(replace(PHOTOS, task="regression", classes=0), Goals(seconds=100_000)).justification
    assert "are tried; it ends at the limit of" in always


def test_how_the_texts_of_a_table_are_read() -> None:
    said = plan(replace(TABLE, texts=3, chars=200)).justification
    assert "Of the 3 texts beside the other columns every model here reads counted words only" in said
    assert "counted words only" not in plan(TABLE).justification + plan(TEXTS).justification


def test_the_bill_ends_at_the_limit_and_says_what_is_cut() -> None:
    made = plan(replace(TABLE, train=3_000_000), Goals(seconds=300))
    uncut = total(c for c in made.candidates if c.decision == "run")
    assert uncut.likely > 300
    assert "everything together takes ~5 m [" in made.justification
    assert f"The limit of 5 minutes ends it: uncut it would take {span(uncut)}, so the longest (" in made.justification
    assert " likely cut short or left out." in made.justification
    assert "cut short" not in plan(TABLE, Goals(seconds=36_000)).justification


def test_rented_hours_end_at_the_limit_too() -> None:
    made = plan(replace(TABLE, train=3_000_000), Goals(seconds=300, hardware="T4"))
    hours = re.search(r"the networks take \S+ GPU-hours \[\S+\.\.(\S+)\]", made.justification)
    assert hours and float(hours[1]) <= 300 / 3600 + 0.001


def test_what_cannot_be_done_properly_comes_first_and_its_advice_is_withheld() -> None:
    smiles = Column(name="smiles", kind="text")
    made = situation(TEXTS)
    dataset = replace(made.dataset, columns=(smiles,), features=("smiles",))
    said = make_plan(dataset, made.splits, made.profile, TEXTS, CPU, Goals(seconds=600))
    assert said.justification.startswith("deepworth cannot do this properly yet. The column smiles holds molecules")
    assert "English" not in said.justification and "Boosted trees" not in said.justification
    assert said.answers[0].answer == "unsure"
    assert not {"text-family", "scenario-text"} & {rule.id for rule in said.rules}
    order = Concern(id="time", message="the rows are in the order of day", columns=("day",))
    series = plan(replace(TABLE, task="regression", classes=0), concerns=(order,)).justification
    assert series.startswith("deepworth cannot do this properly yet. The rows are a series over day")
    assert "Boosted trees can" not in series
    assert "forecasting tasks" in series
    assert series.count("rule of thumb") <= 1


def test_what_weakens_the_evidence_is_said_with_it() -> None:
    grouped = plan(TABLE, concerns=(Concern(id="group", message="rows belong together", columns=("who",)),))
    assert "Not for rows that follow each other in time or belong to groups" in grouped.justification
    assert "TabICLv2" in grouped.justification
    assert "On the same sets an untuned open foundation model" in grouped.justification
    assert "no such model is built in" in grouped.justification
    photos = plan(PHOTOS).justification
    assert "No published comparison with trees or features made by hand is at hand. On 20 image tasks" in photos


def test_shapes_that_are_not_read_yet_are_said() -> None:
    beside = (Column(name="caption", kind="text"), Column(name="rooms", kind="number"))
    made = plan(PHOTOS, beside=beside)
    assert made.concerns[0].id == "mixture"
    assert "The columns caption, rooms stand beside the image: no model here reads both yet." in made.justification
