"""Kill -9 at random moments of a fit, of the worker, the parent or both; then go on, and compare with one undisturbed.

    python benchmarks/kill.py [--moments 50] [--seed 0] [--only "tabular;image"] [--models linear,mlp]

For each kind of data one run is left alone, and `--moments` runs are killed once each at a moment between their start
and the seconds the first took. They go on by `--resume RUN` or by the same command, in turn; what is killed alone, the
worker, is the parent's to start again. A moment holds when the run ends with the winner and the scores of the one
undisturbed, a trial that was DONE before the kill has the files it had, no process is left, and no half-written file.
Scores are the same to 1e-6: after a kill a pretrained network sees other rows together, and sums come in another order;
to 1e-3 for a network whose probe found another number of threads to be faster. Checkpoints come every 0.3 s, not every
minute. Prints a line a moment; status 1 if any did not hold.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from _processes import OFTEN, Fit, end, hook, toy

from deepworth.store import HALF

MODELS = {
    "tabular": "prior,linear,lightgbm,mlp",
    "text": "prior,tfidf-linear,text-transformer",
    "image": "prior,hog-linear,image-backbone",
    "audio": "prior,mfcc-linear,audio-encoder",
}
ROWS = {"tabular": 600, "text": 300, "image": 120, "audio": 120}
VICTIMS = ("worker", "parent", "both")
LIMIT = "10m"  # the clock cuts nothing
CLOSELY = 1e-6
ROUGHLY = 1e-3  # scores of a network may differ by it when the other run trained it on another number of threads
PATIENCE = 600.0  # seconds; what takes longer hangs


@dataclass(frozen=True)
class Scene:
    """One kind of data, and how to fit it."""

    modality: str
    arguments: tuple[str, ...]
    hook: Path

    def begin(self, folder: Path, *instead: str) -> Fit:
        arguments = instead or (*self.arguments, "--out", str(folder / "run"))
        return Fit([*arguments, "--quiet"], folder / "cache", self.hook)


def outcome(run: Path) -> dict[str, dict[str, Any]]:
    """The verdict's trials by key; that of the winner is there by the name of "winner", too."""
    verdict = json.loads((run / "verdict.json").read_text())
    trials = {t["key"]: t for t in verdict["trials"]}
    return trials | {"winner": trials[verdict["winner"]]}


def difference(found: dict[str, dict[str, Any]], reference: dict[str, dict[str, Any]]) -> str:
    """What one outcome has that the other has not; empty where they are alike."""
    if found.keys() != reference.keys() or found["winner"]["key"] != reference["winner"]["key"]:
        return f"{sorted(found)}, winner {found['winner']['key']}"
    for key, trial in reference.items():
        other = found[key]
        alike = ROUGHLY if how(trial) != how(other) else CLOSELY
        for part in ("valid", "test"):
            for name, value in trial[part].items():
                if not math.isclose(value, other[part].get(name, math.nan), rel_tol=alike, abs_tol=alike):
                    return f"{key}: {name} on {part} {other[part].get(name)} instead of {value} ({how(trial)})"
        if trial["status"] != other["status"]:
            return f"{key}: {other['status']}: {other['reason']}"
    return ""


def how(trial: dict[str, Any]) -> str:
    return str(trial["notes"].get("how", ""))


def done(run: Path) -> dict[str, tuple[int, ...]]:
    """The times at which the files of finished trials were written."""
    return {
        str(mark.parent.relative_to(run)): tuple(
            (mark.parent / name).stat().st_mtime_ns for name in ("DONE", "result.json")
        )
        for mark in run.rglob("trials/*/DONE")
    }


def leftovers(run: Path) -> list[str]:
    return [str(p.relative_to(run)) for p in run.rglob("*") if HALF.fullmatch(p.name) or p.name == "midway"]


def disturb(
    scene: Scene, folder: Path, victim: str, moment: float, by_resume: bool, reference: dict[str, dict[str, Any]]
) -> str:
    """Kill one run and go on with it; what did not hold, or an empty string."""
    run, fit = folder / "run", scene.begin(folder)
    while fit.running and (time.monotonic() - fit.started < moment or (victim == "worker" and not fit.workers())):
        time.sleep(0.002)
    workers = fit.workers()
    end({"worker": workers, "parent": [fit.watched], "both": [*workers, fit.watched]}[victim])
    before = done(run)
    if victim == "worker":
        took = fit.wait(PATIENCE)
    else:
        fit.process.wait()
        again = ("--resume", str(run)) if by_resume and (run / "run.json").exists() else ()
        fit = scene.begin(folder, *again)
        took = fit.wait(PATIENCE)
    _, left = psutil.wait_procs(workers, timeout=5)
    if fit.process.returncode or took == float("inf"):
        return f"ended with {fit.process.returncode} after {took:.0f} s: {fit.said().strip()[-500:]}"
    found, after = outcome(run), done(run)
    if told := difference(found, reference):
        return f"another outcome: {told}"
    if repeated := [key for key, times in before.items() if after.get(key) != times]:
        return f"done again: {', '.join(repeated)}"
    if left:
        return f"left running: {left}"
    return f"left behind: {', '.join(leftovers(run))}" if leftovers(run) else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50, help="for each kind of data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=";".join(MODELS), help="kinds of data, with semicolons")
    parser.add_argument("--models", help="instead of those chosen here; for one kind of data")
    given = parser.parse_args()
    failed = 0
    for modality in given.only.split(";"):
        with tempfile.TemporaryDirectory(prefix="deepworth-kill-") as name:
            folder, draw = Path(name), random.Random(f"{given.seed} {modality}")
            source = toy(modality, folder / "data", ROWS[modality], given.seed)
            options = ("--models", given.models or MODELS[modality], "--time", LIMIT)
            scene = Scene(modality, (*source, *options), hook(folder / "hook", OFTEN))
            alone = scene.begin(folder / "alone")
            took = alone.wait(PATIENCE)
            if alone.process.returncode:
                print(f"{modality}: the run left alone failed: {alone.said()}")
                return 1
            reference = outcome(folder / "alone" / "run")
            print(f"{modality}: {took:.1f} s undisturbed, winner {reference['winner']['key']}", flush=True)
            for number in range(given.moments):
                victim, moment, by_resume = VICTIMS[number % 3], draw.uniform(0, took), number % 2 == 0
                wrong = disturb(scene, folder / str(number), victim, moment, by_resume, reference)
                failed += bool(wrong)
                print(f"  {number:3} {victim:6} at {moment:5.2f} s: {wrong or 'held'}", flush=True)
    print(f"{failed} did not hold" if failed else "all held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
