"""Rows that are the same to a model have the same hash, others have not."""

from __future__ import annotations

import zipfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data.duplicates import row_hashes, shared_rows
from deepworth.types import Column

CELL = st.tuples(
    st.one_of(st.none(), st.integers(-3, 3)),
    st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, float("nan")])),
    st.one_of(st.none(), st.sampled_from(["a", "b", ""])),
    st.one_of(st.none(), st.booleans()),
)


def same(cell: tuple) -> tuple:
    """What of a cell tells it from others: missing numbers are all alike."""
    whole, real, word, flag = cell
    return whole, None if real is None or np.isnan(real) else real + 0.0, word, flag


@given(st.lists(CELL, min_size=1, max_size=40), st.booleans())
def test_equal_hashes_mean_equal_rows(rows, coded):
    kinds = (pa.int64(), pa.float64(), pa.string(), pa.bool_())
    columns = {name: pa.array([row[i] for row in rows], kinds[i]) for i, name in enumerate("irwf")}
    if coded:
        columns["w"] = columns["w"].dictionary_encode()
    whole = pa.table(columns)
    table = pa.concat_tables([whole.slice(0, len(rows) // 2), whole.slice(len(rows) // 2)])
    hashes = row_hashes(table, [Column(name=name, kind="category") for name in "irwf"])
    for i, first in enumerate(rows):
        for j, second in enumerate(rows):
            assert (hashes[i] == hashes[j]) == (same(first) == same(second))


def test_columns_are_not_interchangeable():
    table = pa.table({"a": [1, 2], "b": [2, 1]})
    first, second = row_hashes(table, [Column(name=name, kind="number") for name in "ab"])
    assert first != second


@given(st.integers(0, 2**32 - 1), st.integers(5, 14), st.integers(2, 4))
def test_columns_that_are_read_of_some_rows_only_count_all_the_same(seed, num, values):
    """With more columns than are hashed at first, rows that are alike so far are told apart, or not, by the others."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, values, (60, num)) * (rng.random(num) < 0.5)
    cells = np.concatenate([cells, cells[:5]])
    columns = {f"c{i}": cells[:, i].astype(str) if i % 3 == 2 else cells[:, i] for i in range(num)}
    table = pa.table({name: pa.array(column.tolist()) for name, column in columns.items()})
    hashes = row_hashes(table, [Column(name=name, kind="category", distinct=values) for name in columns])
    rows = [tuple(row) for row in cells]
    assert len(np.unique(hashes)) == len(set(rows))


def test_text_is_compared_without_case_and_outer_spaces():
    table = pa.table({"t": [" Good film", "good film ", "good  film", None, ""]})
    hashes = row_hashes(table, [Column(name="t", kind="text")])
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[3] == hashes[4]


@pytest.mark.parametrize("zipped", [False, True])
def test_media_are_compared_by_content(tmp_path, zipped):
    contents = {"a.wav": b"x" * 50_000, "b.wav": b"x" * 50_000, "c.wav": b"x" * 49_999 + b"y", "d.wav": b"x"}
    if zipped:
        with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    else:
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
    base = f"{tmp_path}/s.zip" if zipped else str(tmp_path)
    paths = [f"{base}/{name}" for name in [*contents, "gone.wav", "lost.wav"]]
    hashes = row_hashes(pa.table({"f": paths}), [Column(name="f", kind="audio")])
    assert hashes[0] == hashes[1]
    assert len(set(hashes.tolist())) == 5


def test_shared_rows():
    hashes = np.array([1, 2, 1, 3], np.uint64)
    assert shared_rows(hashes, np.array([2, 3]), np.array([0, 1])).tolist() == [True, False]


def test_texts_are_told_apart_behind_their_first_letters_and_not_by_the_spaces_around_them() -> None:
    start = "It begins like many another letter does, with a long and common word of thanks, "
    texts = [start + "and asks.", start + "and ends.", f"  {start}And ends. ", " " * 90 + start + "and asks.", "", None]
    hashes = row_hashes(pa.table({"text": texts}), [Column(name="text", kind="text", distinct=5)])
    first = [hashes.tolist().index(one) for one in hashes.tolist()]
    assert first == [0, 1, 1, 0, 4, 4]
