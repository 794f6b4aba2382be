"""Processes that are killed, disks that are full, clocks that jump: what is done stays, and the rest is done once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepworth.climb import workers
from deepworth.climb.trial import TrialRequest, run_trial
from deepworth.errors import DiskFull, OutOfTime
from deepworth.store import LOCK, RunFolder, taken
from tests.climb.conftest import candidate
from tests.climb.test_ladder import climb

pytestmark = pytest.mark.usefixtures("plugin")


def test_a_worker_that_was_killed_is_started_again_and_goes_on(run: RunFolder) -> None:
    found = climb(run, candidate("victim"), candidate("good"))
    assert [found[name].status for name in ("victim", "good")] == ["done", "done"]
    assert found["victim"].notes == {"deaths": 1, "restarted": "its process was ended by SIGKILL"}
    assert "restarted" not in found["good"].notes
    assert not (run.trial(found["victim"].key) / "midway").exists()


def test_it_is_started_again_only_once(run: RunFolder) -> None:
    found = climb(run, candidate("doomed"), candidate("good"))["doomed"]
    assert (found.status, found.reason) == ("failed", "its process was ended by SIGKILL")


def test_it_is_not_started_again_where_memory_was_short(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([0, 1])
    monkeypatch.setattr(workers, "_starved", lambda: next(counts))
    found = climb(run, candidate("victim"))["victim"]
    assert (found.status, found.reason) == ("failed", "its process was ended by SIGKILL: the machine was out of memory")


def test_what_failed_before_is_not_tried_again(run: RunFolder) -> None:
    first = climb(run, candidate("crasher"), candidate("late"))
    mark = run.trial(first["crasher"].key) / "result.json"
    before = mark.stat().st_mtime_ns
    assert climb(run, candidate("crasher"), candidate("late")) == first
    assert mark.stat().st_mtime_ns == before
    run.give_more_chances()  # as other goals do
    assert not mark.exists()


def test_what_is_done_is_not_skipped_for_want_of_time(run: RunFolder) -> None:
    first = climb(run, candidate("good"))
    assert climb(run, candidate("good"), seconds=0.1) == first


def test_two_workers_are_never_in_one_trial(run: RunFolder) -> None:
    key = climb(run, candidate("good"))["good"].key
    request = TrialRequest(
        run=str(run.path), key=key, cache="", deadline=time.monotonic() + 0.3, threads=1, memory_gb=1.0, metric="auc"
    )
    with taken(run.trial(key) / LOCK) as free:
        assert free
        with pytest.raises(OutOfTime, match="another process"):
            run_trial(request, lambda share, message: None)


def test_a_full_disk_ends_the_climb_and_keeps_what_is_done(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DiskFull, match=r"full: \[Errno 28\] No space left on device.*go on with --resume"):
        climb(run, candidate("good"), candidate("full"), candidate("printer"))
    results = {path.parent.name.split("-")[0] for path in run.path.glob("trials/*/result.json")}
    assert results == {"good"}
    workers.dismiss()
    monkeypatch.setenv("ROOM", "1")
    found = climb(run, candidate("good"), candidate("full"), candidate("printer"))
    assert {result.status for result in found.values()} == {"done"}


@pytest.fixture
def jumping_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A `time.time` that jumps by years, forth and back, in this process and in the workers it starts."""
    jumps = (
        "import itertools, time\n_times = itertools.cycle((0.0, 4e9, 1.7e9, 1.0))\ntime.time = lambda: next(_times)\n"
    )
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(jumps)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "hook"), os.environ.get("PYTHONPATH", "")]))
    times = iter(range(0, 10**12, 10**8))
    monkeypatch.setattr(time, "time", lambda: float(next(times) % (4 * 10**9)))
    workers.dismiss()
    yield
    workers.dismiss()


@pytest.mark.usefixtures("jumping_clock")
def test_no_limit_hangs_on_the_clock_of_the_wall(run: RunFolder) -> None:
    began = time.monotonic()
    found = climb(run, candidate("good"), candidate("sleeper"), seconds=6.0)
    assert (found["good"].status, found["sleeper"].status) == ("done", "stopped")
    assert 0 < found["good"].seconds < 6
    assert time.monotonic() - began > 4


def test_the_last_words_of_a_dead_worker_are_heard(run: RunFolder) -> None:
    """A reply that was written just before the end counts, and a torn line is no line."""
    worker = workers.Worker(1)
    read, write = os.pipe()
    assert worker.process.stdout is not None
    worker.process.kill()
    worker.listening.join()
    worker.process.stdout = os.fdopen(read, "rb")
    worker.listening = threading.Thread(target=worker._listen, daemon=True)
    worker.listening.start()
    os.write(write, b'{"reply": {"key": "a"}}\n{"share": 0.5, "mess')
    os.close(write)
    worker.process.wait()
    assert not worker.heard_out()
    reply = worker.messages.get().reply
    assert reply is not None and reply.key == "a"
    assert worker.heard_out()
    worker.kill()
    assert worker.kill() == ""
