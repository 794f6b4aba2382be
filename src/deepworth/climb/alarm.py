"""Signals: a time limit on what looks at no clock of its own, and Ctrl-C for what must not be torn apart halfway."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from deepworth.errors import NothingTrained


@contextmanager
def alarm(until: float, message: str) -> Iterator[None]:
    """Raise NothingTrained(message) in the body at `until`, a time.monotonic().

    The main thread sends itself the signal of Ctrl-C, which also ends the reading of a CSV file inside pyarrow; other
    threads have no signals, so there, as inside other calls of C code, the body is judged when it returns.
    """
    if threading.current_thread() is threading.main_thread():
        with _interrupted(until, message):
            yield
    else:
        yield
    if time.monotonic() >= until:
        raise NothingTrained(message)


@contextmanager
def deferred(interrupt: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C, and SIGTERM where that is made to be like it, call `interrupt` in the body, and nothing raised."""
    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
    caught = [number for number in numbers if signal.getsignal(number) is signal.default_int_handler]
    for number in caught:
        signal.signal(number, lambda number, frame: interrupt())
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def _interrupted(until: float, message: str) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)

    def ring(number: int, frame: FrameType | None) -> None:
        if time.monotonic() >= until:
            raise NothingTrained(message)
        if callable(before):  # a person's Ctrl-C, before the time
            before(number, frame)

    timer = threading.Timer(max(0.0, until - time.monotonic()), os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    signal.signal(signal.SIGINT, ring)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
