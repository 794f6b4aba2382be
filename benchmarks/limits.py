"""Small fits under random limits: whether each keeps its time, its memory, and its parent alive.

    python benchmarks/limits.py [--runs 200] [--seed 0] [--only "tabular;text"] [--least 5] [--most 40]

Each run draws a kind of data, 200 to 5,000 rows (media: to 600), a time limit between `--least` and `--most` seconds
and, every third, a memory limit between 0.8 and 2 GB; all models may be tried. Time is that of the whole command, the
start of Python included, and is kept when it is within the limit + 2 % + 2 s. Memory is what the command and all it
started hold together, looked at every 20 ms: the sum of resident pages, and where that is over the limit, the sum that
counts shared pages once (PSS). The parent must end by itself: with a verdict (0), or with nothing trained or nothing
possible within the limits (3, 2). Prints one line a run and the misses; status 1 when more than 1 % miss their time,
any its memory, or any parent dies. To be run on a machine with nothing else to do: where computing takes five times as
long, starting Python and its libraries alone takes the shorter limits.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from _processes import Fit, toy

from deepworth.cost.pace import pace

MODALITIES = ("tabular", "text", "image", "audio")
SHARE, SECONDS = 0.02, 2.0  # a limit may be passed by
LOOK = 0.02  # seconds
HANGS = 120.0  # seconds over its limit after which a run is ended by force
MISSES = 0.01  # share of runs that may miss their time


@dataclass
class Kept:
    """What became of one run."""

    code: int
    seconds: float
    peak_gb: float
    ends: dict[str, int]  # trials by how they ended
    said: str


def measured(fit: Fit, limit: float, memory: float | None, run: Path) -> Kept:
    """Watch a run until it ends."""
    peak = 0.0
    while fit.running and time.monotonic() - fit.started < limit + HANGS:
        family = [fit.watched, *fit.workers()]
        held = total(family, "rss")
        if memory is not None and held > memory:
            held = total(family, "pss")
        peak = max(peak, held)
        time.sleep(LOOK)
    took = fit.wait(0.01) if fit.running else time.monotonic() - fit.started
    ends: dict[str, int] = {}
    with suppress(FileNotFoundError):
        for trial in json.loads((run / "verdict.json").read_text())["trials"]:
            ends[trial["status"]] = ends.get(trial["status"], 0) + 1
    return Kept(fit.process.wait(), took, peak, ends, fit.said())


def total(family: list[psutil.Process], what: str) -> float:
    """GB that processes hold: resident (rss), or with shared pages counted once (pss)."""
    found = 0
    for process in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            found += process.memory_info().rss if what == "rss" else process.memory_full_info().pss
    return found / 1e9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=";".join(MODALITIES), help="kinds of data, with semicolons")
    parser.add_argument("--least", type=float, default=5.0, help="seconds")
    parser.add_argument("--most", type=float, default=40.0, help="seconds")
    given = parser.parse_args()
    draw = random.Random(given.seed)
    late, large, dead = [], [], []
    for number in range(given.runs):
        modality = draw.choice(given.only.split(";"))
        rows = round(200 * 10 ** draw.uniform(0, 1.4 if modality in ("tabular", "text") else 0.5))
        limit = round(draw.uniform(given.least, given.most), 1)
        memory = round(draw.uniform(0.8, 2.0), 2) if number % 3 == 0 else None
        with tempfile.TemporaryDirectory(prefix="deepworth-limits-") as name:
            folder = Path(name)
            options = ["--time", f"{limit}s", "--out", str(folder / "run"), "--quiet"]
            options += ["--memory", f"{memory}GB"] if memory is not None else []
            fit = Fit([*toy(modality, folder / "data", rows, number), *options], folder / "cache")
            kept = measured(fit, limit, memory, folder / "run")
        wrong = []
        if kept.seconds > limit * (1 + SHARE) + SECONDS:
            wrong, late = [*wrong, "LATE"], [*late, number]
        if memory is not None and kept.peak_gb > memory:
            wrong, large = [*wrong, "LARGE"], [*large, number]
        if kept.code not in (0, 2, 3):
            wrong, dead = [*wrong, f"ENDED WITH {kept.code}: {kept.said.strip()[-500:]}"], [*dead, number]
        ends = ", ".join(f"{count} {status}" for status, count in sorted(kept.ends.items())) or kept.said.strip()[-200:]
        told = f"{kept.seconds:5.1f} of {limit:4.1f} s, {kept.peak_gb:.2f} of {memory or '-':>4} GB"
        print(f"{number:3} {modality:7} {rows:5} rows: {told}; {ends} {' '.join(wrong)}", flush=True)
    print(f"computing takes {pace():.1f} times what it would take alone on this machine")
    print(f"late: {late or 'none'}; too large: {large or 'none'}; dead: {dead or 'none'}")
    return 1 if len(late) > MISSES * given.runs or large or dead else 0


if __name__ == "__main__":
    sys.exit(main())
