"""Whether the verdict keeps its word: simulated problems whose true gain is known, judged as the verdict judges.

    python benchmarks/soundness.py [--repeats 500] [--seed 0] [--jobs 2] [--only groups]

Of every problem: no gain, one of twice the least useful, and one of 20 %, `repeats` times each with fresh data. Printed
are the share of 95 % intervals that hold the truth (over all three; 93 to 97 % wanted), how often "worth it" is said
where there is no gain and "not worth it" where it is twice the least useful (at most 2.5 %, up to what chance explains:
2.33 standard errors), and the power: how often a gain of 20 % is called "worth it". Models share most of their errors,
as real ones do. In "choice" the best of several is taken on validation rows first; in "folds" real learners are
refitted in a repeated cross-validation, and the truth is their mean error over training sets. It ends with code 1 where
something does not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.stats import norm

from deepworth.metrics.conclusions import conclude
from deepworth.metrics.intervals import Interval, paired_gain, resampled_gain
from deepworth.metrics.scores import METRICS

WORTH = 0.01
GAINS = (0.0, 2 * WORTH, 0.2)
RESAMPLES = 400  # fewer than a verdict makes: it costs 0.2 % of coverage
SHARED = 0.75  # correlation of what makes two models err
TRUTHS = 20_000  # training sets from which the truth of a learner is taken

Simulated = tuple[Interval, float]  # and the true gain


@dataclass(frozen=True)
class Problem:
    name: str
    rows: int
    make: Callable[[np.random.Generator, int, float], Simulated]  # (random, rows, gain)

    def key(self, gain: float, seed: int) -> list[int]:
        return [seed, zlib.crc32(f"{self.name} {self.rows} {gain}".encode())]


# How models err: `shared` makes all err on the same rows, the rest each on its own; groups move whole groups.


def _latent(random: np.random.Generator, models: int, group: np.ndarray, part: float) -> np.ndarray:
    """(models, rows) standard normal, correlated SHARED between models; `part` of the variance is that of the group."""

    def once() -> np.ndarray:
        within = random.standard_normal(len(group))
        return (
            within
            if not part
            else np.sqrt(part) * random.standard_normal(group.max() + 1)[group] + np.sqrt(1 - part) * within
        )

    common = once()
    return np.stack([np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * once() for _ in range(models)])


def _seed_errors(random: np.random.Generator, error: float, seeds: int, spread: float) -> np.ndarray:
    """Errors of fits with different seeds; their mean over all seeds is `error`."""
    return error * np.exp(spread * random.standard_normal(seeds) - spread**2 / 2)


def _groups(random: np.random.Generator, rows: int, groups: int | None, equal: bool) -> np.ndarray:
    if groups is None:
        return np.arange(rows)
    shares = np.ones(groups) if equal else random.gamma(2.0, size=groups) + 0.2
    return np.concatenate([np.arange(groups), random.choice(groups, rows - groups, p=shares / shares.sum())])


def _judged(
    metric: str, random: np.random.Generator, labels: np.ndarray, models: list[np.ndarray], group: np.ndarray | None
) -> Interval:
    return paired_gain(
        METRICS[metric],
        labels,
        models[:1],
        models[1:],
        groups=group,
        resamples=RESAMPLES,
        seed=int(random.integers(2**31)),
    )


def accuracy(
    random: np.random.Generator, rows: int, gain: float, *, error: float, groups: int | None = None, equal: bool = True,
    part: float = 0.1, seeds: int = 1, spread: float = 0.0,
) -> Simulated:  # fmt: skip
    """A row is wrong where a latent normal lies above a threshold."""
    group = _groups(random, rows, groups, equal)
    latent = _latent(random, 1 + seeds, group, part if groups else 0.0)
    errors = [error, *_seed_errors(random, error * (1 - gain), seeds, spread)]
    models = [np.eye(2)[(row > norm.isf(rate)).astype(int)] for row, rate in zip(latent, errors, strict=True)]
    return _judged("accuracy", random, np.zeros(rows, int), models, group if groups else None), gain


def auc(
    random: np.random.Generator, rows: int, gain: float, *, error: float, positives: float = 0.3, seeds: int = 1,
    spread: float = 0.0, groups: int | None = None,
) -> Simulated:  # fmt: skip
    """Binormal scores: the AUC of a shift d is Phi(d / sqrt 2). Groups move scores; pairs lie in different groups."""
    group = _groups(random, rows, groups, equal=False)
    labels = (random.random(rows) < positives).astype(int)
    latent = _latent(random, 1 + seeds, group, 0.1 if groups else 0.0)
    errors = [error, *_seed_errors(random, error * (1 - gain), seeds, spread)]
    scores = [row + labels * np.sqrt(2) * norm.isf(rate) for row, rate in zip(latent, errors, strict=True)]
    models = [np.column_stack([norm.sf(score), norm.cdf(score)]) for score in scores]
    return _judged("auc", random, labels, models, group if groups else None), gain


def regression(
    random: np.random.Generator, rows: int, gain: float, *, heavy: bool = False, metric: str = "rmse",
    groups: int | None = None, equal: bool = True, seeds: int = 1, spread: float = 0.0,
) -> Simulated:  # fmt: skip
    """What no model can know, common to all, plus what each gets wrong."""
    group = _groups(random, rows, groups, equal)
    common = _latent(random, 1, group, 0.2 if groups else 0.0)[0]
    if heavy:
        common = common / np.sqrt(random.chisquare(6, rows) / 6) * np.sqrt(4 / 6)  # Student's t, of variance 1
    errors = np.sqrt(2) * np.array([1.0, *_seed_errors(random, 1 - gain, seeds, spread)])
    own = np.sqrt(np.maximum(errors**2 - 1, 0.0))
    latent = _latent(random, 1 + seeds, group, 0.2 if groups else 0.0)
    residuals = common + own[:, None] * latent
    return _judged(metric, random, np.zeros(rows), list(residuals), group if groups else None), gain


def many_classes(random: np.random.Generator, rows: int, gain: float, *, metric: str, classes: int = 5) -> Simulated:
    """Probabilities from noisy logits; the truth is from 2,000,000 rows."""
    signal, truth = _signal(gain, metric, classes)
    labels, models = _logits(random, rows, (1.5, signal), classes)
    return _judged(metric, random, labels, models, None), truth


def _logits(
    random: np.random.Generator, rows: int, signals: tuple[float, ...], classes: int
) -> tuple[np.ndarray, list]:
    labels = random.integers(0, classes, rows)
    noise = random.standard_normal((rows, classes))
    models = []
    for signal in signals:
        own = np.sqrt(SHARED) * noise + np.sqrt(1 - SHARED) * random.standard_normal((rows, classes))
        weights = np.exp(signal * (own + signal * np.eye(classes)[labels]))
        models.append(weights / weights.sum(1, keepdims=True))
    return labels, models


@cache
def _signal(gain: float, metric: str, classes: int) -> tuple[float, float]:
    """The signal of the challenger that makes about this gain, and the gain that it makes."""
    if gain == 0:
        return 1.5, 0.0
    tried = np.array([1.5, 1.52, 1.55, 1.6, 1.7, 1.8])
    errors = [_population(float(signal), metric, classes) for signal in tried]
    signal = float(np.interp(gain, 1 - np.array(errors) / errors[0], tried))
    return signal, 1 - _population(signal, metric, classes) / errors[0]


def _population(signal: float, metric: str, classes: int) -> float:
    errors = []
    for seed in range(20):
        labels, (model,) = _logits(np.random.default_rng(seed), 100_000, (signal,), classes)
        errors.append(METRICS[metric].to_error(METRICS[metric].score(labels, model)))
    return float(np.mean(errors))


def chosen(random: np.random.Generator, rows: int, gain: float, *, deep: int = 6, shallow: int = 3) -> Simulated:
    """The best of several on validation rows, judged on test rows: the truth is that of the chosen two."""
    error = 0.15
    worse = np.array([*(0.0, 0.0, 0.05)[:shallow], *np.tile([0.0, 0.0, 0.03], deep)[:deep]])
    rates = error * (1 + worse) * np.where(np.arange(shallow + deep) < shallow, 1.0, 1 - gain)
    group = np.arange(rows)
    valid = (_latent(random, shallow + deep, group[: max(100, rows * 4 // 5)], 0.0) > norm.isf(rates)[:, None]).mean(1)
    picked = [int(valid[:shallow].argmin()), shallow + int(valid[shallow:].argmin())]
    wrong = _latent(random, shallow + deep, group, 0.0)[picked] > norm.isf(rates[picked])[:, None]
    truth = 1 - rates[picked[1]] / rates[picked[0]]
    models = [np.eye(2)[row.astype(int)] for row in wrong]
    return _judged("accuracy", random, np.zeros(rows, int), models, None), float(truth)


# Real learners for folds: least squares on two sets of features that tell as much as the other, or more.

FEATURES, PARTS = 6, 5


def _table(random: np.random.Generator, rows: int, strength: float, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    x = random.standard_normal((rows, 2 * FEATURES))
    weights = np.concatenate([np.ones(FEATURES), strength * np.ones(FEATURES)]) / np.sqrt(FEATURES)
    y = x @ weights + random.standard_normal(rows)
    return x, (y > 0).astype(float) if classes else y


def _errors(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, metric: str) -> list[float]:
    """Of least squares on the first half of the features, and on the second."""
    errors = []
    for half in (slice(0, FEATURES), slice(FEATURES, None)):
        design = x[train][:, half]
        solved = np.linalg.solve(design.T @ design + np.eye(FEATURES), design.T @ (y[train] - y[train].mean()))
        value = x[test][:, half] @ solved + y[train].mean()
        if metric == "rmse":
            errors.append(float(np.sqrt(np.mean((y[test] - value) ** 2))))
        elif metric == "accuracy":
            errors.append(float(np.mean((value > 0.5) != y[test])))
        else:
            score = METRICS["auc"].score(y[test].astype(int), np.column_stack([1 - value, value]))
            errors.append(1 - score)
    return errors


@cache
def _truth(rows: int, strength: float, metric: str) -> float:
    """The gain in the mean error over training sets of the size a fold has."""
    random, learn, judge = np.random.default_rng(1), rows - rows // PARTS, 2000
    rounds = TRUTHS // 20
    errors = np.zeros(2)
    for _ in range(rounds):
        x, y = _table(random, learn + judge, strength, metric != "rmse")
        errors += _errors(x, y, np.arange(learn), np.arange(learn, learn + judge), metric)
    return float(1 - errors[1] / errors[0])


def folds(random: np.random.Generator, rows: int, gain: float, *, metric: str, repeats: int) -> Simulated:
    strength = 1.0 if gain == 0 else 1.0 + gain
    x, y = _table(random, rows, strength, metric != "rmse")
    errors = []
    for _ in range(repeats):
        order = random.permutation(rows)
        for test in np.array_split(order, PARTS):
            errors.append(_errors(x, y, np.setdiff1d(order, test), test, metric))
    found = resampled_gain(*np.array(errors).T, train=rows * (1 - 1 / PARTS), test=rows / PARTS)
    return found, _truth(rows, strength, metric) if gain else 0.0


def problems() -> list[Problem]:
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
    ]
    return [Problem(name, rows, make) for name, sizes, make in kinds for rows in sizes]


@dataclass(frozen=True)
class Tally:
    held: int
    worth: int
    not_worth: int


def simulate(problem: Problem, gain: float, repeats: int, seed: int) -> Tally:
    random = np.random.default_rng(problem.key(gain, seed))
    held = worth = not_worth = 0
    for _ in range(repeats):
        found, truth = problem.make(random, problem.rows, gain)
        least = (
            truth / 2 if gain == 2 * WORTH and truth > 0 else WORTH
        )  # where the truth is only near: twice the least useful
        said = conclude(found.low, found.high, least)
        held += found.low <= truth <= found.high
        worth += said == "worth it" and (gain > 0 or truth <= 0)
        not_worth += said == "not worth it" and truth > 0
    return Tally(held, worth, not_worth)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    began, repeats = time.monotonic(), options.repeats
    wanted = [p for p in problems() if options.only in p.name]
    print(f"{'':34}{'rows':>7}{'coverage':>10}{'worth|0':>9}{'not|2x':>9}{'power':>8}", flush=True)
    bound = 0.025 + 2.33 * np.sqrt(0.025 * 0.975 / repeats)
    failed, false = 0, np.zeros(2)
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {
            (p, gain): pool.submit(_named, p.name, p.rows, gain, repeats, options.seed)
            for p in wanted
            for gain in GAINS
        }
        for problem in wanted:
            none, twice, clear = (running[problem, gain].result() for gain in GAINS)
            coverage = (none.held + twice.held + clear.held) / (3 * repeats)
            wrong = np.array([none.worth, twice.not_worth]) / repeats
            false += wrong / len(wanted)
            faults = []
            if not 0.93 <= coverage <= 0.97:
                faults.append("intervals too " + ("narrow" if coverage < 0.93 else "wide"))
            if (wrong > bound).any():
                faults.append("says too much")
            failed += bool(faults)
            print(
                f"{problem.name:34}{problem.rows:>7,}{coverage:>10.1%}{wrong[0]:>9.1%}{wrong[1]:>9.1%}"
                f"{clear.worth / repeats:>8.0%}  {', '.join(faults) or 'holds'}",
                flush=True,
            )
    print(
        f"\nin all: worth it where nothing is gained {false[0]:.2%}, not worth it where twice the least useful is "
        f"{false[1]:.2%}; {failed} of {len(wanted)} problems do not hold; {repeats} repeats, seed {options.seed}, "
        f"{time.monotonic() - began:.0f} s"
    )
    return int(failed > 0)


def _named(name: str, rows: int, gain: float, repeats: int, seed: int) -> Tally:
    """In another process: the problem by its name, since a partial function of a script is not the same there."""
    problem = next(p for p in problems() if (p.name, p.rows) == (name, rows))
    return simulate(problem, gain, repeats, seed)


if __name__ == "__main__":
    sys.exit(main())
