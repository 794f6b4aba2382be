"""The division of rows: whole, disjoint, repeatable, and honest about groups and time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deepworth.data.split import LEAST_ROWS, given_parts, group_codes, make_splits, time_codes
from deepworth.errors import UserError
from deepworth.types import Task


def task_of(codes: np.ndarray) -> Task:
    if codes.dtype == np.float64:
        return Task(kind="regression", target="y")
    num = int(codes.max()) + 1
    return Task(kind="binary" if num == 2 else "multiclass", target="y", classes=tuple(range(num)))


def check_whole(splits, num: int) -> None:
    parts = (splits.train, splits.valid, splits.test)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(num))
    for part in parts:
        assert part.dtype == np.int64
        assert len(part)
        assert np.array_equal(part, np.sort(part))


@st.composite
def class_codes(draw, most: int = 300) -> np.ndarray:
    counts = draw(st.lists(st.integers(3, most // 6), min_size=2, max_size=6))
    codes = np.repeat(np.arange(len(counts)), counts)
    assume(len(codes) >= LEAST_ROWS)
    return np.random.default_rng(draw(st.integers(0, 99))).permutation(codes)


@given(class_codes(), st.integers(0, 5))
def test_stratified_keeps_every_class_in_train_and_shares_near(codes, seed):
    splits = make_splits(codes, task_of(codes), seed)
    check_whole(splits, len(codes))
    num = codes.max() + 1
    counts = np.bincount(codes)
    assert (np.bincount(codes[splits.train], minlength=num) > 0).all()
    assert (abs(np.bincount(codes[splits.test], minlength=num) - 0.2 * counts) <= 1).all()
    assert abs(len(splits.valid) - 0.16 * len(codes)) <= 0.5 * num + 2
    again = make_splits(codes, task_of(codes), seed)
    assert np.array_equal(splits.test, again.test)
    assert np.array_equal(splits.valid, again.valid)


@given(st.integers(LEAST_ROWS, 500), st.integers(0, 5))
def test_random_for_amounts(num, seed):
    codes = np.random.default_rng(seed).normal(size=num)
    splits = make_splits(codes, task_of(codes), seed)
    check_whole(splits, num)
    assert splits.protocol == "random"
    assert len(splits.test) == round(0.2 * num)


@given(class_codes(), st.integers(2, 30), st.integers(0, 5))
@settings(deadline=None)
def test_groups_stay_whole(codes, num_groups, seed):
    groups = np.random.default_rng(seed).integers(0, num_groups, len(codes))
    assume(len(np.unique(groups)) >= 3)
    try:
        splits = make_splits(codes, task_of(codes), seed, groups=groups)
    except UserError as error:
        assert "single class" in str(error)
        return
    check_whole(splits, len(codes))
    assert splits.protocol == "group"
    parts = [set(groups[part]) for part in (splits.train, splits.valid, splits.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    if set(codes) - set(codes[splits.train]):
        assert any("no training row" in note for note in splits.notes)


@given(class_codes(), st.integers(2, 60), st.integers(0, 5), st.booleans())
def test_time_goes_from_past_to_future_and_ties_stay_together(codes, num_times, seed, amounts):
    times = np.random.default_rng(seed).integers(0, num_times, len(codes))
    assume(len(np.unique(times)) >= 3)
    values = codes.astype(np.float64) if amounts else codes
    try:
        splits = make_splits(values, task_of(values), seed, times=times)
    except UserError as error:
        assert "single class" in str(error)
        return
    check_whole(splits, len(codes))
    assert splits.protocol == "time"
    assert times[splits.train].max() < times[splits.valid].min()
    assert times[splits.valid].max() < times[splits.test].min()


@given(class_codes(), st.integers(0, 5))
def test_a_given_test_part_stays_and_validation_comes_from_train(codes, seed):
    rng = np.random.default_rng(seed)
    part = np.where(rng.random(len(codes)) < 0.3, 2, 0)
    assume((part == 2).any() and len(np.unique(codes[part == 0])) > 1)
    splits = make_splits(codes, task_of(codes), seed, given=part)
    check_whole(splits, len(codes))
    assert splits.protocol == "given"
    assert np.array_equal(splits.test, np.flatnonzero(part == 2))


def test_given_validation_and_groups_within_given_train():
    codes, groups = np.tile([0, 1], 100), np.repeat(np.arange(20), 10)
    part = np.where(groups >= 16, 2, np.where(groups >= 12, 1, 0))
    splits = make_splits(codes, task_of(codes), 0, given=part, groups=groups)
    assert np.array_equal(splits.valid, np.flatnonzero(part == 1))
    splits = make_splits(codes, task_of(codes), 0, given=np.where(part == 1, 0, part), groups=groups)
    assert not set(groups[splits.valid]) & set(groups[splits.train])
    assert splits.notes == ()


def test_given_parts_that_tear_groups_are_told():
    codes, groups = np.tile([0, 1], 50), np.repeat(np.arange(5), 20)
    splits = make_splits(codes, task_of(codes), 0, given=np.tile([0, 0, 0, 0, 2], 20), groups=groups)
    assert splits.notes == ("20 of 20 given test rows belong to groups that are also learned from",)


def test_a_given_split_without_test_rows_takes_them_from_train():
    codes = np.tile([0, 1], 50)
    part = np.repeat([0, 1], [80, 20])
    splits = make_splits(codes, task_of(codes), 0, given=part)
    assert np.array_equal(splits.valid, np.arange(80, 100))
    assert len(splits.test) == 16


def test_big_data_is_capped():
    codes = np.random.default_rng(0).integers(0, 3, 1_000_000)
    splits = make_splits(codes, task_of(codes), 0)
    assert abs(len(splits.test) - 100_000) <= 3
    assert abs(len(splits.valid) - 50_000) <= 3


def test_few_speakers_each_part_has_one_with_all_classes():
    codes, speakers = np.tile(np.arange(10), 300), np.repeat(np.arange(6), 500)
    splits = make_splits(codes, task_of(codes), 3, groups=speakers)
    assert [len(np.unique(speakers[p])) for p in (splits.train, splits.valid, splits.test)] == [4, 1, 1]
    assert splits.notes == ()


def test_a_class_of_one_group_stays_in_train():
    groups = np.repeat(np.arange(20), 10)
    codes = np.where(groups == 7, 2, np.tile([0, 1], 100))
    for seed in range(10):
        splits = make_splits(codes, task_of(codes), seed, groups=groups)
        assert 7 in groups[splits.train]


def test_two_groups_and_two_times_still_judge_on_the_unseen():
    codes, halves = np.tile([0, 1], 20), np.repeat([0, 1], 20)
    by_group = make_splits(codes, task_of(codes), 0, groups=halves)
    assert len(np.unique(halves[by_group.test])) == 1
    assert "at random" in by_group.notes[0]
    by_time = make_splits(codes, task_of(codes), 0, times=halves)
    assert np.array_equal(by_time.test, np.arange(20, 40))


@pytest.mark.parametrize(
    ("num", "how", "says"),
    [
        (LEAST_ROWS - 1, {}, "too few"),
        (20, {"groups": np.zeros(20, np.int64)}, "one group only"),
        (20, {"times": np.zeros(20, np.int64)}, "one value only"),
        (20, {"groups": np.arange(20), "times": np.arange(20)}, "not both"),
        (20, {"given": np.repeat([0, 2], [1, 19])}, "leaves 1 training rows"),
        (20, {"given": np.tile([0, 2], 10)}, "single class"),
    ],
)
def test_what_cannot_be_divided_is_refused(num, how, says):
    codes = np.tile([0, 1], 10)[:num]
    with pytest.raises(UserError, match=says):
        make_splits(codes, task_of(codes), 0, **how)


def test_words_of_a_split_column():
    words = pa.chunked_array([["Train", "dev"], ["test ", "validation"]])
    assert given_parts("part", words).tolist() == [0, 1, 2, 1]
    with pytest.raises(UserError, match="--group part"):
        given_parts("part", pa.chunked_array([["train", "3", None]]))
    with pytest.raises(UserError, match="no row as train"):
        given_parts("part", pa.chunked_array([["test"]]))


def test_groups_and_times_become_integers():
    assert group_codes(pa.chunked_array([["b", None], ["a", "b"]])).tolist() == [1, 0, 2, 1]
    dates = pa.chunked_array([["2024-05-01", None, "2023-12-31"], ["2024-05-01"]])
    assert time_codes("t", dates).tolist() == [1, -1, 0, 1]
    assert time_codes("t", pa.chunked_array([[2.5, float("nan"), -1.0]])).tolist() == [1, -1, 0]
    with pytest.raises(UserError, match="cannot be read as dates"):
        time_codes("t", pa.chunked_array([["soon", "later"]]))
    with pytest.raises(UserError, match="type bool"):
        time_codes("t", pa.chunked_array([[True]]))
