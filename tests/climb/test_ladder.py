"""The ladder under bad models: limits hold, failures are told, the rest goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.climb import workers
from deepworth.climb.attempt import put_aside
from deepworth.climb.ladder import Ladder
from deepworth.climb.watch import Watch
from deepworth.cost.history import history
from deepworth.store import RunFolder
from deepworth.types import Candidate, Estimate, Goals, Machine, Plan, Range, TrialResult, dump
from tests.climb.conftest import candidate

pytestmark = pytest.mark.usefixtures("plugin")
ESTIMATE = Estimate(seconds=Range.around(1.0), peak_gb=Range.around(0.1), basis="made up")
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
    found = climb(run, candidate("sleeper"), candidate("good"), seconds=12.0)
    assert found["sleeper"].status == "stopped"
    assert found["good"].status == "done"


def test_a_trial_that_takes_too_much_memory_is_killed(run: RunFolder) -> None:
    found = climb(run, candidate("eater"), candidate("good"), memory_gb=0.6)
    assert found["eater"].status == "failed"
    assert "the limit is 0." in found["eater"].reason
    assert found["good"].status == "done"


def test_what_cannot_fit_is_skipped_with_its_estimate(run: RunFolder) -> None:
    found = climb(run, candidate("good"), candidate("sleeper", seconds=10_000))
    assert found["sleeper"].status == "skipped"
    assert "estimated ~2.8 h [" in found["sleeper"].reason


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


def test_what_the_clock_cut_is_run_anew_with_more_time(run: RunFolder) -> None:
    first = climb(run, candidate("hasty"), seconds=10.0)["hasty"]
    assert 5 < first.notes["left"] < 10
    assert (first.limit, round(first.seconds_given)) == (10.0, 10)
    assert climb(run, candidate("hasty"), seconds=10.0)["hasty"] == first
    assert climb(run, candidate("hasty"), seconds=12.0)["hasty"] == first
    again = climb(run, candidate("hasty", seconds=10.0), seconds=30.0)["hasty"]
    assert again.notes["left"] > 20
    assert climb(run, candidate("hasty"), seconds=10.0)["hasty"] == again


def test_a_trial_run_anew_in_vain_leaves_what_was_before(run: RunFolder) -> None:
    first = climb(run, candidate("moody"), seconds=10.0)["moody"]
    assert first.status == "done"
    assert climb(run, candidate("moody", seconds=10.0), seconds=30.0)["moody"] == first
    assert (run.trial(first.key) / "model" / "model.json").exists()


def test_a_trial_run_anew_that_is_killed_leaves_what_was_before(run: RunFolder) -> None:
    first = climb(run, candidate("hasty"), seconds=5.0)["hasty"]
    ladder = Ladder(run, Plan(candidates=(candidate("hasty"),)), Goals(seconds=60), MACHINE, 0.0, Watch())
    put_aside(run, trial := ladder._trial(ladder.plan.candidates[0]))
    run.trial(trial.key).mkdir()  # killed in it
    (run.trial(trial.key) / "trial.json").write_bytes(dump(trial))
    assert ladder.climb() == (first,)  # no time is left
    assert (run.trial(first.key) / "DONE").exists()


def test_one_run_anew_that_is_interrupted_goes_on(run: RunFolder) -> None:
    trial = Ladder(run, Plan(candidates=()), Goals(seconds=60), MACHINE, 0.0, Watch())._trial(candidate("sleeper"))
    (run.trial(trial.key)).mkdir(parents=True)
    before = TrialResult(key=trial.key, model="sleeper", rung="classical", status="done", notes={"cut": "all"})
    (run.trial(trial.key) / "result.json").write_bytes(dump(before))

    class Impatient(Watch):
        def started(self, candidate, trial, seconds_left) -> None:
            threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()

    found = climb(run, candidate("sleeper"), watch=Impatient())["sleeper"]
    assert found.reason == "interrupted"
    assert climb(run, candidate("sleeper"), seconds=0.1)["sleeper"] == before


def test_a_trial_that_goes_on_took_what_it_took_before(run: RunFolder) -> None:
    plan = Plan(candidates=(replace(candidate("seedy", "custom"), params={"seconds": 1.5}),))
    ladder = Ladder(run, plan, Goals(seconds=60), MACHINE, time.monotonic() + 60, Watch())
    ladder.waiting = list(plan.candidates)
    ladder._begin_what_fits()
    (attempt,) = ladder.running
    (run.trial(attempt.trial.key) / "midway").mkdir()
    while not attempt.took.exists():
        attempt.look(0.1)
    attempt.drop()
    (run.trial(attempt.trial.key) / "seconds").write_text("40")
    found = climb(run, *plan.candidates, seconds=60.0)["seedy"]
    assert 41.5 < found.seconds < 60
    assert not (run.trial(found.key) / "seconds").exists()


def test_what_trials_took_is_kept_beside_their_estimates(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPWORTH_CACHE", str(tmp_path / "cache"))
    found = climb(run, candidate("good"), candidate("hasty"), candidate("crasher"))
    climb(run, candidate("good"))
    kept = history(MACHINE)
    assert [(one.model, one.cut) for one in kept] == [("good", False), ("hasty", True)]
    assert kept[0].seconds == found["good"].seconds
    assert kept[0].estimated_seconds == 0.1


def test_an_estimate_ends_where_the_clock_does(run: RunFolder) -> None:
    long = replace(candidate("good"), estimate=replace(ESTIMATE, seconds=Range(low=1.0, likely=100.0, high=300.0)))
    found = climb(run, long, seconds=10.0)["good"]
    assert found.estimate is not None
    assert found.estimate.seconds.low == 1.0
    assert 5 < found.estimate.seconds.likely == found.estimate.seconds.high == found.seconds_given
    assert history(MACHINE)[-1].estimated_seconds == 100.0


@given(
    st.lists(st.tuples(st.floats(0.01, 1000), st.floats(1, 60), st.floats(1, 3)), min_size=1, max_size=10),
    st.floats(1, 600),
    st.integers(1, 3),
)
def test_no_trial_takes_the_time_of_the_others(
    likely: list[tuple[float, float, float]], left: float, jobs: int
) -> None:
    """A trial gets an even share at least, and leaves the later ones what they are likely to take, or such a share."""
    first, *later = (
        Candidate(
            model="good",
            rung="classical",
            estimate=Estimate(
                seconds=Range(low=s / below, likely=s, high=s * above), peak_gb=Range.around(0.1), basis=""
            ),
        )
        for s, below, above in likely
    )
    ladder = Ladder.__new__(Ladder)
    ladder.goals, ladder.waiting = Goals(jobs=jobs), later
    seconds, even = ladder._allotment(first, left), min(left, jobs * left / len(likely))
    assert even <= seconds + 1e-9
    assert seconds <= left + 1e-9
    sure = [min(c.estimate.seconds.likely, even) for c in later if c.estimate.seconds.low <= even]
    assert left - seconds >= sum(sure) / jobs - 1e-6 or seconds == pytest.approx(even)


def test_a_long_trial_leaves_a_short_one_its_time() -> None:
    """`--models lightgbm,linear --time 20s`: boosting is estimated far above the limit, and took all of it."""
    ladder = Ladder.__new__(Ladder)
    ladder.goals, ladder.waiting = Goals(), [candidate("linear", seconds=1.0)]
    boosting = Estimate(seconds=Range(low=1.0, likely=100.0, high=300.0), peak_gb=Range.around(0.1), basis="")
    assert ladder._allotment(Candidate(model="lightgbm", rung="classical", estimate=boosting), 18.0) == 16.0


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
