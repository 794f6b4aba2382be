"""A `deepworth fit` in a process of its own, watched and ended from outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from deepworth.registry import find, resolve

# So that a training of seconds has something to go on from, that 50 runs take minutes, and that what a timing says does
# not make one network from another. It is read by every Python process that is started.
OFTEN = """
import sys
from deepworth.climb import again
from deepworth.train.options import Options
whole = Options.__init__
def brief(self, **given):
    whole(self, **{"checkpoint_seconds": 0.3, **given, "epochs": min(given.get("epochs", 10.0), 3.0)})
Options.__init__ = brief
again.REPETITIONS = 1
if "deepworth.climb.worker" in sys.orig_argv:
    from deepworth.train import probe
    probe.GAIN, probe.STEPS = float("inf"), 1
"""


def toy(modality: str, folder: Path, rows: int, seed: int) -> tuple[str, ...]:
    """SOURCE and options of a small data set of some kind, made in `folder`."""
    made = Path(resolve(find("modalities", modality).toy)(folder, rows, seed, "multiclass"))
    return (str(made),) if made.is_dir() else (str(made), "--target", "target")


class Fit:
    """One command at work. Its output goes to a file, which nobody has to read for it to go on."""

    def __init__(self, arguments: Sequence[str], cache: Path, hook: Path | None = None) -> None:
        path = os.pathsep.join(filter(None, [str(hook) if hook else "", os.environ.get("PYTHONPATH", "")]))
        self.output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "deepworth", "fit", *arguments],
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DEEPWORTH_CACHE": str(cache), "PYTHONPATH": path},
        )
        self.watched = psutil.Process(self.process.pid)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def workers(self) -> list[psutil.Process]:
        """The processes it has started and those they have."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(self.watched.children(recursive=True))
        return []

    def wait(self, seconds: float) -> float:
        """Seconds it took; ended by force, and inf, where it takes longer than `seconds`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
            return time.monotonic() - self.started
        end([self.watched, *self.workers()])
        return float("inf")

    def said(self) -> str:
        self.output.seek(0)
        return self.output.read()


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill -9, all in one moment."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def hook(folder: Path, code: str) -> Path:
    """A folder that, on PYTHONPATH, has every Python process run `code` when it starts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(code)
    return folder
