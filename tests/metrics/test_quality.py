"""Calibration, confusion, slices and coverage: what they promise on data whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.metrics.quality import (
    FEWEST,
    conformal_intervals,
    conformal_sets,
    confusion,
    most_confused,
    reliability,
    row_losses,
    slices,
    wilson,
)
from deepworth.metrics.scores import METRICS
from deepworth.types import Task

BINARY = Task(kind="binary", target="y", classes=(0, 1), metric="auc")
SOME = Task(kind="multiclass", target="y", classes=(0, 1, 2), metric="accuracy")
NUMBER = Task(kind="regression", target="y", metric="rmse")


@given(rows=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_holds_the_share_and_stays_a_share(rows: int, share: float) -> None:
    hits = round(share * rows)
    low, high = wilson(hits, rows)
    assert 0 <= low <= hits / rows + 1e-12 and hits / rows - 1e-12 <= high <= 1
    assert wilson(0, 0) == (0, 1)


@given(rows=st.integers(1, 400), classes=st.integers(2, 4), seed=st.integers(0, 9), ties=st.booleans())
def test_bins_divide_the_rows(rows: int, classes: int, seed: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), rows)
    if ties:
        probabilities = np.full((rows, classes), 1 / classes)
    bins = reliability(random.integers(0, classes, rows), probabilities)
    assert sum(b.rows for b in bins) == rows
    assert [b.predicted for b in bins] == sorted(b.predicted for b in bins)
    assert all(b.low <= b.observed + 1e-9 and b.observed <= b.high + 1e-9 for b in bins)
    assert len(bins) == 1 if ties else len(bins) <= max(1, rows // FEWEST)


def test_no_rows_make_no_bins() -> None:
    assert reliability(np.empty(0, int), np.empty((0, 2))) == ()


def test_true_probabilities_lie_on_the_diagonal() -> None:
    random = np.random.default_rng(1)
    p = random.random(20_000)
    labels = (random.random(20_000) < p).astype(int)
    for b in reliability(labels, np.column_stack([1 - p, p])):
        assert abs(b.observed - b.predicted) < 0.04
    worse = reliability(labels, np.column_stack([1 - p**4, p**4]))
    assert any(not b.low <= b.predicted <= b.high for b in worse)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=80))
def test_confusion_counts_every_row_once(pairs: list[tuple[int, int]]) -> None:
    labels, said = np.array(pairs).T
    counts = confusion(labels, said, 4)
    assert counts.sum() == len(pairs) and np.trace(counts) == (labels == said).sum()
    found = most_confused(counts, 20)
    assert all(a != b and n == pairs.count((a, b)) for a, b, n in found)
    assert [n for *_, n in found] == sorted((n for *_, n in found), reverse=True)
    assert sum(n for *_, n in found) == (labels != said).sum()


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_loss_of_rows(name: str) -> None:
    random = np.random.default_rng(0)
    task = NUMBER if "regression" in METRICS[name].tasks else SOME
    labels = random.normal(size=50) if task is NUMBER else random.integers(0, 3, 50)
    predictions = random.normal(size=50) if task is NUMBER else random.dirichlet(np.ones(3), 50)
    loss, called = row_losses(name, task, labels, predictions)
    assert loss.shape == (50,) and (loss >= 0).all() and called


def test_a_slice_that_is_worse_is_found_and_no_other() -> None:
    random = np.random.default_rng(2)
    codes = np.repeat([0, 1, 2, -1], 200)
    other = random.random(800)
    winner = other + np.where(codes == 1, 0.2, -0.05) + 0.1 * random.normal(size=800)
    found = slices([("job", codes, ["a", "b", "c"]), ("same", codes, ["a", "b", "c"])], winner, other)
    assert [(s.column, s.value) for s in found] == [("job", "a"), ("job", "b"), ("job", "c")]  # the same rows once
    assert [s.worse for s in found] == [False, True, False]
    assert all(s.low <= s.difference <= s.high for s in found)
    assert not any(s.worse for s in slices([("job", codes, ["a", "b", "c"])], winner, None))


def test_small_slices_are_not_judged() -> None:
    codes = np.zeros(FEWEST - 1, int)
    assert slices([("a", codes, ["x"])], codes * 1.0, codes * 1.0) == ()


def test_a_difference_by_chance_is_seldom_a_warning() -> None:
    """With 30 slices looked at in each of 200 tables, at most a few tables warn: 2.5 % on the side that warns."""
    random = np.random.default_rng(3)
    warned = 0
    for _ in range(200):
        columns = [(str(c), random.integers(0, 3, 600), list("abc")) for c in range(10)]
        warned += any(s.worse for s in slices(columns, random.random(600), random.random(600)))
    assert warned <= 14


@given(classes=st.integers(2, 5), seed=st.integers(0, 20), sharp=st.floats(0, 4))
def test_sets_hold_the_truth_as_often_as_promised(classes: int, seed: int, sharp: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, 4000)
    scores = np.exp(sharp * np.eye(classes)[labels] + random.normal(size=(4000, classes)))
    p = scores / scores.sum(1, keepdims=True)
    found = conformal_sets(labels[:2000], p[:2000], labels[2000:], p[2000:])
    assert abs(found.measured - 0.9) < 0.04 and found.low <= found.measured <= found.high
    assert 0.8 <= found.size <= classes


def test_intervals_hold_the_truth_as_often_as_promised() -> None:
    random = np.random.default_rng(4)
    true, off = random.normal(size=4000), random.normal(size=4000)
    found = conformal_intervals(true[:2000], (true + off)[:2000], true[2000:], (true + off)[2000:])
    assert abs(found.measured - 0.9) < 0.03 and abs(found.size - 2 * 1.645) < 0.3
    late = conformal_intervals(true[:2000], (true + off)[:2000], true[2000:], (true + 3 * off)[2000:])
    assert late.high < 0.9  # and it says so where the test rows are others
