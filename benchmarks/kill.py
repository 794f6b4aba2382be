"""Kill -9 at random moments of a fit, of the worker, the parent or both; then go on, and compare with one undisturbed.

    python benchmarks/kill.py [--moments 50] [--seed 0] [--only "tabular;image"]

For each scene one run is left alone, and `--moments` runs are killed once each at a moment between their start and the
seconds the first took. They go on by `--resume RUN` or by the same command, in turn; what is killed alone, the worker,
is the parent's to start again. A moment holds when the run ends with the winner, the scores, the verdict, its sentence
and gain, and the repeats of the one undisturbed, a trial that was DONE before the kill has the files it had, no process
is left, and no half-written file. Scores are the same to 1e-6: after a kill a pretrained network sees other rows
together, and sums come in another order. In the scene `tight` the clock cuts what there is, so that outcomes differ:
there the run must end with a verdict, each command within the limit + 2 % + 2 s. So that 50 moments take minutes,
networks train for 3 epochs and are judged by 5 folds, not 10; checkpoints come every 0.3 s, not every minute; the
number of threads and the precision are not chosen by timing. Prints a line a moment and one a scene; status 1 if any
did not hold.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from _processes import OFTEN, Fit, end, hook, toy

from deepworth.store import HALF

VICTIMS = ("worker", "parent", "both")
CLOSELY = 1e-6
PATIENCE = 600.0  # seconds; what takes longer hangs
NUMBER = re.compile(r"[-+]?\d[\d.,]*")


@dataclass(frozen=True)
class Scene:
    """What is fitted: some kind of data, and models of which one is a network with checkpoints."""

    modality: str
    rows: int
    models: str
    limit: float = 600.0  # seconds: the clock cuts nothing
    tight: bool = False  # it does, and outcomes differ


SCENES = {
    "tabular": Scene("tabular", 150, "prior,linear,lightgbm,mlp"),
    "text": Scene("text", 150, "prior,tfidf-linear,text-transformer"),
    "image": Scene("image", 60, "prior,hog-linear,image-resnet"),
    "audio": Scene("audio", 60, "prior,mfcc-linear,audio-cnn"),
    "frozen": Scene("image", 60, "prior,hog-linear,image-backbone"),
    "tight": Scene("tabular", 3000, "prior,linear,lightgbm,mlp", limit=20.0, tight=True),
}


@dataclass(frozen=True)
class Stage:
    """A scene with its data made."""

    scene: Scene
    arguments: tuple[str, ...]
    hook: Path

    @classmethod
    def made(cls, scene: Scene, folder: Path, seed: int) -> Stage:
        source = toy(scene.modality, folder / "data", scene.rows, seed)
        options = ("--models", scene.models, "--time", f"{scene.limit:g}s")
        return cls(scene, (*source, *options), hook(folder / "hook", OFTEN))

    def begin(self, folder: Path, *instead: str) -> Fit:
        arguments = instead or (*self.arguments, "--out", str(folder / "run"))
        return Fit([*arguments, "--quiet"], folder / "cache", self.hook)


@dataclass(frozen=True)
class Outcome:
    """What a run found: what is the same to the letter, and numbers."""

    said: dict[str, str]
    scores: dict[str, float]

    @classmethod
    def of(cls, run: Path) -> Outcome:
        verdict = json.loads((run / "verdict.json").read_text())
        said = {name: verdict[name] for name in ("winner", "verdict")}
        said["sentence"] = NUMBER.sub("#", verdict["sentence"])
        gain = verdict["gain"] or {}
        scores = {f"gain {name}": value for name, value in gain.items() if isinstance(value, float)}
        for trial in verdict["trials"]:
            said[trial["key"]] = trial["status"]
            for part in ("valid", "test"):
                scores |= {f"{trial['key']} {name} on {part}": value for name, value in trial[part].items()}
        for one in json.loads((run / "repeats.json").read_text()):
            name = f"{one['purpose']} {one['number']} of {one['of']}"
            said[name] = f"{one['folder']} {one['key']} {one['rows']} rows"
            scores[name] = one["error"]
        return cls(said, scores)

    def unlike(self, reference: Outcome) -> str:
        """What differs from another one, or an empty string."""
        for name in self.said.keys() | reference.said.keys():
            if self.said.get(name) != reference.said.get(name):
                return f"{name}: {self.said.get(name)} instead of {reference.said.get(name)}"
        for name in self.scores.keys() | reference.scores.keys():
            value, other = (one.scores.get(name, math.nan) for one in (self, reference))
            if not math.isclose(value, other, rel_tol=CLOSELY, abs_tol=CLOSELY):
                return f"{name}: {value} instead of {other}"
        return ""


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


def disturb(stage: Stage, folder: Path, victim: str, moment: float, by_resume: bool, reference: Outcome | None) -> str:
    """Kill one run and go on with it; what did not hold, or an empty string."""
    run, fit = folder / "run", stage.begin(folder)
    while fit.running and (time.monotonic() - fit.started < moment or (victim == "worker" and not fit.workers())):
        time.sleep(0.002)
    workers = fit.workers()
    end({"worker": workers, "parent": [fit.watched], "both": [*workers, fit.watched]}[victim])
    before = done(run)
    if victim != "worker":
        fit.process.wait()
        again = ("--resume", str(run)) if by_resume and (run / "run.json").exists() else ()
        fit = stage.begin(folder, *again)
    took = fit.wait(PATIENCE)
    _, left = psutil.wait_procs(workers, timeout=5)
    if fit.process.returncode or took == float("inf"):
        return f"ended with {fit.process.returncode} after {took:.0f} s: {fit.said().strip()[-500:]}"
    if stage.scene.tight and took > 1.02 * stage.scene.limit + 2:
        return f"took {took:.1f} s"
    found, after = Outcome.of(run), done(run)
    if reference and (told := found.unlike(reference)):
        return f"another outcome: {told}"
    if repeated := [key for key, times in before.items() if after.get(key) != times]:
        return f"done again: {', '.join(repeated)}"
    if left:
        return f"left running: {left}"
    return f"left behind: {', '.join(leftovers(run))}" if leftovers(run) else ""


def play(name: str, moments: int, seed: int) -> int:
    """Kill one scene at so many moments; how many did not hold."""
    failed, begun = 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="deepworth-kill-") as place:
        folder, draw = Path(place), random.Random(f"{seed} {name}")
        stage = Stage.made(SCENES[name], folder, seed)
        alone = stage.begin(folder / "alone")
        took = alone.wait(PATIENCE)
        if alone.process.returncode:
            print(f"{name}: the run left alone failed: {alone.said()}")
            return 1
        reference = Outcome.of(folder / "alone" / "run")
        count = sum("fold" in one or "seed" in one for one in reference.said)
        print(f"{name}: {took:.1f} s undisturbed, {count} repeats, winner {reference.said['winner']}", flush=True)
        for number in range(moments):
            victim, moment, by_resume = VICTIMS[number % 3], draw.uniform(0, took), number % 2 == 0
            compared = None if stage.scene.tight else reference
            wrong = disturb(stage, folder / str(number), victim, moment, by_resume, compared)
            failed += bool(wrong)
            print(f"  {number:3} {victim:6} at {moment:5.2f} s: {wrong or 'held'}", flush=True)
    each = (time.monotonic() - begun - took) / max(moments, 1)
    print(f"{name}: {moments - failed} of {moments} moments held, {each:.0f} s each", flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50, help="for each scene")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=";".join(SCENES), help="scenes, with semicolons")
    given = parser.parse_args()
    return 1 if sum([play(name, given.moments, given.seed) for name in given.only.split(";")]) else 0


if __name__ == "__main__":
    sys.exit(main())
