"""The pace of a machine: computing alone takes its time, beside others it takes theirs, too."""

from __future__ import annotations

import time

import pytest

from deepworth.cost import pace as module
from deepworth.cost.pace import pace


@pytest.mark.parametrize("waiting", [0.0, 1.0, 9.0])
def test_it_is_what_passes_for_each_second_of_work(waiting: float, monkeypatch: pytest.MonkeyPatch) -> None:
    worked = 0.0

    def thread_time() -> float:
        nonlocal worked
        worked += 0.001
        return worked

    monkeypatch.setattr(module.time, "thread_time", thread_time)
    monkeypatch.setattr(module.time, "monotonic", lambda: worked * (1 + waiting))
    assert pace() == pytest.approx(1 + waiting, rel=0.05)


def test_it_takes_no_time_to_find_out() -> None:
    worked = time.thread_time()
    assert pace() >= 1.0
    assert time.thread_time() - worked < 0.5
