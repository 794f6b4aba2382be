"""Whether the verdict keeps its word: simulated problems whose true gain is known, and what the verdict says.

    python benchmarks/soundness.py [--repeats 500] [--seed 0] [--jobs 2] [--only groups]

Of every problem: no gain, one of twice the least useful, and one of 20 %, `repeats` times each with fresh data. Printed
are the share of 95 % intervals that hold the truth (over all three; 93 to 97 % wanted), how often "worth it" is said
where there is no gain and "not worth it" where it is twice the least useful (at most 2.5 %), both up to what chance
explains (2.33 standard errors), and the power: how often a gain of 20 % is called "worth it". Models share most of
their errors, as real ones do. In "choice" the best of several is taken on validation rows first; in "folds" real
learners are refitted in a repeated cross-validation, and the truth is their mean error over training sets. All these
conclude from their interval as `verdict/answer.py` does.

In "run" a folder is made, and `verdict.judge` reads and judges it, RUNS times a gain at most: with shallow models that
are equal, on rows that were drawn at random or by time; with "drift", by time, where the best on validation rows
is bad on test rows and the truth is the gain over the best one there; by time, where the worse of two errs on the same
rows as the deep one, so that the gain over it alone has a narrow interval; with few rows and folds, also where the base
has no error on the test rows and the verdict often makes no interval: coverage is that of the intervals that are made.

It ends with code 1 where a promise is broken: intervals too narrow, or too much said. Intervals that hold the truth too
often are printed and counted, and break none: those of folds, and those against a reference that test rows chose, are
known to be careful.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from _simulated import GAINS, Simulated, accuracy, auc, chosen, folds, many_classes, regression
from _verdicts import ALIKE, DRIFT, SLIGHT, equal, faultless, refitted, shallow

RUNS = 150  # a folder to write and to judge takes a tenth to half a second


@dataclass(frozen=True)
class Problem:
    name: str
    rows: int
    make: Callable[[np.random.Generator, int, float], Simulated]  # (random, rows, gain)

    def repeats(self, asked: int) -> int:
        return min(asked, RUNS) if self.name.startswith("run") else asked

    def key(self, gain: float, seed: int) -> list[int]:
        return [seed, zlib.crc32(f"{self.name} {self.rows} {gain}".encode())]


def problems() -> list[Problem]:
    drifted = partial(shallow, metric="accuracy", protocol="time")
    alike = partial(shallow, metric="rmse", valid=ALIKE, test=ALIKE, protocol="time", alike=0.999)
    kinds: list[tuple[str, tuple[int, ...], Callable[..., Simulated]]] = [
        ("accuracy, error 15 %", (200, 1000, 5000, 20_000), partial(accuracy, error=0.15)),
        ("accuracy, error 3 %", (200, 1000, 5000), partial(accuracy, error=0.03)),
        ("AUC 0.90", (200, 1000, 5000, 20_000), partial(auc, error=0.1)),
        ("AUC 0.97, 5 % positives", (1000, 5000, 20_000), partial(auc, error=0.03, positives=0.05)),
        ("log loss, 5 classes", (200, 1000, 5000), partial(many_classes, metric="log_loss")),
        ("macro F1, 5 classes", (200, 1000, 5000), partial(many_classes, metric="macro_f1")),
        ("RMSE", (200, 1000, 5000, 20_000), regression),
        ("RMSE, heavy tails", (200, 1000, 5000), partial(regression, heavy=True)),
        ("MAE", (1000,), partial(regression, metric="mae")),
        ("groups: 8 equal, accuracy", (2000,), partial(accuracy, error=0.2, groups=8)),
        ("groups: 30 unequal, accuracy", (2000,), partial(accuracy, error=0.2, groups=30, equal=False)),
        ("groups: 200 unequal, accuracy", (2000, 20_000), partial(accuracy, error=0.15, groups=200, equal=False)),
        ("groups: 30 unequal, AUC", (2000,), partial(auc, error=0.1, groups=30)),
        ("groups: 12 unequal, RMSE", (2000,), partial(regression, groups=12, equal=False)),
        ("seeds: 3 alike, accuracy", (2000,), partial(accuracy, error=0.15, seeds=3)),
        ("seeds: 3 apart 3 %, accuracy", (2000, 20_000), partial(accuracy, error=0.15, seeds=3, spread=0.03)),
        ("seeds: 5 apart 10 %, AUC", (5000,), partial(auc, error=0.1, seeds=5, spread=0.1)),
        ("seeds: 3 apart 2 %, RMSE", (1000, 20_000), partial(regression, seeds=3, spread=0.02)),
        ("choice: 6 deep, 3 shallow", (1000, 5000), chosen),
        ("folds: 5 x 4, RMSE", (200, 500), partial(folds, metric="rmse", repeats=4)),
        ("folds: 5 x 4, accuracy", (200, 500), partial(folds, metric="accuracy", repeats=4)),
        ("folds: 5 x 2, AUC", (300,), partial(folds, metric="auc", repeats=2)),
        ("run: 6 equal shallow, accuracy", (1000, 5000), partial(equal, metric="accuracy", off=0.15)),
        ("run: 6 equal shallow, RMSE", (2000,), partial(equal, metric="rmse", off=np.sqrt(2))),
        ("run: 6 equal shallow, by time", (1000, 5000), partial(equal, metric="accuracy", off=0.15, protocol="time")),
        ("run: drift, accuracy", (5000,), partial(drifted, valid=DRIFT[0], test=DRIFT[1])),
        ("run: slight drift, accuracy", (2000,), partial(drifted, valid=SLIGHT[0], test=SLIGHT[1])),
        ("run: 1 of 2 errs like the deep one", (2000,), alike),
        ("run: folds, RMSE", (300,), partial(refitted, metric="rmse")),
        ("run: folds, accuracy", (300,), partial(refitted, metric="accuracy")),
        ("run: folds, error 2 %", (100, 200), faultless),
    ]
    return [Problem(name, rows, make) for name, sizes, make in kinds for rows in sizes]


@dataclass(frozen=True)
class Tally:
    held: int
    made: int  # intervals
    worth: int
    not_worth: int


def simulate(problem: Problem, gain: float, repeats: int, seed: int) -> Tally:
    random = np.random.default_rng(problem.key(gain, seed))
    held = made = worth = not_worth = 0
    for _ in range(repeats):
        found = problem.make(random, problem.rows, gain)
        held += found.low <= found.truth <= found.high
        made += np.isfinite(found.low)
        worth += found.said == "worth it" and (gain > 0 or found.truth <= 0)
        not_worth += found.said == "not worth it" and found.truth > 0
    return Tally(held, made, worth, not_worth)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    began = time.monotonic()
    wanted = [p for p in problems() if options.only in p.name]
    print(f"{'':34}{'rows':>7}{'coverage':>10}{'worth|0':>9}{'not|2x':>9}{'power':>8}", flush=True)
    failed, wide, false = 0, 0, np.zeros(2)
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {
            (p, gain): pool.submit(_named, p.name, p.rows, gain, p.repeats(options.repeats), options.seed)
            for p in wanted
            for gain in GAINS
        }
        for problem in wanted:
            none, twice, clear = (running[problem, gain].result() for gain in GAINS)
            repeats = problem.repeats(options.repeats)
            tallies = (none, twice, clear)
            made = sum(one.made for one in tallies)
            bound, off = 0.025 + 2.33 * _chance(0.025, repeats), max(0.02, 2.33 * _chance(0.05, max(made, 1)))
            coverage = sum(one.held for one in tallies) / max(made, 1)
            wrong = np.array([none.worth, twice.not_worth]) / repeats
            false += wrong / len(wanted)
            broken = ["intervals too narrow"] if coverage < 0.95 - off else []
            broken += ["says too much"] if (wrong > bound).any() else []
            careful = ["intervals too wide"] if coverage > 0.95 + off else []
            notes = broken + careful or ["holds"]
            notes += [f"no interval in {1 - made / repeats / 3:.0%}"] if made < 3 * repeats else []
            failed, wide = failed + bool(broken), wide + bool(careful)
            print(
                f"{problem.name:34}{problem.rows:>7,}{coverage:>10.1%}{wrong[0]:>9.1%}{wrong[1]:>9.1%}"
                f"{clear.worth / repeats:>8.0%}  {', '.join(notes)}",
                flush=True,
            )
    print(
        f"\nin all: worth it where nothing is gained {false[0]:.2%}, not worth it where twice the least useful is "
        f"{false[1]:.2%}; {failed} of {len(wanted)} problems do not hold, in {wide} intervals are too wide; "
        f"{options.repeats} repeats, seed {options.seed}, {time.monotonic() - began:.0f} s"
    )
    return int(failed > 0)


def _chance(share: float, number: int) -> float:
    """The standard error of a share of so many."""
    return float(np.sqrt(share * (1 - share) / number))


def _named(name: str, rows: int, gain: float, repeats: int, seed: int) -> Tally:
    """In another process: the problem by its name, since a partial function of a script is not the same there."""
    problem = next(p for p in problems() if (p.name, p.rows) == (name, rows))
    return simulate(problem, gain, repeats, seed)


if __name__ == "__main__":
    sys.exit(main())
