"""The paragraph: for every kind of data, with and without a GPU; its numbers are those of the records."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace

import pytest

from deepworth.decide.limits import total
from deepworth.decide.plan import make_plan
from deepworth.types import Column, Concern, Goals, Roles, Workload
from deepworth.words import span
from tests.decide.made import ALL, CLIPS, CPU, PHOTOS, TABLE, TEXTS, plan, situation

LEAK = Concern(id="leak", message="number0 alone predicts y", columns=("number0", "unread"))


@pytest.mark.parametrize("hardware", ["none", "T4"])
@pytest.mark.parametrize("work", ALL, ids=lambda work: work.modality)
def test_it_reads_as_sentences(work: Workload, hardware: str) -> None:
    said = plan(work, Goals(hardware=hardware, seconds=600)).justification
    assert said.startswith(("Do not rent a GPU: ", "Begin without renting a GPU: ", "On a T4 (16 GB, $0."))
    assert re.search(r" The task is y \(\d+ classes\) from ", said)
    assert not re.search("framework|[Rr]ule [a-z]+-", said), "a boss knows neither"
    assert said.endswith(".")
    assert len(textwrap.wrap(said, 80)) <= 13
    said = re.sub(r"\[[^]]*\]", "[0]", said)  # intervals
    assert ".." not in said
    assert not re.search(r"  |\(\)|\[\]|, ,| \.|None|nan", said)
    for sentence in re.split(r"(?<=[a-z\])])\. ", said):
        assert sentence[0].isupper()


def test_without_a_gpu_nothing_is_rented_and_one_is_priced() -> None:
    said = plan(PHOTOS, Goals(seconds=120)).justification
    assert said.startswith("Begin without renting a GPU: everything takes ~")
    assert re.search(r" on 2 cores here\. A T4 would let image-tuned in, for 0\.\d+ GPU-hours \[", said)
    assert "Trees cannot read pixels, only features made by hand, which set the mark in ~" in said
    assert "EfficientNet-Lite0" in said


def test_with_a_gpu_hours_and_dollars_have_a_range_a_source_and_a_date() -> None:
    said = plan(TEXTS, Goals(hardware="T4", seconds=3600)).justification
    assert re.search(
        r"On a T4 \(16 GB, .*\) the networks take 0\.\d+ GPU-hours \[0\.\d+\.\.0\.\d+\], everything ~", said
    )
    assert re.search(r"\$0\.\d+ \[\$0(\.\d+)?\.\.\$0\.\d+\] \(AWS g4dn\.xlarge, 20\d\d\)", said)


def test_a_gpu_that_would_save_hours_is_not_advised_against() -> None:
    long = plan(replace(TEXTS, train=8000, chars=1272), Goals(seconds=36_000, weeks=1)).justification
    assert long.startswith("No GPU is needed, one would only save time: everything takes ~")
    assert re.search(
        r"would let no further model in and only save time: everything in ~.*, for \S+ GPU-hours \[\S+\] and \$", long
    )


def test_what_the_named_gpu_is_needed_for() -> None:
    assert "Without a GPU the limit would leave out image-tuned" in plan(PHOTOS, Goals(hardware="T4")).justification
    only = plan(TABLE, Goals(hardware="T4", seconds=36_000)).justification
    assert re.search(r"Without one the same would be tried, in ~[\d.]+ [smh] \[[^]]+\] on this machine\.", only)


def test_no_gpu_hours_where_no_network_runs() -> None:
    said = plan(TABLE, Goals(hardware="T4", rungs=("floor", "classical"))).justification
    assert said.startswith("On a T4 (16 GB") and "GPU-hours" not in said


def test_the_rule_of_thumb_that_published_results_speak_against_is_told_in_words() -> None:
    said = plan(replace(TABLE, train=3000)).justification
    assert "; the rule of thumb (boosted trees) is not borne out" in said


def test_numbers_are_those_of_the_candidates() -> None:
    made = plan(CLIPS, Goals(seconds=3600))
    frozen = total(c for c in made.candidates if c.rung == "frozen" and c.decision == "run")
    assert f"making features takes {span(frozen)}" in made.justification
    assert "1,920 recordings to learn from" in made.justification


def test_trees_can_do_tables_and_published_results_are_quoted() -> None:
    made = plan(TABLE)
    assert "Trees read these as they are and set the mark in ~" in made.justification
    first = made.evidence[0]
    assert f" published tables for classification, {first.challenger} beat {first.base} on {first.share:.0%} [" in (
        made.justification
    )


def test_what_must_be_settled_first() -> None:
    assert "First settle a suspected leak (number0), else no score counts." in plan(concerns=(LEAK,)).justification
    twice = Concern(id="duplicates", message="rows stand twice", rows=2)
    assert "First settle" not in plan(concerns=(twice,)).justification
    assert "test rows found in training too" in plan(concerns=(replace(twice, rows=2000),)).justification


def test_what_stops_it_early_names_the_least_useful_gain() -> None:
    said = plan(TABLE, Goals(worth=0.05, seconds=300)).justification
    assert said.endswith(
        "It ends at 5 minutes, or once one side is faultless on validation rows or xgboost, forest and tabm "
        "promise less than 5.0% off the error per 5 minutes."
    )
    always = plan(PHOTOS, Goals(seconds=100_000)).justification
    assert "faultless" in always and "promise" not in always
    for rungs in (("floor", "classical"), ("floor",)):
        assert plan(TABLE, Goals(rungs=rungs)).justification.endswith("It ends at the limit of 5 minutes.")


def test_no_regression_ends_for_being_faultless() -> None:
    number = replace(TABLE, task="regression", classes=0)
    said = plan(number, Goals(worth=0.05, seconds=300)).justification
    assert "faultless" not in said
    assert "It ends at 5 minutes, or once xgboost, forest and tabm promise less than 5.0%" in said
    always = plan(replace(PHOTOS, task="regression", classes=0), Goals(seconds=100_000)).justification
    assert always.endswith("It ends at 100000 seconds.")


def test_how_the_texts_of_a_table_are_read() -> None:
    said = plan(replace(TABLE, texts=3, chars=200)).justification
    assert "Its 3 texts are read as counted words only." in said
    assert "counted words only" not in plan(TABLE).justification + plan(TEXTS).justification


def test_the_bill_ends_at_the_limit_and_says_what_it_would_be_without() -> None:
    made = plan(replace(TABLE, train=3_000_000), Goals(seconds=300))
    uncut = total(c for c in made.candidates if c.decision == "run")
    assert uncut.likely > 300
    assert "everything takes ~5 m [" in made.justification
    assert f"] ({span(uncut)} without the limit) and " in made.justification
    assert "without the limit" not in plan(TABLE, Goals(seconds=36_000)).justification


def test_rented_hours_end_at_the_limit_too() -> None:
    made = plan(replace(TABLE, train=3_000_000), Goals(seconds=300, hardware="T4"))
    hours = re.search(r"the networks take \S+ GPU-hours \[\S+\.\.(\S+)\]", made.justification)
    assert hours and float(hours[1]) <= 300 / 3600 + 0.001


def test_what_cannot_be_done_properly_comes_first_and_its_advice_is_withheld() -> None:
    smiles = Column(name="smiles", kind="text")
    made = situation(TEXTS)
    dataset = replace(made.dataset, columns=(smiles,), features=("smiles",))
    said = make_plan(dataset, made.splits, made.profile, TEXTS, CPU, Goals(seconds=600))
    assert said.justification.startswith("deepworth cannot do this properly yet: the column smiles holds molecules")
    assert "English" not in said.justification and "Trees" not in said.justification
    assert said.answers[0].answer == "unsure"
    assert not {"text-family", "scenario-text"} & {rule.id for rule in said.rules}
    order = Concern(id="time", message="the rows are in the order of day", columns=("day",))
    series = plan(replace(TABLE, task="regression", classes=0), concerns=(order,)).justification
    assert series.startswith("deepworth cannot do this properly yet: the rows are a series over day")
    assert "Trees" not in series
    assert "forecasting tasks" in series
    assert series.count("rule of thumb") <= 1


def test_what_weakens_the_evidence_is_said_with_it() -> None:
    grouped = plan(TABLE, concerns=(Concern(id="group", message="rows belong together", columns=("who",)),))
    assert (
        "(divided at random, unlike these); an untuned open foundation model (TabICLv2) did on "
        in grouped.justification
    )
    later = plan(TABLE, roles=Roles(time="day"), protocol="time").justification
    assert "split by time, the best tuned network beat" in later
    assert "tables (divided at random, unlike these) an untuned open foundation model (TabICLv2) did on " in later
    photos = plan(PHOTOS).justification
    assert (
        "On 20 published image tasks, a frozen CLIP" in photos
        and "no published comparison with trees is at hand" in photos
    )


def test_shapes_that_are_not_read_yet_are_said() -> None:
    beside = (Column(name="caption", kind="text"), Column(name="rooms", kind="number"))
    made = plan(PHOTOS, beside=beside)
    assert made.concerns[0].id == "mixture"
    assert "The columns caption, rooms stand beside the image: no model here reads both yet." in made.justification
