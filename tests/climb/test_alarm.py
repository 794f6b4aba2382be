"""What looks at no clock ends with the limit all the same."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from deepworth.cli.border import plainly
from deepworth.climb.alarm import alarm, deferred
from deepworth.errors import NothingTrained


def test_python_code_is_interrupted_at_the_limit() -> None:
    start = time.monotonic()
    with pytest.raises(NothingTrained, match="over"), alarm(start + 0.2, "over"):
        time.sleep(30)
    assert time.monotonic() - start < 20


def test_reading_a_csv_file_is_interrupted(tmp_path: Path) -> None:
    table = pa.table({name: ["a line of words, to be parsed"] * 1_500_000 for name in "abc"})
    pa.csv.write_csv(table, tmp_path / "long.csv")
    start = time.process_time()
    with pytest.raises(NothingTrained, match="over"), alarm(time.monotonic() + 0.05, "over"):
        pa.csv.read_csv(tmp_path / "long.csv", read_options=pa.csv.ReadOptions(block_size=1 << 16, use_threads=False))
    assert time.process_time() - start < 1


def test_a_body_in_time_is_left_alone_and_signals_are_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with alarm(time.monotonic() + 0.3, "over"):
        pass
    assert signal.getsignal(signal.SIGINT) is before
    time.sleep(0.4)  # nothing rings afterwards


def test_ctrl_c_before_the_limit_stays_what_it_is() -> None:
    with pytest.raises(KeyboardInterrupt), alarm(time.monotonic() + 30, "over"):
        signal.raise_signal(signal.SIGINT)


def test_another_thread_is_judged_when_it_returns() -> None:
    found: list[str] = []

    def body() -> None:
        try:
            with alarm(time.monotonic() + 0.05, "over"):
                time.sleep(0.2)
        except NothingTrained as error:
            found.append(str(error))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert found == ["over"]


def test_who_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    """A command that a shell put in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with plainly(debug=True), alarm(time.monotonic() + 30, "over"), deferred(lambda: pytest.fail("heard")):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with pytest.raises(NothingTrained, match="over"), alarm(time.monotonic() + 0.1, "over"):
            time.sleep(30)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
