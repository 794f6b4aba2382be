"""Texts as words, whatever script they are written in."""

from __future__ import annotations

import re

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from deepworth.profile.terms import words_of

LETTERS = st.sampled_from(" \t\n.,-_'\u00a0\u2019AZaz09\u00c4\u00df\u00e9\u0416\u4e2d")
TEXTS = st.lists(st.one_of(st.none(), st.text(LETTERS, max_size=12)), max_size=8)


@given(TEXTS, st.integers(0, 8))
def test_words_are_letters_and_digits_without_case(texts: list[str | None], cut: int) -> None:
    codes, lengths, num = words_of(pa.chunked_array([texts[:cut], texts[cut:]], pa.string()))
    expected = [re.findall(r"[^\W_]+", (text or "").lower()) or [""] for text in texts]
    flat = [word for words in expected for word in words]
    assert lengths.tolist() == [len(words) for words in expected]
    assert num == len(set(flat))
    assert len(set(zip(codes.tolist(), flat, strict=True))) == num
