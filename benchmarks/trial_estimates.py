"""What trials took against what was estimated, by the formulas alone and after calibration, over the sets of a folder.

    python benchmarks/trial_estimates.py --data DIR [--time 60s] [--only adult,sst2] [--passes 2] [--keep FILE]

The sets are fitted one after another with a cache of their own. A trial's estimate is judged three times: as its cost
formula gives it; corrected by the trials of all other sets; and, with `--passes 2`, corrected by the whole first pass.
Features are made anew in each pass. Trials that the clock cut are counted apart: they would have taken longer, so only
an estimate below what they took is known to be wrong. A last line has all of them, against the estimate or the time
they were given, whichever is less: what a run says when they begin. `--keep` adds the records to a file, and `--from`
prints the figures of such a file without running anything.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from main_job import JOBS, REPOSITORY, Job, late_flights

import deepworth
from deepworth.climb.workers import dismiss
from deepworth.cost.history import FILE, Actual, actual, corrected, machine_key
from deepworth.registry import find, resolve
from deepworth.types import Estimate, Machine, Range, Splits, Workload, dump, load

WORDS = {"--target": "target", "--group": "group", "--time-column": "time_column", "--memory": "memory_gb"}


@dataclass(frozen=True)
class Seen:
    """One trial: what it took, and the sizes it was estimated from."""

    job: str
    at: int  # pass
    work: Workload
    machine: Machine
    record: Actual
    given: float = math.inf  # seconds it might have taken

    @property
    def formula(self) -> Estimate:
        return resolve(find("models", self.record.model).cost)(self.work, self.machine, {})


def fitted(job: Job, source: Path, limit: str, out: Path, at: int) -> list[Seen]:
    """Fit a set and take what its trials took."""
    said: dict[str, Any] = {WORDS[flag]: value for flag, value in zip(job.options[::2], job.options[1::2], strict=True)}
    run = deepworth.fit(str(source), time=limit, out=out / f"{job.name}-{at}", **said)
    dismiss()  # as for a command of its own: a warm worker holds what it has imported
    dataset = run.dataset
    splits = load(Splits, run.folder / "splits" / "splits.json")
    work = resolve(find("modalities", dataset.modality).workload)(dataset, splits)
    machine = load(Machine, json.dumps(json.loads((run.folder / "run.json").read_text())["machine"]))
    found = []
    for result in run.verdict.trials:
        formula = resolve(find("models", result.model).cost)(work, machine, {})
        one = actual(replace(result, estimate=formula), machine, dataset.fingerprint, splits.train)
        if one:
            found.append(Seen(job.name, at, work, machine, one, result.seconds_given))
    return found


def stored(seen: Seen) -> bytes:
    return dump(asdict(seen))


def restored(line: str) -> Seen:
    told = json.loads(line)
    kinds = {"work": Workload, "machine": Machine, "record": Actual}
    return Seen(**{name: load(kinds[name], json.dumps(v)) if name in kinds else v for name, v in told.items()})


def judge(name: str, pairs: Sequence[tuple[Range, float, bool]], unsure: float) -> None:
    """Print the share of actuals within 2x of the likely value, and inside low..high; what is tiny counts as equal."""
    whole = [(r, took) for r, took, cut in pairs if not cut]
    ratios = [(took + unsure) / (r.likely + unsure) for r, took in whole]
    near = sum(0.5 <= ratio <= 2 for ratio in ratios)
    inside = sum(r.low - unsure <= took <= r.high + unsure for r, took in whole)
    low = [took for r, took, cut in pairs if cut and r.high < took]
    cut = sum(cut for *_, cut in pairs)
    print(
        f"{name:34} within 2x {near:3d} of {len(whole)} ({near / max(len(whole), 1):.0%}), in the interval "
        f"{inside / max(len(whole), 1):.0%}, median ratio {statistics.median(ratios or [math.nan]):.2f}, "
        f"median high/low {statistics.median([r.high / max(r.low, 1e-9) for r, _ in whole] or [math.nan]):.1f}; "
        f"cut {cut}, of which above high {len(low)}"
    )


def tell(found: Sequence[Seen]) -> None:
    """The table and the shares."""
    for part, unsure in (("seconds", 0.1), ("peak_gb", 0.05)):
        print(f"\n{part}: actual, formula, corrected by the other sets")
        columns: dict[str, list[tuple[Range, float, bool]]] = {"formula": [], "other sets": [], "second pass": []}
        for one in found:
            took = getattr(one.record, part)
            first = [o for o in found if o.at == 0 and machine_key(o.machine) == machine_key(one.machine)]
            ranges = {"formula": one.formula}
            for name, past in (("other sets", [o for o in first if o.job != one.job]), ("second pass", first)):
                ranges[name] = corrected(one.record.model, one.formula, one.work, [o.record for o in past])
            cut = one.record.cut and part == "seconds"
            for name, told in ranges.items():
                if (one.at == 1) == (name == "second pass"):
                    columns[name].append((getattr(told, part), took, cut))
            final = ranges["second pass" if one.at else "other sets"]
            last = getattr(final, part)
            if one.at == 0:
                formula, mark = getattr(one.formula, part).likely, "cut" if cut else ""
                wrong = "" if cut or 0.5 <= took / last.likely <= 2 else "*"
                print(f"{one.job:20} {one.record.model:16} {took:9.2f}{formula:9.2f}{last.likely:9.2f}  {mark}{wrong}")
            if part == "seconds":
                soonest = min(last.low, final.needs) if last.high > one.given else last.low
                begun = Range(low=soonest, likely=min(last.likely, one.given), high=min(last.high, one.given))
                columns.setdefault("within what was given", []).append((begun, took, False))
        for name, pairs in columns.items():
            if pairs:
                judge(f"{part}, {name}", pairs, unsure)


def sources(data: Path, scratch: Path, jobs: Iterable[Job]) -> dict[str, Path]:
    made = late_flights(data, scratch)
    return {job.name: made if job.source == "late.parquet" else data / job.source for job in jobs}


def main() -> None:
    """Run the sets, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("DEEPWORTH_DATA", str(REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--time", default="60s")
    parser.add_argument("--only", default="")
    parser.add_argument("--passes", type=int, choices=(1, 2), default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--from", dest="told", type=Path)
    options = parser.parse_args()
    if options.told:
        tell([restored(line) for line in options.told.read_text().splitlines()])
        return
    jobs = [job for job in JOBS if not options.only or job.name in options.only.split(",")]
    found: list[Seen] = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for at in range(options.passes):
            cache = scratch / f"cache{at}"
            cache.mkdir()
            if at:
                shutil.copy(scratch / "cache0" / FILE, cache)
            os.environ["DEEPWORTH_CACHE"] = str(cache)
            for job, source in zip(jobs, sources(options.data, scratch, jobs).values(), strict=True):
                new = fitted(job, source, options.time, scratch, at)
                print(f"{job.name}, pass {at + 1}: {len(new)} trials", flush=True)
                found += new
                if options.keep:
                    with options.keep.open("ab") as file:
                        file.writelines(stored(one) + b"\n" for one in new)
    tell(found)


if __name__ == "__main__":
    main()
