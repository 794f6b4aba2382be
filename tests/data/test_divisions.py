"""Folds and nested subsets: no row in two parts, groups whole, time respected, classes kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data.divisions import FOLDS, Division, Rows, folds, nested
from deepworth.data.split import make_splits
from deepworth.types import Task


@st.composite
def some_rows(draw, kind: str, least: int = 60) -> Rows:
    """Rows as `prepare` divides them: stratified or at random, by group or by time."""
    number, classes = draw(st.integers(least, 300)), draw(st.sampled_from([0, 2, 5]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    codes = random.integers(0, classes, number) if classes else random.standard_normal(number)
    units = draw(st.integers(12, 50))
    groups = random.integers(0, units, number) if kind == "group" else None
    times = random.integers(0, 8 * units, number) if kind == "time" else None
    task = Task(kind="multiclass" if classes else "regression", target="y", classes=tuple(range(classes)))
    splits = make_splits(codes, task, 0, groups=groups, times=times)
    part = np.zeros(number, np.int8)
    part[splits.valid], part[splits.test] = 1, 2
    table = np.sort(random.choice(3 * number, number, replace=False))
    return Rows(table=table, part=part, codes=codes, classes=classes, groups=groups, times=times)


kinds = st.sampled_from(["rows", "group", "time"]).flatmap(some_rows)


def check_parts(rows: Rows, one: Division) -> None:
    parts = [one.train, one.valid, one.test]
    whole = np.concatenate(parts)
    assert len(np.unique(whole)) == len(whole)
    assert all(len(part) for part in parts)
    if rows.groups is not None:
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert not np.intersect1d(rows.groups[parts[a]], rows.groups[parts[b]]).size


@given(kinds, st.integers(0, 3), st.integers(0, 9))
def test_no_row_is_in_two_parts_and_what_chose_the_models_is_never_tested_on(rows, repetition, seed):
    found = folds(rows, repetition, seed)
    for one in found:
        check_parts(rows, one)
        assert (rows.part[one.test] != 1).all()
    tested = np.concatenate([one.test for one in found] or [np.empty(0, int)])
    assert len(np.unique(tested)) == len(tested)
    assert len(found) in (0, FOLDS)
    again = folds(rows, repetition, seed)
    assert all(np.array_equal(a.test, b.test) and a.name == b.name for a, b in zip(found, again, strict=True))


@given(some_rows("rows"), st.integers(0, 9))
def test_every_row_but_those_of_validation_is_tested_on_once_and_classes_stay(rows, seed):
    found = folds(rows, 0, seed)
    tested = np.concatenate([one.test for one in found])
    sizes = [len(one.test) for one in found]
    counts = np.bincount(rows.codes[rows.part != 1], minlength=rows.classes) if rows.classes else np.array([])
    assert len(tested) == (rows.part != 1).sum() - (counts == 1).sum()
    assert max(sizes) - min(sizes) <= 1 + (counts == 1).sum()
    for one in found:
        np.testing.assert_array_equal(one.valid, np.flatnonzero(rows.part == 1))
        if rows.classes:
            here = np.bincount(rows.codes[one.test], minlength=rows.classes)
            assert (abs(here - counts / FOLDS) <= 1).all()
            assert (np.bincount(rows.codes[one.train], minlength=rows.classes)[counts > 0] > 0).all()
    assert not np.array_equal(found[0].test, folds(rows, 1, seed)[0].test)


@given(some_rows("group", least=120))
def test_groups_are_spread_over_the_folds(rows):
    found = folds(rows, 0, 0)
    pool = (rows.part != 1).sum()
    largest = np.bincount(rows.groups[rows.part != 1]).max()
    assert max(len(one.test) for one in found) <= pool / FOLDS + 2 * largest


@pytest.mark.parametrize(("names", "number"), [([0, 1, 3, 2, 4], 4), ([0, 0, 1, 2, 3], 3), ([0, 0, 1, 2, 0], 0)])
def test_few_groups_are_a_fold_each_and_two_of_them_none(names, number):
    part = np.repeat(np.array([0, 1, 2], np.int8), [60, 20, 20])
    groups = np.repeat(names, 20)
    rows = Rows(table=np.arange(100), part=part, codes=np.arange(100) % 2, classes=2, groups=groups)
    found = folds(rows, 0, 0)
    assert len(found) == number
    assert sorted(len(one.test) for one in found) == ([20] * 4 if number == 4 else [20, 20, 40] if number else [])
    assert folds(rows, 1, 0) == []


@given(some_rows("time"))
def test_the_past_predicts_the_next_block(rows):
    found = folds(rows, 0, 0)
    assert folds(rows, 1, 0) == []
    for one in found:
        seen = np.concatenate([one.train, one.valid])
        assert rows.times[seen].max() < rows.times[one.test].min()
        assert rows.times[one.train].max() <= rows.times[one.valid].min()
    for one, after in itertools.pairwise(found):
        assert rows.times[one.test].max() < rows.times[after.test].min()


def test_a_past_of_one_row_makes_no_folds():
    times = np.concatenate([[0], np.full(110, 1), np.repeat(np.arange(2, 12), 10)])
    part = np.zeros(len(times), np.int8)
    part[-60:-30], part[-30:] = 1, 2
    rows = Rows(table=np.arange(len(times)), part=part, codes=np.zeros(len(times)), classes=0, times=times)
    assert folds(rows, 0, 0) == []


def test_one_time_makes_no_folds():
    part = np.repeat(np.array([0, 1, 2], np.int8), [60, 20, 20])
    rows = Rows(table=np.arange(100), part=part, codes=np.arange(100) % 2, classes=2, times=np.repeat([0, 1], 50))
    assert folds(rows, 0, 0) == []


@given(kinds, st.integers(0, 9))
def test_each_subset_holds_the_smaller_ones(rows, seed):
    train = np.flatnonzero(rows.part == 0)
    sizes = tuple(len(train) // share for share in (8, 4, 2, 1))
    found = nested(rows, sizes, seed)
    np.testing.assert_array_equal(found[-1].train, train)
    for one, larger in itertools.pairwise(found):
        assert np.isin(one.train, larger.train).all()
        assert len(one.train) < len(larger.train)
    for one, size in zip(found, sizes, strict=False):
        check_parts(rows, one)
        np.testing.assert_array_equal(one.test, np.flatnonzero(rows.part == 2))
        np.testing.assert_array_equal(one.valid, np.flatnonzero(rows.part == 1))
        out = np.setdiff1d(train, one.train)
        if rows.groups is not None:
            assert not np.intersect1d(rows.groups[one.train], rows.groups[out]).size
        else:
            assert len(one.train) == max(size, len(np.unique(rows.codes[train])) if rows.classes else 0)
    if rows.classes:
        for one in found:
            assert np.array_equal(np.unique(rows.codes[one.train]), np.unique(rows.codes[train]))


@given(some_rows("rows"))
def test_subsets_keep_the_shares_of_the_classes_and_each_seed_draws_its_own(rows):
    train = np.flatnonzero(rows.part == 0)
    one, other = (nested(rows, (len(train) // 2,), seed)[0].train for seed in (0, 1))
    assert not np.array_equal(one, other)
    if rows.classes:
        counts = [np.bincount(rows.codes[some], minlength=rows.classes) for some in (one, train)]
        assert (abs(counts[0] - counts[1] / 2) <= rows.classes).all()
