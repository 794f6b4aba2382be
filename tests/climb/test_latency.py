"""Single predictions are timed as they are: nothing is read from a cache, and no time is taken that is not there."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from deepworth.climb import latency as timing
from deepworth.climb.latency import BATCH, latency
from deepworth.climb.trial import TrialRequest, run_trial
from deepworth.data.examples import Examples
from deepworth.store import RunFolder, write
from deepworth.types import Trial, dump


class Slow:
    """Takes `seconds` a row; counts the rows it is asked for."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.asked, self.cache = seconds, [], "somewhere"

    def predict(self, examples: Examples) -> np.ndarray:
        assert self.cache is None
        self.asked.append(examples.rows.tolist())
        time.sleep(self.seconds * len(examples))
        return np.zeros((len(examples), 2))


@pytest.fixture
def rows(run: RunFolder) -> Examples:
    return Examples.open(run.path, "test")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SECONDS", 0.05)


def test_rows_and_batches_are_timed_and_rows_change(rows: Examples) -> None:
    model = Slow(0.0005)
    found = latency(model, rows, math.inf)
    assert 0.5 <= found.ms_1 < 5
    assert 0.5 <= found.ms_32 < 5
    assert found.predict_gb > 0.01
    assert {len(asked) for asked in model.asked} == {1, BATCH}
    assert len({tuple(asked) for asked in model.asked}) > 4


def test_a_slow_model_is_timed_three_times_after_one_warm_up(rows: Examples) -> None:
    model = Slow(0.06)
    found = latency(model, rows, time.monotonic() + 0.5)
    assert found.ms_1 >= 60
    assert found.ms_32 == 0.0  # a batch of 32 would take 1.9 s
    assert len(model.asked) == 4


def test_without_time_nothing_is_timed(rows: Examples) -> None:
    model = Slow()
    assert latency(model, rows, time.monotonic() - 1) == timing.Latency()
    assert not model.asked
    model = Slow(0.05)
    assert latency(model, rows, time.monotonic() + 0.06).ms_1 == 0.0
    assert len(model.asked) == 1


def test_fewer_rows_than_a_batch_are_taken_again(rows: Examples) -> None:
    found = latency(Slow(), rows.take(np.arange(5)), math.inf)
    assert found.ms_32 > 0
    assert latency(Slow(), rows.take(np.arange(0)), math.inf) == timing.Latency()


def request(run: RunFolder, trial: Trial, **more: object) -> TrialRequest:
    write(run.trial(trial.key) / "trial.json", dump(trial))
    return TrialRequest(
        run=str(run.path), key=trial.key, cache=str(run.path / "cache"), deadline=time.monotonic() + 60, threads=1,
        memory_gb=4.0, metric="auc", **more,
    )  # fmt: skip


def test_a_trial_brings_them_home_and_a_repeat_does_not(run: RunFolder) -> None:
    trial = Trial(model="linear", rung="classical", data="f", splits="s", task=run.dataset.task)
    reply = run_trial(request(run, trial), lambda share, text: None)
    assert min(reply.ms_1, reply.ms_32, reply.predict_gb) > 0
    assert reply.ms_32 < reply.ms_1
    again = run_trial(request(run, trial, latency=False), lambda share, text: None)
    assert (again.ms_1, again.ms_32, again.predict_gb) == (0, 0, 0)
