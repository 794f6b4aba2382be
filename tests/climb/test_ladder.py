"""The ladder under bad models: limits hold, failures are told, the rest goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from deepworth.climb import workers
from deepworth.climb.ladder import Ladder
from deepworth.climb.watch import Watch
from deepworth.store import RunFolder
from deepworth.types import Candidate, Goals, Machine, Plan, TrialResult
from tests.climb.conftest import candidate

pytestmark = pytest.mark.usefixtures("plugin")
MACHINE = Machine(threads=1, memory_gb=4.0, gflops=10.0)


def climb(
    run: RunFolder, *candidates: Candidate, seconds: float = 30.0, watch: Watch | None = None, **goals: float
) -> dict[str, TrialResult]:
    wanted = replace(Goals(seconds=seconds), **goals)
    deadline = time.monotonic() + seconds
    results = Ladder(run, Plan(candidates=candidates), wanted, MACHINE, deadline, watch or Watch()).climb()
    return {r.model: r for r in results}


def test_a_good_model_is_scored_on_rows_it_never_saw_the_labels_of(run: RunFolder) -> None:
    result = climb(run, candidate("good"))["good"]
    assert result.status == "done"
    assert result.test["auc"] > 0.6
    assert result.notes == {"rows": 180}
    assert result.peak_gb > 0.01
    assert (run.trial(result.key) / "DONE").exists()
    assert json.loads((run.trial(result.key) / "model" / "model.json").read_text())["model"] == "good"


def test_a_model_that_predicts_labels_it_was_given_gains_nothing_on_test(run: RunFolder) -> None:
    result = climb(run, candidate("peeker", "custom"))["peeker"]
    assert result.valid["accuracy"] == 1.0
    assert result.test["accuracy"] < 1.0  # test rows come without labels


def test_failures_are_told_and_the_ladder_goes_on(run: RunFolder) -> None:
    found = climb(run, *map(candidate, ("crasher", "dier", "late", "printer", "good")), candidate("nan", "custom"))
    assert found["crasher"].status == "failed"
    assert found["crasher"].reason == "ArithmeticError: the numbers do not add up"
    assert found["dier"].status == "failed"
    assert "exit code 9" in found["dier"].reason
    assert found["late"].status == "stopped"
    assert found["late"].reason == "not one round fitted into 3 s"
    assert found["printer"].status == "done"
    assert "not finite" in found["nan"].reason
    assert found["good"].status == "done"
    assert "Traceback" in (run.trial(found["crasher"].key) / "worker.log").read_text()


def test_a_trial_that_ignores_its_deadline_is_killed(run: RunFolder) -> None:
    start = time.monotonic()
    found = climb(run, candidate("sleeper"), candidate("good"), seconds=12.0)
    assert found["sleeper"].status == "stopped"
    assert found["good"].status == "done"
    assert time.monotonic() - start < 14


def test_a_trial_that_takes_too_much_memory_is_killed(run: RunFolder) -> None:
    found = climb(run, candidate("eater"), candidate("good"), memory_gb=0.6)
    assert found["eater"].status == "failed"
    assert "the limit is 0." in found["eater"].reason
    assert found["good"].status == "done"


def test_what_cannot_fit_is_skipped_with_its_estimate(run: RunFolder) -> None:
    found = climb(run, candidate("good"), candidate("sleeper", seconds=10_000))
    assert found["sleeper"].status == "skipped"
    assert "estimated 10000 s" in found["sleeper"].reason


def test_ctrl_c_keeps_what_is_done(run: RunFolder) -> None:
    class Impatient(Watch):
        def started(self, candidate, trial, seconds_left) -> None:
            if candidate.model == "sleeper":
                threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()

    found = climb(run, candidate("good"), candidate("sleeper"), candidate("printer"), watch=Impatient())
    assert found["good"].status == "done"
    assert (found["sleeper"].status, found["sleeper"].reason) == ("stopped", "interrupted")
    assert found["printer"].status == "skipped"


def test_starting_again_is_a_no_op(run: RunFolder) -> None:
    first = climb(run, candidate("good"))["good"]
    assert climb(run, candidate("good"))["good"] == first


def test_workers_stay_warm_and_are_replaced_when_killed(run: RunFolder) -> None:
    climb(run, candidate("good"))
    (warm,) = workers._idle
    climb(run, candidate("printer"))
    assert workers._idle == [warm]
    climb(run, candidate("sleeper"), seconds=4.0)
    assert warm not in workers._idle
    assert not warm.alive


def test_two_jobs_give_the_same_scores(run: RunFolder) -> None:
    found = climb(run, candidate("good"), candidate("printer"), jobs=2)
    assert found["good"].test == found["printer"].test
    np.testing.assert_equal(sorted(found), ["good", "printer"])
