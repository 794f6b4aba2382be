"""Work on the media files of a view over threads, in bounded chunks, where a broken file costs one neutral row."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from deepworth.data.examples import Examples
from deepworth.data.media import listener
from deepworth.errors import UserError

T = TypeVar("T")


def in_chunks(
    examples: Examples, column: str, work: Callable[[list[str]], T], *, threads: int, chunk: int
) -> Iterator[tuple[np.ndarray, T]]:
    """(positions, `work(paths at them)`) in order, `chunk` rows at a time.

    `work` runs in `threads` worker threads, one chunk ahead of the caller: at most `threads + 1` chunks are in memory.
    """
    paths = examples.strings(column)
    waiting: deque[tuple[np.ndarray, Future[T]]] = deque()
    pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="decode")
    try:
        for start in range(0, len(paths), chunk):
            part = paths[start : start + chunk]
            waiting.append((np.arange(start, start + len(part)), pool.submit(work, part)))
            if len(waiting) > threads:
                positions, done = waiting.popleft()
                yield positions, done.result()
        for positions, done in waiting:
            yield positions, done.result()
    finally:  # the caller may stop early, at its deadline
        pool.shutdown(wait=False, cancel_futures=True)


def tolerant(
    decode: Callable[[str], T], neutral: Callable[[], T], notes: dict[str, Any] | None = None
) -> Callable[[str], T]:
    """`decode`, but a path for which it raises UserError gives `neutral()` and is counted in `notes["broken"]`.

    Whoever listens to `unreadable_files` is told the path.
    """
    lock, heard = threading.Lock(), listener()

    def decoded(path: str) -> T:
        try:
            return decode(path)
        except UserError as error:
            if notes is not None:
                with lock:
                    notes["broken"] = notes.get("broken", 0) + 1
            if heard is not None:
                heard[path] = str(error)
            return neutral()

    return decoded
