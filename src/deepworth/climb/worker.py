"""A worker process: `python -m deepworth.climb.worker` runs one trial after another, told and telling by JSON lines."""

from __future__ import annotations

import faulthandler
import gc
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec

from deepworth.climb.trial import TrialReply, TrialRequest, run_trial
from deepworth.errors import DiskFull
from deepworth.store import is_full
from deepworth.types import dump

QUIET_SECONDS = 0.2  # between two progress lines
LEAST_BYTES = 1_000_000  # a trial that fails with less free has failed for that: libraries do not all say so


def main() -> None:
    """Serve requests on stdin until it closes; then leave at once, whatever is running: the parent is gone."""
    faulthandler.enable()
    replies = os.fdopen(os.dup(1), "wb", buffering=0)  # libraries that print must not break the protocol
    os.dup2(2, 1)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        request = msgspec.json.decode(requests.get(), type=TrialRequest)
        _send(replies, reply=_serve(request, replies))
        gc.collect()


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _serve(request: TrialRequest, replies: IO[bytes]) -> TrialReply:
    _forget_peak()
    last = 0.0

    def tell(share: float, message: str) -> None:
        nonlocal last
        if time.monotonic() - last > QUIET_SECONDS:
            last = time.monotonic()
            _send(replies, share=float(share), message=str(message))

    try:
        reply = run_trial(request, tell)
    # The border of the process: whatever a model raises is a failed trial, told to the parent.
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        full = (isinstance(error, OSError) and is_full(error)) or shutil.disk_usage(request.run).free < LEAST_BYTES
        kind = DiskFull if full else type(error)
        reply = TrialReply(key=request.key, kind=kind.__name__, error=str(error))
    return replace(reply, peak_gb=_peak_gb())


def _send(replies: IO[bytes], **what: Any) -> None:
    replies.write(dump(what) + b"\n")


def _forget_peak() -> None:
    """Start the peak of resident memory anew (Linux); elsewhere the parent's polling stands alone."""
    with suppress(OSError):  # no Linux, or a container whose /proc is read-only
        Path("/proc/self/clear_refs").write_text("5")


def _peak_gb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM 0 kB")
    return int(line.split()[1]) / 1e6


if __name__ == "__main__":
    main()
