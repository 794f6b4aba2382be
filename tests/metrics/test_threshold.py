"""The threshold that is chosen is the best there is on the rows it was chosen on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from deepworth.errors import UserError
from deepworth.metrics.threshold import HALF, Rule, choose, cost, measures, parse, reaches

RULES = ("f1", "balanced_accuracy", "precision=0.8", "recall=0.7", "cost=1:5", "cost=3:1")
PROBABILITIES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0.0, 1.0))
ROWS = st.lists(st.tuples(st.integers(0, 1), PROBABILITIES), min_size=1, max_size=30)


def arrays(rows: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([label for label, _ in rows]), np.array([probability for _, probability in rows])


def worth(labels: np.ndarray, probabilities: np.ndarray, threshold: float, rule: Rule) -> tuple[float, ...]:
    """What the rule wants to be high, rounded, by the plain definitions."""
    found = measures(labels, probabilities, threshold)
    if rule.name in ("f1", "balanced_accuracy"):
        return (round(found[rule.name], 9),)
    if rule.name == "cost":
        return (round(-cost(labels, probabilities, threshold, rule), 9),)
    other = {"precision": "recall", "recall": "precision"}[rule.name]
    return (
        round(min(found[rule.name], rule.amounts[0]), 9), round(found[other], 9), round(found[rule.name], 9),
    )  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(ROWS, st.sampled_from(RULES))
def test_no_other_threshold_is_better_and_no_equal_one_that_was_looked_at_is_nearer_to_a_half(
    rows: list[tuple[int, float]], text: str
) -> None:
    labels, probabilities = arrays(rows)
    rule = parse(text)
    chosen = choose(labels, probabilities, rule)
    best = worth(labels, probabilities, chosen, rule)
    others = [0.0, 0.5, *probabilities, *np.nextafter(probabilities, 2.0)]
    assert all(worth(labels, probabilities, other, rule) <= best for other in others)
    if worth(labels, probabilities, HALF, rule) == best:
        assert chosen == HALF


@settings(deadline=None, max_examples=60)
@given(ROWS, PROBABILITIES)
def test_measures_are_those_of_scikit_learn(rows: list[tuple[int, float]], threshold: float) -> None:
    labels, probabilities = arrays(rows)
    said = (probabilities >= threshold).astype(int)
    found = measures(labels, probabilities, threshold)
    for name in ("precision", "recall", "f1"):
        assert found[name] == pytest.approx(getattr(sk, f"{name}_score")(labels, said, zero_division=0))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, said))
    if len(set(labels)) == 2:
        assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(labels, said))


def test_between_two_neighbours_their_middle() -> None:
    labels, probabilities = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    assert choose(labels, probabilities, Rule("f1")) == pytest.approx(0.25)


def test_of_two_equal_ones_the_one_nearer_to_a_half() -> None:
    labels, probabilities = np.array([1, 0, 0, 1]), np.array([0.1, 0.2, 0.6, 0.95])
    # everything or the last row only: both are right in half of each class
    assert choose(labels, probabilities, Rule("balanced_accuracy")) == pytest.approx(0.775)


def test_a_precision_that_cannot_be_had_is_told() -> None:
    labels, probabilities = np.array([0, 1, 0, 0]), np.array([0.2, 0.6, 0.8, 0.7])
    rule = parse("precision=0.9")
    found = measures(labels, probabilities, choose(labels, probabilities, rule))
    assert found["precision"] == pytest.approx(1 / 3)
    assert not reaches(found, rule)
    assert reaches(found, parse("recall=0.9"))


def test_dear_misses_lower_the_threshold() -> None:
    random = np.random.default_rng(0)
    probabilities = random.random(20_000)
    labels = (random.random(20_000) < probabilities).astype(int)
    for text, expected in (("cost=1:4", 0.2), ("cost=1:1", 0.5), ("cost=4:1", 0.8)):
        assert choose(labels, probabilities, parse(text)) == pytest.approx(expected, abs=0.06)


def test_no_rows_and_one_class_are_no_trouble() -> None:
    assert choose(np.array([]), np.array([]), Rule("f1")) == HALF
    assert choose(np.zeros(3, int), np.array([0.1, 0.2, 0.3]), Rule("f1")) == HALF
    assert choose(np.zeros(3, int), np.array([0.6, 0.7, 1.0]), Rule("cost", (1.0, 1.0))) > 1.0


@pytest.mark.parametrize("text", ["auc", "f1=0.5", "precision", "precision=90", "recall=0", "cost=1", "cost=a:b", ""])
def test_what_is_no_rule_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(UserError, match=r"precision=0\.9"):
        parse(text)


@pytest.mark.parametrize("text", [*RULES, "cost=0.5:20", "precision=1"])
def test_rules_are_read(text: str) -> None:
    assert parse(text).name == text.partition("=")[0]
