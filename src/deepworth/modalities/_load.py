"""Media files of a view, decoded over threads in bounded chunks, where a broken file costs one neutral row."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from deepworth.data.examples import Examples
from deepworth.errors import UserError

T = TypeVar("T")


def decode_rows(
    examples: Examples,
    column: str,
    decode: Callable[[str], T],
    neutral: Callable[[], T],
    *,
    threads: int,
    chunk: int,
    notes: dict[str, Any] | None = None,
) -> Iterator[tuple[np.ndarray, list[T]]]:
    """(positions, `decode(path)` for each of them) in order, `chunk` rows at a time.

    `decode` runs in worker threads, one chunk ahead of the caller; at most two chunks are in memory. A file for which it
    raises UserError becomes `neutral()` and is counted in `notes["broken"]`.
    """
    lock = threading.Lock()

    def decoded(path: str) -> T:
        try:
            return decode(path)
        except UserError:
            if notes is not None:
                with lock:
                    notes["broken"] = notes.get("broken", 0) + 1
            return neutral()

    paths = examples.strings(column)
    waiting: deque[tuple[np.ndarray, list[Future[T]]]] = deque()
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="decode")
    try:
        for start in range(0, len(paths), chunk):
            part = paths[start : start + chunk]
            waiting.append((np.arange(start, start + len(part)), [pool.submit(decoded, path) for path in part]))
            if len(waiting) == 2:
                yield _finished(waiting.popleft())
        while waiting:
            yield _finished(waiting.popleft())
    finally:  # the caller may stop early, at its deadline
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(part: tuple[np.ndarray, list[Future[T]]]) -> tuple[np.ndarray, list[T]]:
    positions, futures = part
    return positions, [future.result() for future in futures]
