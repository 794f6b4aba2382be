"""The table of rules: whole, and firing where its conditions hold and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.decide.rules import fired, holds, hours, order, rules, thresholds
from deepworth.types import RUNGS, Goals, Rule, Workload
from tests.decide.made import ALL, CPU, PHOTOS, TABLE, TEXTS, situation


def test_every_rule_says_all_it_should() -> None:
    for rule in rules():
        assert rule.condition
        assert rule.effect
        assert rule.reason
        assert rule.source
        assert rule.reason == rule.reason.rstrip(".")
        assert not rule.order or set(rule.order) == set(RUNGS[1:])
    assert {r.question for r in rules()} == {"data", "amount", "hardware", "iterations"}
    assert sum(rule.id.startswith("scenario-") for rule in rules()) == 7


def test_conditions_are_on_facts_that_exist() -> None:
    known = set(situation(goals=Goals(weeks=1)).facts) | {"strings"}
    assert {name for rule in rules() for name in rule.when} <= known


def test_every_rule_can_fire() -> None:
    ordered = Workload(modality="tabular", task="regression", classes=0, train=50_000, valid=1, test=1, numbers=7)
    gpu = replace(CPU, accelerator="cuda", accelerators=1, accelerator_gb=6.0)
    seen: set[str] = set()
    for work in (*ALL, ordered):
        for train in (100, 5_000, 50_000, 200_000, 2_000_000):
            for weeks in (None, 1, 3, 12):
                for hardware in ("none", "T4", "A100", "2x T4"):
                    made = situation(replace(work, train=train), Goals(weeks=weeks, hardware=hardware))
                    seen |= {rule.id for rule in fired(made.facts)}
                    seen |= {rule.id for rule in fired(made.facts | {"series": True})}
    seen |= {rule.id for rule in fired(situation(PHOTOS, machine=gpu).facts)}
    for strings in ("molecules", "dna", "proteins"):
        seen |= {rule.id for rule in fired({"strings": strings})}
    assert seen == {rule.id for rule in rules()}


@given(train=st.integers(1, 10_000_000))
def test_exactly_one_size_rule_of_a_kind_holds(train: int) -> None:
    for work in (TABLE, TEXTS):
        ids = {rule.id for rule in fired(situation(replace(work, train=train)).facts)}
        sizes = {"under-10k", "10k-to-1m", "over-1m"}
        assert len([one for one in ids if one.rpartition("-")[0] in sizes]) == 1


@pytest.mark.parametrize(
    ("when", "facts", "holding"),
    [
        ({}, {}, True),
        ({"a": [1, 2]}, {"a": 2}, True),
        ({"a": [1, 2]}, {"a": 3}, False),
        ({"a": {"least": 2}}, {"a": 2}, True),
        ({"a": {"below": 2}}, {"a": 2}, False),
        ({"a": {"least": 1, "below": 2}, "b": [True]}, {"a": 1.5, "b": True}, True),
        ({"a": {"below": 2}}, {}, False),
    ],
)
def test_conditions(when: dict, facts: dict, holding: bool) -> None:
    rule = Rule(id="r", condition="c", effect="e", reason="r", source="s", when=when)
    assert holds(rule, facts) is holding


def test_the_last_order_and_hours_win() -> None:
    assert order(fired(situation(TEXTS).facts)) == ("floor", "classical", "frozen", "tuned", "custom")
    assert order(fired(situation(TABLE).facts))[2] == "custom"
    assert [hours(weeks) for weeks in (0.5, 1, 2, 4, 5, 30)] == [8, 8, 24, 24, 60, 60]


def test_thresholds_are_those_of_rules_that_could_fire() -> None:
    assert thresholds("train", situation(TEXTS).facts) == (10_000, 1_000_000)
    assert 200 in thresholds("train", situation(TABLE).facts)
