"""Labels that were turned round are found where the classes are plain, and nothing is named where they are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import deepworth as dw
from deepworth.profile.noise import beside, suspects
from deepworth.profile.terms import terms_of, words_of

ROWS = 3_000


def noise(table: dict) -> list:
    return [c for c in dw.look(pa.table(table), target="y").profile.concerns if c.id == "label-noise"]


def turn(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which rows get another of three classes."""
    turned = rng.random(len(labels)) < share
    labels[turned] = (labels[turned] + rng.integers(1, 3, turned.sum())) % 3
    return turned


def made(how_plain: float, share: float) -> tuple[dict, np.ndarray]:
    """Three classes by two numbers and a category, as far apart as `how_plain`, and which labels were turned round."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, ROWS)
    columns = {
        "a": how_plain * (labels == 1) + rng.normal(size=ROWS),
        "b": how_plain * (labels == 2) + rng.normal(size=ROWS),
        "c": np.where(rng.random(ROWS) < how_plain / 12, labels, rng.integers(0, 3, ROWS)).astype(str),
    }
    turned = turn(labels, share, rng)
    return columns | {"y": np.array(["x", "y", "z"])[labels]}, turned


@pytest.mark.parametrize("share", [0.012, 0.02])
def test_turned_labels_of_a_table_are_found(share):
    table, turned = made(6.0, share)
    (concern,) = noise(table)
    assert concern.rows >= 0.3 * turned.sum() * 0.64  # of the training rows
    rows = [int(word.removeprefix("row ")) for word in concern.examples]
    assert turned[rows].mean() >= 0.8


@pytest.mark.parametrize(("how_plain", "share"), [(6.0, 0.0), (1.0, 0.0), (1.0, 0.02), (0.0, 0.0)])
def test_nothing_is_named_where_nothing_is_plain_or_turned(how_plain, share):
    assert noise(made(how_plain, share)[0]) == []


def test_a_class_that_is_merely_rare_is_not_taken_for_wrong_labels():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(ROWS) < 0.05, "rare", "common")
    assert noise({"a": rng.normal(size=ROWS), "b": rng.normal(size=ROWS) + (y == "rare"), "y": y}) == []


def test_turned_labels_of_texts_are_found():
    rng = np.random.default_rng(0)
    own = [[f"{topic}{i}" for i in range(60)] for topic in ("sea", "sky", "land")]
    shared = [f"word{i}" for i in range(400)]
    labels = rng.integers(0, 3, ROWS)
    texts = [" ".join([*rng.choice(shared, 12), *rng.choice(own[label], 4)]) for label in labels]
    turned = turn(labels, 0.03, rng)
    (concern,) = noise({"text": texts, "y": np.array(["x", "y", "z"])[labels]})
    rows = [int(word.removeprefix("row ")) for word in concern.examples]
    assert turned[rows].all() and concern.rows >= 0.4 * turned.sum() * 0.64


def test_a_judge_that_knows_all_finds_exactly_the_wrong_ones():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 2_000)
    labels = truth.copy()
    labels[:60] = (labels[:60] + 1) % 4
    said = np.eye(4, dtype=np.float32)[truth] + 0.01 * rng.normal(size=(2_000, 4)).astype(np.float32)
    found, share = suspects(lambda given: beside(said, given), labels, seed=0)
    assert set(found) <= set(range(60)) and len(found) > 50 and share > 0.8
    assert len(suspects(lambda given: beside(said, given), truth, seed=0)[0]) == 0


def test_words_and_pairs_of_a_text():
    values = pa.chunked_array([["A cat, a dog", None], ["the CAT a dog!"]])
    codes, lengths, num = words_of(values)
    assert num == len(set(codes.tolist())) and lengths[0] == lengths[2] == 4
    rows, terms = terms_of(values)
    both = set(terms[rows == 0]) & set(terms[rows == 2])
    assert len(both) == 5 and set(rows.tolist()) == {0, 2}  # a, cat, dog, "cat a" and "a dog"
