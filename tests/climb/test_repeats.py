"""Repeats of trials that are compared: what is made with the time there is, and that nothing is made twice."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.climb import repeats
from deepworth.climb.again import FEW_ROWS, Block, Costs, Step
from deepworth.climb.ladder import Ladder
from deepworth.climb.repeats import Repeats
from deepworth.climb.watch import Watch
from deepworth.cost.history import history
from deepworth.data.examples import Examples
from deepworth.store import RunFolder
from deepworth.types import Goals, Machine, Plan, Repeat, Roles, Splits, Trial, TrialResult, dump
from deepworth.verdict import judge
from tests.climb.conftest import candidate

pytestmark = pytest.mark.usefixtures("plugin")
MACHINE = Machine(threads=1, memory_gb=4.0, gflops=10.0)
PAIR = (candidate("good"), candidate("seedy", "custom"))


class Told(Watch):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.again: list[str] = []

    def repeating(self, trial: Trial, which: str, expected: float, seconds_left: float) -> None:
        self.again.append(f"{trial.model} {which}")

    def note(self, message: str) -> None:
        self.notes.append(message)


def made(
    run: RunFolder, watch: Watch | None = None, *, plan: Sequence = PAIR, seconds: float = 60.0, jobs: int = 1
) -> tuple[tuple[TrialResult, ...], tuple[Repeat, ...]]:
    goals, deadline = Goals(seconds=60.0, jobs=jobs), time.monotonic() + 60.0
    results = Ladder(run, Plan(candidates=tuple(plan)), goals, MACHINE, deadline, watch or Watch()).climb()
    deadline = time.monotonic() + seconds
    return results, Repeats(run, results, goals, MACHINE, deadline, watch or Watch()).make()


def many_rows(run: RunFolder) -> None:
    """The run with a test part that is not small: of ten times the rows."""
    random = np.random.default_rng(1)
    x = random.random(3000)
    labels = (random.random(3000) < x).astype(np.int64)
    with pa.ipc.new_file(str(run.data / "table.arrow"), pa.schema([("x", pa.float64())])) as file:
        file.write_table(pa.table({"x": x}))
    (run.data / "dataset.json").write_bytes(dump(replace(run.dataset, rows=3000, table="table.arrow")))
    for part, rows in (("train", range(1500)), ("valid", range(1500, 2000)), ("test", range(2000, 3000))):
        np.save(run.path / "splits" / f"{part}.npy", np.array(rows))
        np.save((run.sealed if part == "test" else run.data) / f"labels_{part}.npy", labels[list(rows)])
    splits = Splits(protocol="stratified", seed=0, train=1500, valid=500, test=FEW_ROWS, fingerprint="s")
    (run.path / "splits" / "splits.json").write_bytes(dump(splits))


def test_few_test_rows_are_judged_by_ten_folds_of_both_sides(run: RunFolder) -> None:
    watch = Told()
    results, found = made(run, watch)
    folds = [one for one in found if one.purpose == "fold"]
    assert {(one.of, one.number) for one in folds} == {(r.key, n) for r in results for n in range(10)}
    assert watch.again[:3] == ["good fold 1 of 5", "seedy fold 1 of 5", "good fold 2 of 5"]
    assert run.repeats == found
    for one in folds:
        division = RunFolder(run.path / one.folder)
        assert one.rows == division.splits.train == 192
        assert division.splits.test == 48
        assert (division.trial(one.key) / "DONE").exists()
        assert not (division.trial(one.key) / "model").exists()
        assert Examples.open(division.path, "test").labels is None
        assert Examples.open(division.path, "train").table.num_rows == 300
    verdict = judge(run, results, Goals(), {})
    assert verdict.gain is not None
    assert (verdict.gain.method, verdict.gain.units) == ("corrected resampled t", 10)
    assert "10 folds of a repeated cross-validation" in verdict.sentence
    assert not any("one division" in warning for warning in verdict.warnings)


def test_more_test_rows_are_judged_with_three_seeds_and_a_learning_curve(run: RunFolder) -> None:
    many_rows(run)
    watch = Told()
    results, found = made(run, watch)
    seeds = [one for one in found if one.purpose == "seed"]
    assert [(one.of, one.number, one.folder, one.rows) for one in seeds] == [
        (results[1].key, n, ".", 1500) for n in (1, 2)
    ]
    assert watch.again[:2] == ["seedy seed 2 of 3", "seedy seed 3 of 3"]
    sizes = {(one.of, one.number, one.rows) for one in found if one.purpose == "size"}
    assert sizes == {(r.key, n, rows) for r in results for n in range(3) for rows in (93, 187, 375, 750, 1500)}
    assert {one.key for one in seeds} <= {one.key for one in found if one.purpose == "size"}
    verdict = judge(run, results, Goals(), {})
    assert verdict.gain is not None
    assert (verdict.gain.seeds, verdict.gain.method) == (3, "paired bootstrap over rows")
    assert not any("one seed" in warning for warning in verdict.warnings)
    assert verdict.curve is not None
    assert verdict.curve.sizes[-1] == 1500
    assert {trial.key for trial in verdict.trials} == {r.key for r in results}


def test_what_is_made_is_not_made_again(run: RunFolder) -> None:
    _, found = made(run)
    watch = Told()
    assert made(run, watch)[1] == found
    assert watch.again == []
    moved = run.path.rename(run.path.with_name("elsewhere"))
    assert made(RunFolder(moved), watch)[1] == found


def test_repeats_leave_no_trace_in_the_history(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPWORTH_CACHE", str(tmp_path / "cache"))
    made(run)
    assert len(history(MACHINE)) == 2


def test_two_at_once_make_the_same(run: RunFolder) -> None:
    _, found = made(run, jobs=2)
    errors = {(one.of, one.purpose, one.number, one.rows): one.error for one in found}
    assert len(errors) == len(found) == 20


def test_what_does_not_fit_the_time_is_told_and_not_begun(run: RunFolder) -> None:
    slow = replace(PAIR[1], params={"seconds": 1.5})
    watch = Told()
    _, found = made(run, watch, plan=(PAIR[0], slow), seconds=6.0)
    assert found == tuple(one for one in found if one.purpose == "seed")
    assert len(found) == 2  # instead of folds
    assert "too little for 5 folds of good and seedy" in watch.notes[-1]
    assert not (run.path / "divisions").exists()


def test_a_given_division_stays_as_it_is(run: RunFolder) -> None:
    (run.path / "splits" / "splits.json").write_bytes(dump(replace(run.splits, protocol="given")))
    watch = Told()
    _, found = made(run, watch)
    assert not any(one.purpose == "fold" for one in found)
    assert "no cross-validation: which rows are tested on was given" in watch.notes


def test_groups_stay_whole_and_too_few_of_them_make_no_folds(run: RunFolder) -> None:
    (run.data / "dataset.json").write_bytes(dump(replace(run.dataset, roles=Roles(group="who"), table="table.arrow")))
    x = run_table(run).column("x")
    for people, folds in ((60, 10), (5, 4), (2, 0)):
        who = pa.array(np.arange(300) * people // 300)
        with pa.ipc.new_file(str(run.data / "table.arrow"), pa.schema([("x", x.type), ("who", who.type)])) as file:
            file.write_table(pa.table({"x": x, "who": who}))
        (run.path / "splits" / "splits.json").write_bytes(
            dump(replace(run.splits, protocol="group", fingerprint=f"{people}"))
        )
        watch = Told()
        results, found = made(run, watch)
        assert len({one.number for one in found if one.purpose == "fold"}) == folds
        assert any("too few for folds" in note for note in watch.notes) == (not folds)
        for path in run.path.glob("divisions/*"):
            path.rename(run.path / f"old-{people}-{path.name}")
    assert results


def run_table(run: RunFolder) -> pa.Table:
    return pa.table({"x": Examples.open(run.path, "train").table.column("x").to_numpy().copy()})


def test_a_repeat_that_fails_ends_its_block_and_is_told(run: RunFolder) -> None:
    watch = Told()
    results, found = made(run, watch, plan=(PAIR[0], replace(PAIR[1], params={"fails": 1})))
    assert [r.status for r in results] == ["done", "done"]
    assert any("good and seedy: seedy was failed: ArithmeticError: seed 1" in note for note in watch.notes)
    assert any("5 more folds of good and seedy not made: seedy was failed" in note for note in watch.notes)
    assert judge(run, results, Goals(), {}).gain is not None
    assert [(one.purpose, one.number) for one in found] == [("fold", 0), ("fold", 0), ("fold", 1)]
    again = Told()
    assert made(run, again, plan=(PAIR[0], replace(PAIR[1], params={"fails": 1})))[1] == found
    assert again.again == []


def test_what_is_done_of_a_block_counts_where_its_rest_does_not_fit(run: RunFolder) -> None:
    slow = (PAIR[0], replace(PAIR[1], params={"seconds": 1.0}))
    results, found = made(run, plan=slow)
    for one in found:
        if one.number in (4, 9) and one.of == results[1].key:  # killed before these were done
            shutil.rmtree(run.path / one.folder / "trials" / one.key)
    (run.path / "repeats.json").unlink()
    watch = Told()
    _, again = made(run, watch, plan=slow, seconds=1.1)
    assert watch.again == []
    assert "too little for 5 folds" in watch.notes[-1]
    assert {one for one in again if one.purpose == "fold"} == {
        one for one in found if one.number not in (4, 9) or one.of == results[0].key
    }


def test_each_repeat_stands_once_in_the_file(run: RunFolder) -> None:
    custom = (*PAIR, candidate("peeker", "tuned"))  # both deep ones are compared to the same folds of the base
    _, found = made(run, plan=custom)
    assert len({(one.of, one.purpose, one.number, one.rows) for one in found}) == len(found) == 30


def test_one_that_runs_is_waited_for_where_the_next_does_not_fit(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ends(Told):
        def repeated(self, result: TrialResult) -> None:
            self.again.append(f"{result.model} {result.status}")

    monkeypatch.setattr(repeats, "SLACK", 0.1)  # a block that does not fit is begun
    watch = Ends()
    made(run, watch, plan=(PAIR[0], replace(PAIR[1], params={"seconds": 3.0})), seconds=6.0, jobs=2)
    assert any("ended early" in note for note in watch.notes)
    assert "seedy done" in watch.again
    assert not any("stopped" in one for one in watch.again)


def test_jobs_share_the_time_of_a_block() -> None:
    steps = tuple(
        Step(of=TrialResult(key="a", model="a", rung="custom", status="done", seconds=10.0), purpose="seed", number=n,
             rows=100) for n in range(3)
    )  # fmt: skip
    block = Block(name="", steps=steps)
    assert [Costs(100, jobs).of(block, {}) for jobs in (1, 2, 8)] == [30.0, 15.0, 10.0]


def test_ctrl_c_keeps_what_is_whole(run: RunFolder) -> None:
    class Impatient(Told):
        def repeating(self, trial: Trial, which: str, expected: float, seconds_left: float) -> None:
            super().repeating(trial, which, expected, seconds_left)
            if "fold 3 of 5" in which:
                os.kill(os.getpid(), signal.SIGINT)

    watch = Impatient()
    results, found = made(run, watch)
    assert threading.current_thread() is threading.main_thread()
    assert watch.again[-1] == "good fold 3 of 5"
    assert {one.number for one in found} == {0, 1}
    verdict = judge(run, results, Goals(), {})
    assert verdict.gain is not None
    assert verdict.gain.method == "paired bootstrap over rows"  # two folds say nothing
    repeated = Repeats(run, results, Goals(seconds=60.0), MACHINE, time.monotonic() + 60.0, Watch())
    again = repeated.make()
    assert not repeated.interrupted
    assert {one.number for one in again if one.purpose == "fold"} == set(range(10))


def test_after_an_interrupted_climb_nothing_is_made_again(run: RunFolder) -> None:
    goals = Goals(seconds=60.0)
    results, _ = made(run)
    watch = Told()
    stopped = (*results, replace(results[0], key="x", status="stopped", reason="interrupted"))
    Repeats(run, stopped, goals, MACHINE, time.monotonic() + 60, watch).make()
    assert watch.again == []


def test_what_the_clock_cut_does_not_count_and_is_made_anew(run: RunFolder) -> None:
    many_rows(run)
    watch = Told()
    plan = (PAIR[0], replace(PAIR[1], params={"needs": 20}))
    results, found = made(run, watch, plan=plan, seconds=10.0)
    assert not any(one.of == results[1].key for one in found)
    assert "2 more seeds of seedy: the clock cut seedy otherwise than the first time" in watch.notes
    _, again = made(run, watch, plan=plan)
    assert [one.number for one in again if one.purpose == "seed"] == [1, 2]


def test_what_the_clock_cut_has_no_learning_curve(run: RunFolder) -> None:
    many_rows(run)
    watch = Told()
    _, found = made(run, watch, plan=(PAIR[0], replace(PAIR[1], params={"needs": 1000})))
    assert {one.purpose for one in found} == {"seed"}  # cut as the first was
    assert "no learning curve: the clock cut seedy, and would cut fewer rows less" in watch.notes


def test_why_something_is_not_made_is_kept(run: RunFolder) -> None:
    results, _ = made(run)
    repeats = Repeats(run, results, Goals(seconds=60.0), MACHINE, time.monotonic() - 1, watch := Told())
    repeats.make()
    assert repeats.not_made == ["no time is left for further seeds, folds or a learning curve"] == watch.notes
