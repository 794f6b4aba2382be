"""Simulated problems whose true gain is known: how models err, and the interval that is made of their errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import norm

from deepworth.metrics.conclusions import conclude
from deepworth.metrics.intervals import Interval, paired_gain, resampled_gain
from deepworth.metrics.scores import METRICS
from deepworth.types import Conclusion

WORTH = 0.01
GAINS = (0.0, 2 * WORTH, 0.2)
RESAMPLES = 400  # fewer than a verdict makes: it costs 0.2 % of coverage
SHARED = 0.75  # correlation of what makes two models err
TRUTHS = 20_000  # training sets from which the truth of a learner is taken


def least(gain: float, truth: float) -> float:
    """The least useful gain: half the truth where that is only near to twice of it."""
    return truth / 2 if gain == 2 * WORTH and truth > 0 else WORTH


@dataclass(frozen=True)
class Simulated:
    """An interval, the true gain, and what is said. Ends that are no number: none was made."""

    low: float
    high: float
    truth: float
    said: Conclusion


def concluded(found: Interval, gain: float, truth: float) -> Simulated:
    return Simulated(found.low, found.high, truth, conclude(found.low, found.high, least(gain, truth)))


# How models err: `shared` makes all err on the same rows, the rest each on its own; groups move whole groups.


def normals(random: np.random.Generator, models: int, group: np.ndarray, part: float) -> np.ndarray:
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
    latent = normals(random, 1 + seeds, group, part if groups else 0.0)
    errors = [error, *_seed_errors(random, error * (1 - gain), seeds, spread)]
    models = [np.eye(2)[(row > norm.isf(rate)).astype(int)] for row, rate in zip(latent, errors, strict=True)]
    return concluded(_judged("accuracy", random, np.zeros(rows, int), models, group if groups else None), gain, gain)


def auc(
    random: np.random.Generator, rows: int, gain: float, *, error: float, positives: float = 0.3, seeds: int = 1,
    spread: float = 0.0, groups: int | None = None,
) -> Simulated:  # fmt: skip
    """Binormal scores: the AUC of a shift d is Phi(d / sqrt 2). Groups move scores; pairs lie in different groups."""
    group = _groups(random, rows, groups, equal=False)
    labels = (random.random(rows) < positives).astype(int)
    latent = normals(random, 1 + seeds, group, 0.1 if groups else 0.0)
    errors = [error, *_seed_errors(random, error * (1 - gain), seeds, spread)]
    scores = [row + labels * np.sqrt(2) * norm.isf(rate) for row, rate in zip(latent, errors, strict=True)]
    models = [np.column_stack([norm.sf(score), norm.cdf(score)]) for score in scores]
    return concluded(_judged("auc", random, labels, models, group if groups else None), gain, gain)


def regression(
    random: np.random.Generator, rows: int, gain: float, *, heavy: bool = False, metric: str = "rmse",
    groups: int | None = None, equal: bool = True, seeds: int = 1, spread: float = 0.0,
) -> Simulated:  # fmt: skip
    """What no model can know, common to all, plus what each gets wrong."""
    group = _groups(random, rows, groups, equal)
    common = normals(random, 1, group, 0.2 if groups else 0.0)[0]
    if heavy:
        common = common / np.sqrt(random.chisquare(6, rows) / 6) * np.sqrt(4 / 6)  # Student's t, of variance 1
    errors = np.sqrt(2) * np.array([1.0, *_seed_errors(random, 1 - gain, seeds, spread)])
    own = np.sqrt(np.maximum(errors**2 - 1, 0.0))
    latent = normals(random, 1 + seeds, group, 0.2 if groups else 0.0)
    residuals = common + own[:, None] * latent
    found = _judged(metric, random, np.zeros(rows), list(residuals), group if groups else None)
    return concluded(found, gain, gain)


def many_classes(random: np.random.Generator, rows: int, gain: float, *, metric: str, classes: int = 5) -> Simulated:
    """Probabilities from noisy logits; the truth is from 2,000,000 rows."""
    signal, truth = _signal(gain, metric, classes)
    labels, models = _logits(random, rows, (1.5, signal), classes)
    return concluded(_judged(metric, random, labels, models, None), gain, truth)


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
    valid = (normals(random, shallow + deep, group[: max(100, rows * 4 // 5)], 0.0) > norm.isf(rates)[:, None]).mean(1)
    picked = [int(valid[:shallow].argmin()), shallow + int(valid[shallow:].argmin())]
    wrong = normals(random, shallow + deep, group, 0.0)[picked] > norm.isf(rates[picked])[:, None]
    true = 1 - rates[picked[1]] / rates[picked[0]]
    models = [np.eye(2)[row.astype(int)] for row in wrong]
    return concluded(_judged("accuracy", random, np.zeros(rows, int), models, None), gain, float(true))


# Real learners for folds: least squares on two sets of features that tell as much as the other, or more.

FEATURES, PARTS = 6, 5


def table(random: np.random.Generator, rows: int, strength: float, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    x = random.standard_normal((rows, 2 * FEATURES))
    weights = np.concatenate([np.ones(FEATURES), strength * np.ones(FEATURES)]) / np.sqrt(FEATURES)
    y = x @ weights + random.standard_normal(rows)
    return x, (y > 0).astype(float) if classes else y


def fitted(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> list[np.ndarray]:
    """What least squares on the first half of the features says of the test rows, and on the second."""
    values = []
    for half in np.array_split(np.arange(x.shape[1]), 2):
        design = x[np.ix_(train, half)]
        solved = np.linalg.solve(design.T @ design + np.eye(len(half)), design.T @ (y[train] - y[train].mean()))
        values.append(x[np.ix_(test, half)] @ solved + y[train].mean())
    return values


def error(metric: str, y: np.ndarray, value: np.ndarray) -> float:
    if metric == "rmse":
        return float(np.sqrt(np.mean((y - value) ** 2)))
    if metric == "accuracy":
        return float(np.mean((value > 0.5) != y))
    return 1 - METRICS["auc"].score(y.astype(int), np.column_stack([1 - value, value]))


def _errors(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, metric: str) -> list[float]:
    return [error(metric, y[test], value) for value in fitted(x, y, train, test)]


@cache
def truth(rows: int, strength: float, metric: str) -> float:
    """The gain in the mean error over training sets of the size a fold has."""
    random, learn, judge = np.random.default_rng(1), rows - rows // PARTS, 2000
    rounds = TRUTHS // 20
    errors = np.zeros(2)
    for _ in range(rounds):
        x, y = table(random, learn + judge, strength, metric != "rmse")
        errors += _errors(x, y, np.arange(learn), np.arange(learn, learn + judge), metric)
    return float(1 - errors[1] / errors[0])


def folds(random: np.random.Generator, rows: int, gain: float, *, metric: str, repeats: int) -> Simulated:
    strength = 1.0 if gain == 0 else 1.0 + gain
    x, y = table(random, rows, strength, metric != "rmse")
    errors = []
    for _ in range(repeats):
        order = random.permutation(rows)
        for test in np.array_split(order, PARTS):
            errors.append(_errors(x, y, np.setdiff1d(order, test), test, metric))
    found = resampled_gain(*np.array(errors).T, train=rows * (1 - 1 / PARTS), test=rows / PARTS)
    return concluded(found, gain, truth(rows, strength, metric) if gain else 0.0)
