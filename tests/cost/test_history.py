"""What earlier trials say of the next estimate."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.cost import history as room
from deepworth.cost.history import Actual, actual, corrected, correction, first_of_each, history, keep, machine_key
from deepworth.types import Estimate, Machine, Range, TrialResult, Workload

MACHINE = Machine(threads=2, memory_gb=4.0, gflops=50.0)
WORK = Workload(modality="tabular", task="binary", classes=2, train=1000, valid=200, test=300)
FORMULA = Estimate(seconds=Range.around(10.0, 3.0), peak_gb=Range.around(1.0), basis="rows")

logs = st.lists(st.floats(-3, 3), min_size=1, max_size=12)


def took(seconds: float, data: str = "a", cut: bool = False, estimated: float = 10.0) -> Actual:
    return Actual(
        model="good",
        machine=machine_key(MACHINE),
        data=data,
        train=1000,
        estimated_seconds=estimated,
        seconds=seconds,
        estimated_gb=1.0,
        peak_gb=1.0,
        cut=cut,
    )


def test_without_a_past_the_formula_stands() -> None:
    assert corrected("good", FORMULA, WORK, ()) == FORMULA


def test_trials_draw_the_estimate_towards_what_they_took() -> None:
    one = corrected("good", FORMULA, WORK, [took(40.0)])
    seven = corrected("good", FORMULA, WORK, [took(40.0, data) for data in "abcdefg"])
    assert FORMULA.seconds.likely < one.seconds.likely < seven.seconds.likely < 40.0
    assert seven.seconds.likely == pytest.approx(40.0, rel=0.2)
    assert seven.basis == "rows, corrected by 7 trials here"
    assert seven.seconds.high / seven.seconds.low < FORMULA.seconds.high / FORMULA.seconds.low
    assert seven.seconds.likely == pytest.approx(FORMULA.seconds.likely * seven.corrected[0])


def test_a_machine_that_is_slow_for_one_model_is_slow_for_another() -> None:
    past = [took(40.0, data) for data in "abcdefg"]
    found = corrected("other", FORMULA, WORK, past)
    assert 20.0 < found.seconds.likely <= 40.0
    assert found.peak_gb == FORMULA.peak_gb
    assert found.basis == "rows, corrected by 7 trials of other models here"
    own = [replace(one, model="other", seconds=10.0) for one in past]
    assert corrected("other", FORMULA, WORK, past + own).seconds.likely < 13.0


def test_what_was_slow_long_ago_is_forgotten() -> None:
    slow = [took(60.0, f"slow {i}") for i in range(40)]
    fast = [took(10.0, f"fast {i}") for i in range(40)]
    assert corrected("good", FORMULA, WORK, [*slow, *fast]).seconds.likely == pytest.approx(10.0, rel=0.2)
    assert corrected("good", FORMULA, WORK, [*fast, *slow]).seconds.likely == pytest.approx(60.0, rel=0.2)


def test_a_trial_cut_by_the_clock_is_only_a_lower_bound() -> None:
    assert corrected("good", FORMULA, WORK, [took(2.0, cut=True)]).seconds.likely == FORMULA.seconds.likely
    assert corrected("good", FORMULA, WORK, [took(40.0, cut=True)]).seconds.likely > FORMULA.seconds.likely


def test_the_first_trial_on_a_data_set_counts() -> None:
    """Later ones find features in the cache."""
    assert [one.seconds for one in first_of_each([took(40.0), took(1.0), took(30.0, "b")])] == [40.0, 30.0]


def test_a_formula_that_ends_early_keeps_its_far_low() -> None:
    early = replace(FORMULA, seconds=Range(low=0.1, likely=10.0, high=30.0))
    found = corrected("good", early, WORK, [took(20.0, data) for data in "abcdefg"]).seconds
    assert found.likely / found.low > 10 * found.high / found.likely


def test_data_of_the_same_size_say_most() -> None:
    past = [took(40.0, "a"), *(replace(took(10.0, data), train=1_000_000) for data in "bc")]
    near = corrected("good", FORMULA, WORK, past).seconds.likely
    far = corrected("good", FORMULA, replace(WORK, train=1_000_000), past).seconds.likely
    assert near > far


@given(logs, st.lists(st.booleans(), min_size=12, max_size=12), st.floats(1.01, 10))
def test_a_correction_is_never_bolder_than_what_it_has_seen(seen: list[float], cuts: list[bool], width: float) -> None:
    found = correction(seen, [1.0] * len(seen), cuts[: len(seen)], width)
    assert min(0.0, *seen) - 1e-9 <= math.log(found.factor) <= max(0.0, *seen) + 1e-9
    assert found.spread >= min(room.LEAST_SPREAD, width) - 1e-9


@given(logs, st.floats(0.1, 2))
def test_slower_trials_never_make_the_estimate_shorter(seen: list[float], more: float) -> None:
    weights, cuts = [1.0] * len(seen), [False] * len(seen)
    slower = [x + more for x in seen]
    assert correction(slower, weights, cuts, 3.0).factor >= correction(seen, weights, cuts, 3.0).factor


@given(logs, st.randoms())
def test_the_order_of_the_trials_does_not_matter(seen: list[float], random) -> None:
    mixed = random.sample(seen, len(seen))
    ones, cuts = [1.0] * len(seen), [False] * len(seen)
    one, other = correction(seen, ones, cuts, 3.0), correction(mixed, ones, cuts, 3.0)
    assert one.factor == pytest.approx(other.factor)
    assert one.spread == pytest.approx(other.spread)


def test_only_trials_that_came_to_an_end_are_kept() -> None:
    result = TrialResult(
        key="k", model="good", rung="classical", status="done", seconds=4.0, estimate=FORMULA, notes={"cut": "rounds"}
    )
    record = actual(result, MACHINE, "data", 1000)
    assert record is not None
    assert (record.seconds, record.estimated_seconds, record.cut) == (4.0, 10.0, True)
    assert actual(replace(result, status="stopped"), MACHINE, "data", 1000) is None
    assert actual(replace(result, estimate=None), MACHINE, "data", 1000) is None


def test_a_corrected_estimate_is_kept_as_its_formula() -> None:
    fixed = corrected("good", FORMULA, WORK, [took(40.0)])
    result = TrialResult(key="k", model="good", rung="classical", status="done", seconds=4.0, estimate=fixed)
    record = actual(result, MACHINE, "data", 1000)
    assert record is not None
    assert record.estimated_seconds == pytest.approx(10.0)


def test_history_is_of_this_machine_and_survives_torn_lines(tmp_path: Path) -> None:
    keep(took(1.0), tmp_path)
    (tmp_path / room.FILE).open("ab").write(b'{"model": "torn\n\xff\n')
    keep(replace(took(2.0), machine="another"), tmp_path)
    keep(took(3.0), tmp_path)
    assert [one.seconds for one in history(MACHINE, tmp_path)] == [1.0, 3.0]
    assert history(MACHINE, tmp_path / "none") == ()


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: keep(took(float(n + 1)), tmp_path), range(200)))
    assert sorted(one.seconds for one in history(MACHINE, tmp_path)) == [float(n + 1) for n in range(200)]


def test_the_history_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_BYTES", 2_000)
    for n in range(100):
        keep(took(float(n + 1)), tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3 * 2_000
    assert history(MACHINE, tmp_path)[-1].seconds == 100.0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    keep(took(1.0), tmp_path / "below")
    assert history(MACHINE, tmp_path / "below") == ()
