"""What a run of Python takes, whole process against whole process: seconds, seconds of CPU, and peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from statistics import median

CHILD = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE)
seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
sys.exit(done.returncode)
"""
SCAN = (
    "import sys, polars; polars.scan_csv(sys.argv[1], try_parse_dates=True).select(polars.all().null_count()).collect()"
)


@dataclass(frozen=True)
class Taken:
    """By one process and what it started, its imports and its end included."""

    seconds: float
    cpu: float  # seconds, of all threads: what another load on the machine changes least
    peak: float  # GB


def timed(*words: str) -> Taken:
    """A run of `python WORDS`: a child of a child, so that the peak is not that of an earlier one."""
    done = subprocess.run([sys.executable, "-c", CHILD, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    seconds, cpu, peak = json.loads(done.stdout)
    return Taken(seconds, cpu, peak * (1 if sys.platform == "darwin" else 1024) / 1e9)


def in_turns(runs: dict[str, tuple[str, ...]], repeat: int) -> dict[str, list[Taken]]:
    """Each run once a turn: what else the machine does falls on all alike."""
    found: dict[str, list[Taken]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, words in runs.items():
            found[name].append(timed(*words))
    return found


def table(found: dict[str, list[Taken]], base: str) -> str:
    """Medians, and the medians of the ratios to the run `base` of the same turn."""
    lines = [f"{'':18} seconds     CPU  peak GB   x {base}: seconds, CPU"]
    for name, taken in found.items():
        ratios = [(one.seconds / b.seconds, one.cpu / b.cpu) for one, b in zip(taken, found[base], strict=True)]
        wall, cpu = (median(ratio[i] for ratio in ratios) for i in (0, 1))
        seconds, used, peak = (median(getattr(one, what) for one in taken) for what in ("seconds", "cpu", "peak"))
        lines.append(f"{name:18} {seconds:7.2f} {used:7.2f} {peak:8.2f}   {wall:5.2f} {cpu:5.2f}")
    return "\n".join(lines)
