"""Records: frozen, equal after a JSON round trip, keyed by their content."""

from __future__ import annotations

import dataclasses
import inspect

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth import types
from deepworth.types import Plan, Range, Task, Trial, TrialResult, Verdict, dump, load

RECORDS = [c for _, c in inspect.getmembers(types, inspect.isclass) if dataclasses.is_dataclass(c)]
text = st.text(max_size=20)
values = st.dictionaries(text, st.floats(allow_nan=False, allow_infinity=False), max_size=3)
tasks = st.builds(
    Task,
    kind=st.sampled_from(["binary", "multiclass", "regression"]),
    target=text,
    classes=st.lists(st.one_of(text, st.integers(-(2**53), 2**53), st.booleans()), max_size=4).map(tuple),
    metric=text,
)
trials = st.builds(
    Trial, model=text, rung=st.sampled_from(types.RUNGS), data=text, splits=text, task=tasks, seed=st.integers(0, 99)
)
results = st.builds(
    TrialResult,
    key=text,
    model=text,
    rung=st.sampled_from(types.RUNGS),
    status=st.sampled_from(["done", "skipped", "failed", "stopped"]),
    reason=text,
    valid=values,
    test=values,
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.__name__)
def test_records_are_frozen_and_keyword_only(record: type) -> None:
    assert record.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(record))


@given(trials)
def test_trials_survive_json_and_keep_their_key(trial: Trial) -> None:
    again = load(Trial, dump(trial))
    assert again == trial
    assert again.key == trial.key


@given(results)
def test_results_survive_json(result: TrialResult) -> None:
    assert load(TrialResult, dump(result)) == result


@given(trials, st.integers(100, 200))
def test_another_seed_is_another_trial(trial: Trial, seed: int) -> None:
    assert dataclasses.replace(trial, seed=seed).key != trial.key


def test_what_is_no_record_is_refused() -> None:
    for record in (Plan, Verdict, Task):
        with pytest.raises(msgspec.ValidationError):
            load(record, '{"nothing": "useful"}')


@given(st.floats(0.01, 1e6), st.floats(1, 10))
def test_a_range_holds_what_it_is_around(likely: float, factor: float) -> None:
    around = Range.around(likely, factor)
    assert around.low <= around.likely <= around.high
