"""No worker outlives the command that started it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deepworth.store import RunFolder

pytestmark = pytest.mark.usefixtures("plugin")

CLIMB = """
import sys, time
from pathlib import Path
import typer
from deepworth.climb.ladder import Ladder
from deepworth.climb.watch import Watch
from deepworth.cli.border import plainly
from deepworth.store import RunFolder
from deepworth.types import Goals, Machine, Plan
from deepworth.verdict import judge
from tests.climb.conftest import candidate

class Told(Watch):
    def started(self, candidate, trial, seconds_left): print("started", flush=True)

run, goals = RunFolder(Path(sys.argv[1])), Goals(seconds=60.0)
machine = Machine(threads=1, memory_gb=4.0, gflops=10.0)
plan = Plan(candidates=(candidate("sleeper"),))
try:
    with plainly(debug=False):
        judge(run, Ladder(run, plan, goals, machine, time.monotonic() + 60, Told()).climb(), goals, {})
except typer.Exit as end:
    sys.exit(end.exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_no_worker_is_left_behind(run: RunFolder, number: signal.Signals) -> None:
    command = [sys.executable, "-c", CLIMB, str(run.path)]
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(Path(__file__).parents[2])])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}, text=True
    ) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == "started\n", process.stderr.read()
        time.sleep(0.5)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers
        process.send_signal(number)
        said = process.stderr.read()
        process.wait(10)
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert said.strip() == "interrupted before any model was done: there is nothing to judge"
    gone, left = psutil.wait_procs(workers, timeout=5)
    assert not left
    assert len(gone) == len(workers)
