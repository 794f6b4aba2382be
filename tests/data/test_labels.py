"""The task found from a target, and what is refused."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data.labels import find_task
from deepworth.errors import UserError


def column(values) -> pa.ChunkedArray:
    whole = pa.array(values)
    return pa.chunked_array([whole.slice(0, len(whole) // 2), whole.slice(len(whole) // 2)])


def found(values, **how):
    return find_task("y", column(values), **how)


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["b", "a"] * 5, "binary", ("a", "b")),
        ([True, False] * 5, "binary", (False, True)),
        ([0, 1] * 5, "binary", (0, 1)),
        ([0.5, 1.5] * 5, "binary", (0.5, 1.5)),
        (["x", "z", "y"] * 5, "multiclass", ("x", "y", "z")),
        ([3, 1, 2] * 5, "multiclass", (1, 2, 3)),
        ([3.0, 1.0, float("nan"), 2.0] * 5, "multiclass", (1.0, 2.0, 3.0)),
        (["10", "9", "8"] * 5, "multiclass", ("10", "8", "9")),
        (list(range(26)) * 5, "multiclass", tuple(range(26))),
        (list(range(40)) * 20, "regression", ()),
        (list(range(10)), "regression", ()),
        ([n / 2 for n in range(8)] * 10, "regression", ()),
        ([str(n / 7) for n in range(50)], "regression", ()),
        (["NA", "?", *(f"$1,{n:03}" for n in range(200))], "regression", ()),
        (["007", "042", "101"] * 20, "multiclass", ("007", "042", "101")),
    ],
)
def test_the_kind_of_task_follows_from_the_values(values, kind, classes):
    labels = found(values)
    assert (labels.task.kind, labels.task.classes) == (kind, classes)
    assert [type(a) for a in labels.task.classes] == [type(a) for a in classes]
    assert labels.codes.dtype == (np.float64 if kind == "regression" else np.int64)
    assert labels.keep.sum() == len(labels.codes)


def test_types_of_strings_and_dictionaries_make_no_difference():
    values = ["a", None, "b", "a"] * 3
    plain = find_task("y", pa.chunked_array([pa.array(values)]))
    for other in (pa.array(values).dictionary_encode(), pa.array(values, pa.large_string())):
        labels = find_task("y", pa.chunked_array([other]))
        assert labels.task == plain.task
        assert np.array_equal(labels.codes, plain.codes)


@given(st.lists(st.sampled_from(["a", "b", "c", None, ""]), min_size=1, max_size=60))
def test_codes_point_at_the_values_of_the_kept_rows(values):
    try:
        labels = found(pa.array(values, pa.string()))
    except UserError:
        enough = [v for v in "abc" if values.count(v) >= 3]
        assert len(enough) < 2 or sum(0 < values.count(v) < 3 for v in "abc")
        return
    kept = [value for value, stays in zip(values, labels.keep, strict=True) if stays]
    assert [labels.task.classes[code] for code in labels.codes] == kept
    assert all(kept.count(label) >= 3 for label in labels.task.classes)


@pytest.mark.parametrize(
    ("values", "how", "says"),
    [
        (pa.nulls(12, pa.string()), {}, "no value in any of 12 rows"),
        ([float("nan")] * 12, {}, "no value in any of 12 rows"),
        (["a"] * 12, {}, "'a' in all 12 rows"),
        ([1.5, None] * 6, {"wanted": "regression"}, "1.5 in all 6 rows"),
        ([1.5, 2.5, float("inf")] * 4, {}, "infinite in 4 of 12 rows"),
        ([f"t{n}" for n in range(12)], {}, "12 different values in 12 rows"),
        ([n / 2 for n in range(12)], {"wanted": "multiclass"}, "--task regression"),
        ([str(n) for n in range(50)] + ["n/k"], {}, "mend the 1 that are none ('n/k')"),
        (["1", "2", "x"] * 4, {"wanted": "regression"}, "a regression needs numbers"),
        (["a", "b", "c"] * 4, {"wanted": "binary"}, "use --task multiclass"),
        (["a", "b"] * 6, {"metric": "rmse"}, "rmse does not fit a binary task"),
        (["a", "b"] * 6, {"metric": "aucc"}, "did you mean 'auc'"),
        (["a"] * 12 + ["b"] * 2, {}, "one class only with at least 3 rows"),
        ([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)] * 6, {}, "days since"),
        ([[1], [2]] * 6, {}, "neither classes nor numbers"),
    ],
)
def test_what_cannot_be_learned_is_refused(values, how, says):
    with pytest.raises(UserError, match=re.escape(says)):
        found(values, **how)


def test_rows_without_a_target_and_rare_classes_are_left_out_and_told():
    labels = found(["a", "b", None] * 4 + ["c", "d", "d"])
    assert labels.task.classes == ("a", "b")
    assert len(labels.codes) == 8
    assert [note[:2] for note in labels.notes] == ["4 ", "2 "]
    assert "'c', 'd'" in labels.notes[1]


def test_whole_numbers_taken_for_classes_can_be_amounts():
    values = list(range(5)) * 10
    assert "--task regression" in found(values).notes[0]
    assert found(values, wanted="regression").codes.tolist() == [float(v) for v in values]


@pytest.mark.parametrize(("kind", "metric"), [("binary", "auc"), ("multiclass", "accuracy"), ("regression", "rmse")])
def test_each_task_has_a_metric(kind, metric):
    values = {"binary": [0, 1] * 10, "multiclass": [0, 1, 2] * 10, "regression": [n / 3 for n in range(30)]}[kind]
    assert found(values).task.metric == metric
    assert found(values, metric="mae" if kind == "regression" else "log_loss").task.metric in ("mae", "log_loss")


def test_words_for_a_missing_target_are_no_class():
    """As in a delimited file, where they are missing before anybody looks."""
    values = pa.chunked_array([["yes", "no", "NaN", " n/a ", "None", None] * 5])
    found = find_task("y", values)
    assert found.task.classes == ("None", "no", "yes")  # a word of its own: nothing to some, a class to others
    assert found.known.sum() == found.keep.sum() == 15
    assert found.notes == ("'y' is missing where it says 'NaN', 'n/a'", "15 rows without 'y' are left out")
    assert found.codes.tolist()[:3] == [2, 1, 0]
    assert find_task("y", pa.chunked_array([["yes", "no", "", None] * 5])).notes == (
        "10 rows without 'y' are left out",
    )
