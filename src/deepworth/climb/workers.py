"""Worker processes seen from the parent: kept warm between trials, watched for time and memory."""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil

from deepworth.climb.trial import TrialReply, TrialRequest
from deepworth.store import write
from deepworth.types import dump, record

FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)  # of what dies by another signal, the code is to blame
LAST_WORDS = 1.0  # seconds for what a dead process had written to arrive
STALE_GB = 1.0  # an idle worker that holds more than this is replaced: it would count against the next trial


@record
class Message:
    """One line of a worker: its progress, or its reply at the end."""

    share: float = 0.0
    message: str = ""
    reply: TrialReply | None = None


class Worker:
    """One process that runs trials, in a process group of its own: Ctrl-C reaches only the parent."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        count = str(threads)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "deepworth.climb.worker"],  # -P: the user's folder may hold a lightgbm.py
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,
            # spinning OpenMP threads make trees and nets up to 8x slower when the cores are shared
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count},
        )
        self.watched = psutil.Process(self.process.pid)
        self.listening = threading.Thread(target=self._listen, daemon=True)
        self.listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # the last one of a process that was killed may be torn
                    self.messages.put(msgspec.json.decode(line, type=Message))

    def heard_out(self) -> bool:
        """Whether all that a process which is gone has said was taken from `messages`."""
        self.listening.join(LAST_WORDS)
        return self.messages.empty()

    def start(self, request: TrialRequest) -> None:
        """Hand over a trial. Raises BrokenPipeError when the process is gone."""
        assert self.process.stdin is not None
        self.log.seek(0)
        self.log.truncate()
        self.process.stdin.write(dump(request) + b"\n")
        self.process.stdin.flush()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def memory_gb(self) -> float:
        """Resident memory of the process and its children."""
        total = 0
        with suppress(psutil.NoSuchProcess):
            for process in (self.watched, *self.watched.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    total += process.memory_info().rss
        return total / 1e9

    def kill(self) -> str:
        """End the process and everything it started, at once; what it had written. Again, it does nothing."""
        if self.log.closed:
            return ""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # a request it never read
            self.process.stdin.close()
        written = self.written()
        self.log.close()
        return written

    def written(self) -> str:
        """What the worker wrote on stderr since its trial began."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


_idle: list[Worker] = []  # warm workers, kept between runs of one Python process


def hire(threads: int) -> Worker:
    """A warm worker of this size, or a new one."""
    for worker in [w for w in _idle if w.threads == threads]:
        _idle.remove(worker)
        if worker.alive and worker.memory_gb() < STALE_GB:
            return worker
        worker.kill()
    return Worker(threads)


def warm(threads: int) -> None:
    """Start a worker ahead of its first trial, so that its imports overlap with reading the source."""
    if not any(w.threads == threads for w in _idle):
        _idle.append(Worker(threads))


def release(worker: Worker) -> None:
    """Keep the worker for the next trial."""
    if worker.alive:
        _idle.append(worker)


@atexit.register
def dismiss() -> None:
    """End every idle worker."""
    while _idle:
        _idle.pop().kill()


class Job:
    """One trial in one worker, under its limits. `poll` until it answers."""

    def __init__(self, request: TrialRequest, tell: Callable[[float, str], None], log: Path) -> None:
        self.request, self.tell, self.log = request, tell, log
        self.peak_gb = 0.0
        self.restarted = ""  # why, where it was
        self.starved = _starved()
        self.worker = hire(request.threads)
        try:
            self.worker.start(request)
        except BrokenPipeError:  # a warm worker that died since it was last looked at
            self.worker.kill()
            self.worker = Worker(request.threads)
            self.worker.start(request)

    def poll(self, seconds: float) -> TrialReply | None:
        """The reply, waiting for it at most so long; None while the trial runs.

        A trial that passes its memory limit, or whose process dies, is answered for it. One whose process something
        else has killed, but not for want of memory, is started again once, and goes on from its last checkpoint.
        """
        message = self._next(seconds)
        if message is not None and message.reply is None:
            self.tell(message.share, message.message)
            return None
        self.peak_gb = max(self.peak_gb, self.worker.memory_gb())
        if message is not None and message.reply is not None:
            self._keep_log(self.worker.written())
            release(self.worker)
            notes = message.reply.notes | ({"restarted": self.restarted} if self.restarted else {})
            return replace(message.reply, notes=notes)
        if self.peak_gb > self.request.memory_gb:
            return self.end("OutOfMemory", f"took {self.peak_gb:.2f} GB, the limit is {self.request.memory_gb:.2f} GB")
        if not self.worker.alive and self.worker.heard_out():
            return self._died(self.worker.process.returncode)
        return None

    def _died(self, code: int) -> TrialReply | None:
        starved = _starved() > self.starved
        if self.restarted or starved or -code not in FROM_OUTSIDE:
            return self.end("WorkerDied", _death(code, self.worker.written(), starved))
        self.restarted = _death(code, "")
        self._keep_log(self.worker.kill())
        self.worker = Worker(self.request.threads)
        self.worker.start(self.request)
        return None

    def _next(self, seconds: float) -> Message | None:
        try:
            return self.worker.messages.get(timeout=seconds)
        except queue.Empty:
            return None

    def end(self, kind: str, reason: str) -> TrialReply:
        """Kill the worker and answer for it."""
        self._keep_log(self.worker.kill())
        return TrialReply(key=self.request.key, kind=kind, error=reason, peak_gb=self.peak_gb)

    def _keep_log(self, written: str) -> None:
        if written:
            write(self.log, written)


def _starved() -> int:
    """Processes that Linux has killed for want of memory since it started; 0 where that is not told."""
    told = Path("/proc/vmstat")
    lines = told.read_text().splitlines() if told.exists() else ()
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _death(code: int, written: str, starved: bool = False) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was ended by {name}" + (": the machine was out of memory" if starved else "")
    last = written.strip().splitlines()[-1:]
    return ": ".join([f"its process ended with exit code {code}", *last])
