"""What the machine is said to offer is possible."""

from __future__ import annotations

import os

import psutil

from deepworth.cost.machine import measure, memory_free_gb, threads_allowed


def test_threads_and_memory_lie_within_the_machine() -> None:
    assert 1 <= threads_allowed() <= (os.cpu_count() or 1)
    assert 0 < memory_free_gb() <= psutil.virtual_memory().total / 1e9


def test_the_measured_speed_is_one_a_machine_can_have() -> None:
    machine = measure()
    assert 0.5 < machine.gflops < 20_000
    assert machine.threads == threads_allowed()
