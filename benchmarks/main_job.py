"""The main job on real data: `deepworth fit` on every set, its time against the limit, its score against a sanity run.

    python benchmarks/main_job.py --data DIR [--time 5m] [--only adult,sst2] [--out DIR]

DIR holds one folder a set (default: DEEPWORTH_DATA, or ../shared/data beside the repository). Peak memory is the sum
over the command and its workers, looked at every 50 ms. Prints one line a set and a JSON document at the end.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deepworth.verbs import open_run, seconds

REPOSITORY = Path(__file__).resolve().parents[1]
GRACE = (1.02, 2.0)  # a run may take the limit x 1.02 + 2 s


@dataclass(frozen=True)
class Job:
    """One set: what to type, and the score of a quick classical run that must be passed."""

    name: str
    source: str
    options: tuple[str, ...]
    score: str  # a metric on the test rows, or "log_r2"
    sanity: float
    pretrained_must_win: bool = False


JOBS = (
    Job("ames", "ames/data.parquet", ("--target", "Sale_Price"), "log_r2", 0.90),
    Job("telco_churn", "telco_churn/data.parquet", ("--target", "churn"), "auc", 0.82),
    Job("adult", "adult/data.parquet", ("--target", "income"), "auc", 0.926),
    Job("diamonds", "diamonds/data.parquet", ("--target", "price"), "log_r2", 0.993),
    Job("nycflights13", "late.parquet", ("--target", "late", "--time-column", "time_hour"), "auc", 0.0),
    Job("nycflights13_random", "late.parquet", ("--target", "late"), "auc", 0.71),
    Job("covtype", "covtype/data.parquet", ("--target", "Cover_Type", "--memory", "4GB"), "accuracy", 0.87),
    Job("sst2", "sst2/data.parquet", ("--target", "label"), "accuracy", 0.81, pretrained_must_win=True),
    Job("imdb20k", "imdb20k/data.parquet", ("--target", "label"), "accuracy", 0.89),
    Job("banking77", "banking77/data.parquet", ("--target", "label"), "accuracy", 0.89, pretrained_must_win=True),
    Job("cifar10_jpg", "cifar10_jpg/images.zip", (), "accuracy", 0.54),
    Job("trashnet", "trashnet/images.zip", (), "accuracy", 0.64, pretrained_must_win=True),
    Job("fashion_mnist", "fashion_mnist/images.zip", (), "accuracy", 0.82),
    Job("fsdd", "fsdd/labels.csv", ("--target", "digit", "--group", "speaker"), "accuracy", 0.56, True),
    Job("esc10", "esc10/labels.csv", ("--target", "label", "--group", "fold"), "accuracy", 0.79),
)


def late_flights(data: Path, folder: Path) -> Path:
    """nycflights13 as a question: will the flight arrive 15 minutes late or more? From the schedule columns alone."""
    table = pq.read_table(data / "nycflights13" / "data.parquet")
    late = pc.if_else(pc.is_null(table["arr_delay"]), None, pc.greater_equal(table["arr_delay"], 15))
    known_after = {"arr_delay", "dep_time", "dep_delay", "arr_time", "air_time"}
    table = table.select([c for c in table.column_names if c not in known_after]).append_column("late", late)
    path = folder / "late.parquet"
    pq.write_table(table, path)
    return path


def run(job: Job, data: Path, made: Path, limit: str, out: Path) -> dict[str, object]:
    """Run the command and read back what it says."""
    source = made if job.source == "late.parquet" else data / job.source
    command = [sys.executable, "-m", "deepworth", "fit", str(source), "--time", limit, "--out", str(out), "--json"]
    start, peak = time.monotonic(), 0
    with tempfile.TemporaryFile() as shown, tempfile.TemporaryFile() as told:
        process = subprocess.Popen([*command, *job.options], stdout=shown, stderr=told, cwd=out.parent)
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.05)
        wall = time.monotonic() - start
        shown.seek(0)
        told.seek(0)
        if process.returncode:
            return {"set": job.name, "exit": process.returncode, "said": told.read().decode()[-500:], "seconds": wall}
        verdict = json.loads(shown.read())
    trials = {t["key"]: t for t in verdict["trials"]}
    winner = trials[verdict["winner"]]
    score = _log_r2(out, verdict["winner"]) if job.score == "log_r2" else winner["test"][job.score]
    best = {r: _best(verdict, r) for r in ("classical", "frozen", "tuned", "custom")}
    return {
        "set": job.name,
        "seconds": wall,
        "in_time": wall <= seconds(limit) * GRACE[0] + GRACE[1],
        "peak_gb": peak / 1e9,
        "score": score,
        "sanity": job.sanity,
        "above": score > job.sanity,
        "verdict": verdict["verdict"],
        "gain": verdict["gain"],
        "winner": winner["model"],
        "by_rung": best,
        "pretrained_wins": max(best["frozen"] or 0, best["tuned"] or 0) > (best["classical"] or 0)
        if job.pretrained_must_win
        else None,
        "trials": {t["model"]: (t["status"], round(t["seconds"], 1), t["reason"][:80]) for t in verdict["trials"]},
        "warnings": verdict["warnings"],
    }


def _best(verdict: dict, rung: str) -> float | None:
    """The test score of the model of a rung that is best on validation."""
    name, sign = verdict["metric"]["name"], 1 if verdict["metric"]["higher_is_better"] else -1
    done = [t for t in verdict["trials"] if t["rung"] == rung and t["status"] == "done"]
    return max(done, key=lambda t: sign * t["valid"][name])["test"][name] if done else None


def _log_r2(out: Path, key: str) -> float:
    """R2 of the logarithm, as the sanity runs report it for prices."""
    labels = np.load(out / "data" / "sealed" / "labels_test.npy")
    predicted = np.load(out / "trials" / key / "predictions_test.npy")
    true, guess = np.log(labels), np.log(np.maximum(predicted, labels.min()))
    return float(1 - ((true - guess) ** 2).sum() / ((true - true.mean()) ** 2).sum())


def _resident(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def main() -> None:
    """Run the sets and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("DEEPWORTH_DATA", str(REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--time", default="5m")
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, help="keep the run folders here")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [job.name for job in JOBS]
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        made = late_flights(options.data, Path(scratch))
        found = []
        for job in JOBS:
            if job.name in wanted:
                found.append(run(job, options.data, made, options.time, out.absolute() / job.name))
                print(_line(found[-1]), flush=True)
                open_run(out / job.name) if "exit" not in found[-1] else None
        print(json.dumps(found, indent=1, default=lambda v: None if isinstance(v, float) and math.isnan(v) else str(v)))


def _line(found: dict) -> str:
    if "exit" in found:
        return (
            f"{found['set']:20} FAILED with exit code {found['exit']} after {found['seconds']:.0f} s: {found['said']}"
        )
    marks = "in time" if found["in_time"] else "LATE"
    above = "above" if found["above"] else "BELOW"
    rungs = ", ".join(f"{rung} {value:.4g}" for rung, value in found["by_rung"].items() if value is not None)
    return (
        f"{found['set']:20} {found['seconds']:6.1f} s {marks}  {found['peak_gb']:.2f} GB  "
        f"score {found['score']:.4f} {above} {found['sanity']}  {found['verdict']}: {found['winner']}  ({rungs})"
    )


if __name__ == "__main__":
    main()
