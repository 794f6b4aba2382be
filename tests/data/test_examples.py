"""Rows of a table that is made of pieces."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data.examples import take_rows


@given(st.lists(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=5), max_size=6), st.data())
def test_sorted_rows_are_taken_from_all_pieces(pieces: list[list[str | None]], data: st.DataObject) -> None:
    values = pa.chunked_array([pa.array(piece, pa.string()) for piece in pieces], pa.string())
    places = st.integers(0, len(values) - 1) if len(values) else st.nothing()
    rows = np.array(sorted(data.draw(st.lists(places))), np.int64)
    flat = values.to_pylist()
    taken = take_rows(values, rows)
    assert taken.type == pa.string()
    assert taken.to_pylist() == [flat[row] for row in rows]
