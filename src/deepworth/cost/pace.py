"""How much slower this machine is at this moment than when nobody else is at work on it."""

from __future__ import annotations

import time

LOOK = 0.05  # seconds of computing that are looked at


def pace() -> float:
    """Seconds that pass for each second of plain computing: 1 with a core to itself, n where n wait for one."""
    began, worked = time.monotonic(), time.thread_time()
    while (spent := time.thread_time() - worked) < LOOK:
        sum(range(1000))
    return max(1.0, (time.monotonic() - began) / spent)
