"""The paragraph: for every kind of data, with and without a GPU; its numbers are those of the records."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from deepworth.types import Column, Concern, Goals, Workload
from deepworth.words import span
from tests.decide.made import ALL, CLIPS, PHOTOS, TABLE, TEXTS, plan

LEAK = Concern(id="leak", message="number0 alone predicts y", columns=("number0", "unread"))


@pytest.mark.parametrize("hardware", ["none", "T4"])
@pytest.mark.parametrize("work", ALL, ids=lambda work: work.modality)
def test_it_reads_as_sentences(work: Workload, hardware: str) -> None:
    said = plan(work, Goals(hardware=hardware, seconds=600)).justification
    assert said.startswith("The task is to predict y, one of ")
    assert said.endswith(".")
    said = re.sub(r"\[[^]]*\]", "[0]", said)  # intervals
    assert ".." not in said
    assert not re.search(r"  |\(\)|\[\]|, ,| \.|None|nan", said)
    for sentence in re.split(r"(?<=[a-z\])])\. ", said):
        assert sentence[0].isupper()


def test_without_a_gpu_nothing_is_rented_and_one_is_priced() -> None:
    said = plan(PHOTOS, Goals(seconds=120)).justification
    assert "no GPU is rented" in said
    assert re.search(r"Renting a T4 \(16 GB, \$0\.\d\d an hour\) would let image-tuned in for 0\.\d+ GPU-hours", said)
    assert "Boosted trees cannot read pixels" in said
    assert "EfficientNet-Lite0" in said


def test_with_a_gpu_hours_and_dollars_have_a_range_a_source_and_a_date() -> None:
    made = plan(TEXTS, Goals(hardware="T4", seconds=3600))
    assert re.search(
        r"On a T4 \(16 GB, .*\) the networks take 0\.\d+ GPU-hours \[0\.\d+\.\.0\.\d+\]", made.justification
    )
    assert re.search(r"\$0\.\d+ \[\$0(\.\d+)?\.\.\$0\.\d+\] \(AWS g4dn\.xlarge, 20\d\d\)", made.justification)


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
    said = plan(PHOTOS, Goals(worth=0.05, seconds=100_000)).justification
    assert "does not take at least 5.0% off the error" in said
    assert "nothing dearer (tuned) is bought" in said
    assert "It ends at the limit of 5 minutes" in plan(replace(TABLE, train=100)).justification


def test_shapes_that_are_not_read_yet_are_said() -> None:
    beside = (Column(name="caption", kind="text"), Column(name="rooms", kind="number"))
    made = plan(PHOTOS, beside=beside)
    assert made.concerns[0].id == "mixture"
    assert "The columns caption, rooms stand beside the image: no model here reads both yet." in made.justification
