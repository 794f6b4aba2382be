"""The table encoder: what each kind of column becomes, and that what is saved comes back."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.data.examples import Examples
from deepworth.modalities._columns import Bell
from deepworth.modalities._encoding import TableEncoder
from deepworth.types import Column, Dataset, Kind, Task


def _examples(columns: dict[str, tuple[Kind, pa.Array]]) -> Examples:
    table = pa.table({name: values for name, (_, values) in columns.items()})
    dataset = Dataset(
        name="made",
        source="",
        reader="",
        modality="tabular",
        task=Task(kind="binary", target="y", classes=(0, 1)),
        rows=len(table),
        columns=tuple(Column(name=name, kind=kind) for name, (kind, _) in columns.items()),
        features=tuple(columns),
        fingerprint="",
        table="",
    )
    return Examples(dataset=dataset, table=table, rows=np.arange(len(table)))


def _fitted(examples: Examples) -> TableEncoder:
    return TableEncoder(examples.dataset.feature_columns).fit(examples)


def test_categories_are_codes_by_frequency_and_unknown_ones_are_missing() -> None:
    train = _examples({"c": ("category", pa.array(["b", "b", "b", "a", "a", "once", None]))})
    encoder = _fitted(train)
    new = _examples({"c": ("category", pa.array(["a", "b", "once", "never", None]))})
    assert encoder.cardinalities == (3,)
    assert encoder.categorical == (0,)
    np.testing.assert_array_equal(encoder.matrix(new)[:, 0], [1, 0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(encoder.codes(new)[:, 0], [2, 1, 0, 0, 0])


def test_a_category_of_numbers_is_the_same_as_integers_and_as_floats() -> None:
    encoder = _fitted(_examples({"c": ("category", pa.array([7, 7, 8, 8]))}))
    new = _examples({"c": ("category", pa.array([8.0, 7.0, None]))})
    np.testing.assert_array_equal(encoder.codes(new)[:, 0], [2, 1, 0])


def test_missing_and_infinite_numbers_are_flagged_where_training_had_them() -> None:
    train = _examples(
        {
            "full": ("number", pa.array([1.0, 2.0, 3.0, 4.0])),
            "holes": ("number", pa.array([1.0, None, np.inf, 4.0])),
            "empty": ("number", pa.array([None] * 4, pa.float64())),
        }
    )
    encoder = _fitted(train)
    np.testing.assert_array_equal(np.isnan(encoder.matrix(train)).sum(axis=0), [0, 2, 4])
    numbers = encoder.numbers(_examples({n: ("number", pa.array([None, 2.5])) for n in ("full", "holes", "empty")}))
    assert numbers.shape == (2, 5)
    np.testing.assert_array_equal(numbers[:, 2], [1, 0])  # the flag of "holes"
    np.testing.assert_array_equal(numbers[:, 4], [1, 0])
    assert np.isfinite(numbers).all()


def test_dates_become_the_parts_that_vary() -> None:
    days = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=i) for i in range(20)]
    train = _examples({"when": ("datetime", pa.array(days, pa.timestamp("us")))})
    encoder = _fitted(train)
    assert encoder.names == ("when.days", "when.day", "when.weekday", "when.yearday")
    np.testing.assert_array_equal(encoder.matrix(train)[3], [3, 4, 3, 4])  # Thursday, 4 January


def test_unix_times_keep_their_seconds() -> None:
    train = _examples({"t": ("number", pa.array([1_700_000_000 + i for i in range(9)]))})
    np.testing.assert_array_equal(_fitted(train).matrix(train)[:, 0], np.arange(9))


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = 60
    train = _examples(
        {
            "number": ("number", pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.2)),
            "flag": ("boolean", pa.array(rng.random(rows) < 0.5)),
            "level": ("category", pa.array(rng.choice(["x", "y", "z"], rows)).dictionary_encode()),
            "day": ("datetime", pa.array(rng.integers(0, 9000, rows).astype("datetime64[D]"))),
            "said": ("text", pa.array(rng.choice(["good and cheap", "bad and dear", "good but dear", ""], rows))),
        }
    )
    encoder = _fitted(train)
    encoder.save(tmp_path)
    again = TableEncoder.load(tmp_path)
    assert (again.names, again.categorical, again.cardinalities) == (
        encoder.names,
        encoder.categorical,
        encoder.cardinalities,
    )
    for view in ("matrix", "numbers", "codes"):
        np.testing.assert_array_equal(getattr(again, view)(train), getattr(encoder, view)(train))
    assert len(encoder.matrix(train.take(np.arange(0)))) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.floats(-(2.0**99), 2.0**99, width=32), st.just(float("nan"))), min_size=1, max_size=80))
def test_normal_scores_keep_the_order_and_stay_small(values: list[float]) -> None:
    column = np.array(values, dtype=np.float32)
    bell = Bell.learned(column)
    out = np.empty((len(column), bell.width), np.float32)
    bell.fill(column, out)
    assert np.isfinite(out).all()
    assert np.abs(out[:, 0]).max() < 5
    seen = ~np.isnan(column)
    order = np.argsort(column[seen], kind="stable")
    assert (np.diff(out[seen, 0][order]) >= -1e-6).all()


def _measured(rows: int, exact: bool = False) -> Examples:
    """Length and weight of alike things, a mark that is nothing like them, and a temperature below zero."""
    random = np.random.default_rng(0)
    length = random.uniform(1.0, 9.0, rows)
    weight = length**3 * (1.0 if exact else random.uniform(0.8, 1.2, rows))
    return _examples(
        {
            "length": ("number", pa.array(length)),
            "mark": ("number", pa.array(random.uniform(0.0, 1.0, rows))),
            "weight": ("number", pa.array(weight)),
            "loss": ("number", pa.array(-weight)),
        }
    )


def test_trees_see_the_ratio_of_columns_that_measure_almost_the_same(tmp_path: Path) -> None:
    train = _measured(500)
    encoder = _fitted(train)
    assert encoder.names == ("length", "mark", "weight", "loss", "length / weight")
    matrix = encoder.matrix(train)
    np.testing.assert_allclose(matrix[:, 4], matrix[:, 0] / matrix[:, 2], rtol=1e-6)
    assert encoder.numbers(train).shape == (500, 4)  # networks and linear models do without
    encoder.save(tmp_path)
    np.testing.assert_array_equal(TableEncoder.load(tmp_path).matrix(train), matrix)


def test_columns_that_agree_entirely_have_no_ratio() -> None:
    assert _fitted(_measured(500, exact=True)).ratios == []


def test_the_ratio_to_nothing_is_missing() -> None:
    encoder = _fitted(_measured(500))
    new = _examples({name: ("number", pa.array([0.0, 2.0])) for name in ("length", "mark", "weight", "loss")})
    np.testing.assert_array_equal(encoder.matrix(new)[:, 4], [np.nan, 1.0])
