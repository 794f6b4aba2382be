"""What is made again, in which order, and what it is expected to take."""

from __future__ import annotations

import pytest

from deepworth.climb.again import FEW_GROUPS, FEW_ROWS, HERE, Block, Costs, Place, Step, blocks, says_little
from deepworth.climb.sides import Sides
from deepworth.types import Rung, TrialResult

TRAIN = 1000


def trial(model: str, rung: Rung = "custom", seconds: float = 10.0, **notes: object) -> TrialResult:
    return TrialResult(key=f"{model}-1", model=model, rung=rung, status="done", seconds=seconds, notes=notes)


TREES, NET, PROBE = trial("trees", "classical"), trial("net"), trial("probe", "frozen")
SIDES = Sides(base=TREES, rungs={"frozen": PROBE, "tuned": None, "custom": NET}, challenger=NET)
FOLDS = [[Place(folder=f"divisions/fold-{5 * r + k}", rows=900) for k in range(5)] for r in range(2)]
SUBSETS = [[Place(folder=f"divisions/size-{n}-{rows}", rows=rows) for rows in (125, 250, 500)] for n in range(3)]


def names(found: list[Block]) -> list[str]:
    return [block.name for block in found]


def test_on_many_test_rows_the_seeds_of_the_deep_come_first_the_challenger_before_the_others() -> None:
    found = blocks(SIDES, TRAIN, [], SUBSETS)
    assert names(found) == ["2 more seeds of net", "2 more seeds of probe", "a learning curve of trees and net"]
    assert [(step.of, step.number, step.folder) for step in found[0].steps] == [(NET, 1, HERE), (NET, 2, HERE)]


def test_on_few_test_rows_folds_of_both_sides_come_first() -> None:
    found = blocks(SIDES, TRAIN, FOLDS, SUBSETS)
    assert names(found) == [
        "5 folds of trees and net",
        "5 folds of trees and probe",
        "5 more folds of trees and net",
        "5 more folds of trees and probe",
        "a learning curve of trees and net",
    ]
    assert {(step.of.key, step.number) for step in found[0].steps} == {
        (t.key, n) for t in (TREES, NET) for n in range(5)
    }
    assert [step.number for step in found[2].steps] == [5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    assert found[0].instead == blocks(SIDES, TRAIN, [], SUBSETS)[0]
    assert found[2].instead is None


def test_few_test_rows_say_little_and_so_do_few_groups() -> None:
    assert says_little(FEW_ROWS - 1, None)
    assert not says_little(FEW_ROWS, None)
    assert says_little(10 * FEW_ROWS, FEW_GROUPS - 1)
    assert not says_little(FEW_ROWS, FEW_GROUPS)


def test_without_two_sides_there_is_nothing_to_make_again() -> None:
    assert blocks(Sides(base=TREES, rungs={}, challenger=None), TRAIN, FOLDS, SUBSETS) == []
    assert blocks(Sides(base=None, rungs={"custom": NET}, challenger=NET), TRAIN, FOLDS, SUBSETS) == []


def test_a_learning_curve_has_all_sizes_of_all_draws_and_shares_its_largest_with_the_seeds() -> None:
    curve = blocks(SIDES, TRAIN, [], SUBSETS)[-1]
    assert len({step.fit for step in curve.steps}) == len(curve.steps) == 3 * 4 * 2
    seeds = blocks(SIDES, TRAIN, [], SUBSETS)[0]
    made = {step.fit: 1 for step in seeds.steps} | {(NET.key, HERE, 0): 1, (TREES.key, HERE, 0): 1}
    costs = Costs(TRAIN)
    assert costs.of(curve, {}) - costs.of(curve, made) == pytest.approx(3 * 10 + 10)


def test_which_one_it_is_can_be_said() -> None:
    seeds, curve = blocks(SIDES, TRAIN, [], SUBSETS)[0], blocks(SIDES, TRAIN, [], SUBSETS)[-1]
    folds = blocks(SIDES, TRAIN, FOLDS, SUBSETS)[0]
    assert [seeds.which(step) for step in seeds.steps] == ["seed 2 of 3", "seed 3 of 3"]
    assert folds.which(folds.steps[4]) == "fold 3 of 5"
    assert curve.which(curve.steps[0]) == "125 rows, draw 1 of 3"


def test_what_a_step_takes_is_learned_from_those_before_it() -> None:
    costs = Costs(TRAIN)
    whole, half = (Step(of=NET, purpose="seed", number=1, rows=rows) for rows in (TRAIN, TRAIN // 2))
    assert costs.expected(whole) == 10
    assert 5 < costs.expected(half) < 10
    costs.learn(whole, 20.0)
    assert costs.expected(whole) == pytest.approx(20)
    assert costs.expected(Step(of=TREES, purpose="seed", number=1, rows=TRAIN)) == 10


def test_a_fit_that_the_clock_cut_fills_its_time_again_and_kept_features_save_it() -> None:
    costs = Costs(TRAIN)
    assert costs.expected(Step(of=trial("cut", cut="epochs"), purpose="size", number=1, rows=125)) == 10
    assert costs.expected(Step(of=trial("kept", cache="there"), purpose="seed", number=1, rows=TRAIN)) < 5
