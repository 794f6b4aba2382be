"""Hashed TF-IDF against scikit-learn's, and its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from deepworth.modalities import _ngrams
from deepworth.modalities._ngrams import TfIdf, hashed_counts

TEXTS = ["The cat sat on the mat.", "the dog sat", "", "Élan vital, naïve café cat", "a", "cat cat cat mat"]


def _sizes(counts: np.ndarray) -> list[list[float]]:
    return [sorted(row[row > 0].tolist()) for row in counts]


@pytest.mark.parametrize("unit", ["words", "chars"])
def test_counts_are_those_of_scikit_learn(unit: _ngrams.Unit) -> None:
    """Up to the names of the columns: the multiset of counts of each row is the same."""
    if unit == "words":
        theirs = CountVectorizer(ngram_range=(1, 2), token_pattern=r"[^\W_]+")
    else:
        theirs = CountVectorizer(analyzer="char", ngram_range=(2, 5), tokenizer=None)
        theirs.build_analyzer = lambda: _grams_within_words  # type: ignore[method-assign]
    expected = theirs.fit_transform(TEXTS).toarray()
    found = hashed_counts(TEXTS, unit)
    assert _sizes(found.toarray()) == _sizes(expected)
    np.testing.assert_array_equal(found.T.tocsr().sum(axis=1).A1[found.sum(axis=0).A1 > 0].size, expected.shape[1])


def _grams_within_words(text: str) -> list[str]:
    padded = " " + " ".join(text.lower().split()) + " "
    grams = [padded[i : i + n] for n in range(2, 6) for i in range(len(padded) - n + 1)]
    return [gram for gram in grams if " " not in gram[1:-1]]


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=8), st.sampled_from(["words", "chars"]))
def test_a_row_depends_on_its_text_alone(texts: list[str], unit: _ngrams.Unit) -> None:
    together = hashed_counts(texts, unit)
    for i, text in enumerate(texts):
        assert (together[i] != hashed_counts([text], unit)).nnz == 0


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TfIdf("chars").fit(TEXTS).transform(TEXTS)
    monkeypatch.setattr(_ngrams, "CHUNK", 10)
    parts = TfIdf("chars").fit(TEXTS).transform(TEXTS)
    assert abs(whole - parts).max() < 1e-6


def test_rows_have_unit_length_and_the_limit_holds() -> None:
    weights = TfIdf("words", limit=3).fit(TEXTS).transform(TEXTS)
    assert weights.shape == (len(TEXTS), 3)
    lengths = np.sqrt(weights.multiply(weights).sum(axis=1)).A1
    assert set(np.round(lengths, 5)) <= {0.0, 1.0}
    assert TfIdf("words").fit(["", ""]).transform(["never seen", ""]).nnz == 0
