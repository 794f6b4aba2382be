"""Simulated runs whose true gain is known, each a run folder that the verdict itself judges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _simulated import PARTS, Simulated, error, fitted, least, normals, table, truth
from scipy.stats import norm

from deepworth.climb.again import REPETITIONS
from deepworth.data.divisions import Rows, folds
from deepworth.metrics.scores import METRICS
from deepworth.store import RunFolder
from deepworth.types import Dataset, Goals, Repeat, Splits, Task, TrialResult
from deepworth.verdict import judge

DEEP = "net"
DRIFT = (0.1, 0.12, 0.15), (0.2, 0.15, 0.18)  # errors of shallow models on validation and on test rows
SLIGHT = DRIFT[0], (0.17, 0.15, 0.18)  # too little to be seen always
ALIKE = (1.013 * np.sqrt(2), np.sqrt(2))  # the first errs like the deep model, and is seen to be worse than it
ROOM = 0.2  # of the rows are tested on in the run's own division, as many chosen on
FEATURES, VIEW_ERROR = 6, 0.02  # of a view, and of the best rule on it


class Made:
    """A run folder with a division of so many rows, and trials in it. The deep one is called DEEP."""

    def __init__(
        self, path: Path, metric: str, test_labels: np.ndarray, train: int, valid: int, protocol: str = "random"
    ) -> None:
        self.run, self.metric, self.labels, self.protocol = RunFolder(path), metric, test_labels, protocol
        self.trials: list[TrialResult] = []
        (self.run.path / "splits").mkdir()
        self.run.sealed.mkdir(parents=True)
        np.save(self.run.sealed / "labels_test.npy", test_labels)
        kind, classes = ("regression", ()) if metric == "rmse" else ("binary", (0, 1))
        dataset = Dataset(
            name="made", source="made", reader="frame", modality="tabular", columns=(), features=(), fingerprint="made",
            task=Task(kind=kind, target="y", metric=metric, classes=classes), rows=train + valid + len(test_labels),
            table="table.arrow",
        )  # fmt: skip
        self.run.save("data/dataset", dataset)
        self.divide(".", train, valid, len(test_labels))

    def divide(self, folder: str, train: int, valid: int, test: int) -> None:
        splits = Splits(protocol=self.protocol, seed=0, train=train, valid=valid, test=test, fingerprint=folder)
        RunFolder(self.run.path / folder).save("splits/splits", splits)

    def trial(self, model: str, valid_error: float, predicted: np.ndarray) -> None:
        """`valid_error` is what the metric turns its score on the validation rows into."""
        to_error, score = METRICS[self.metric].to_error, METRICS[self.metric].score(self.labels, predicted)
        self.run.trial(model).mkdir(parents=True)
        np.save(self.run.trial(model) / "predictions_test.npy", predicted)
        valid = 1 - valid_error if to_error(1.0) == 0 else valid_error
        self.trials.append(
            TrialResult(
                key=model, model=model, rung="custom" if model == DEEP else "classical", status="done", seconds=1.0,
                valid={self.metric: valid}, test={self.metric: score},
            )
        )  # fmt: skip

    def judged(self, random: np.random.Generator, gain: float, true: float) -> Simulated:
        goals = Goals(worth=least(gain, true), seed=int(random.integers(2**31)))
        verdict = judge(self.run, self.trials, goals, {})
        low, high = (verdict.gain.low, verdict.gain.high) if verdict.gain else (math.nan, math.nan)
        return Simulated(low, high, true, verdict.verdict)


def shallow(
    random: np.random.Generator, rows: int, gain: float, *, metric: str, valid: Sequence[float],
    test: Sequence[float], protocol: str, alike: float = 0.0,
) -> Simulated:  # fmt: skip
    """Shallow models with these true errors, and a deep one with less than the best of them on test rows by `gain`.

    Of what makes the first err, a share `alike` is what makes the deep one err, beside what all have in common.

    The shallow one compared is chosen by the verdict: on as many validation rows, and by `verdict.reference`.
    """
    best = min(test) * (1 - gain)
    labels = np.zeros(rows, int if metric == "accuracy" else float)
    on_valid = _predicted(random, metric, rows, [*valid, best], alike)
    on_test = _predicted(random, metric, rows, [*test, best], alike)
    score = METRICS[metric]
    with TemporaryDirectory() as folder:
        made = Made(Path(folder), metric, labels, 4 * rows, rows, protocol)
        for number, (one, other) in enumerate(zip(on_valid, on_test, strict=True)):
            name = DEEP if number == len(test) else f"shallow-{number}"
            made.trial(name, float(score.to_error(score.score(labels, one))), other)
        return made.judged(random, gain, gain)


def equal(
    random: np.random.Generator, rows: int, gain: float, *, metric: str, off: float, models: int = 6,
    protocol: str = "random",
) -> Simulated:  # fmt: skip
    return shallow(random, rows, gain, metric=metric, valid=[off] * models, test=[off] * models, protocol=protocol)


def _predicted(
    random: np.random.Generator, metric: str, rows: int, errors: Sequence[float], alike: float
) -> list[np.ndarray]:
    """Predictions with these true errors where all labels are 0; an RMSE has 1 that no model can know."""
    off = normals(random, len(errors), np.arange(rows), 0.0)
    if alike:
        off[0] = np.sqrt(alike) * off[-1] + np.sqrt(1 - alike) * random.standard_normal(rows)
    if metric == "accuracy":
        return [np.eye(2)[(one > norm.isf(rate)).astype(int)] for one, rate in zip(off, errors, strict=True)]
    common = random.standard_normal(rows)
    return [common + np.sqrt(size**2 - 1) * one for one, size in zip(off, errors, strict=True)]


def refitted(random: np.random.Generator, rows: int, gain: float, *, metric: str) -> Simulated:
    """Few rows, and folds of both: least squares on two halves of the features, as in "folds"."""
    strength = 1.0 if gain == 0 else 1.0 + gain
    x, y = table(random, rows, strength, metric != "rmse")
    pool = rows - round(ROOM * rows)
    return _with_folds(random, x, y, metric, gain, truth(pool, strength, metric) if gain else 0.0)


def faultless(random: np.random.Generator, rows: int, gain: float) -> Simulated:
    """The same with two views of which each nearly tells the class: often the base has no error on the test rows."""
    x, y = _views(random, rows, gain)
    return _with_folds(random, x, y, "accuracy", gain, _views_truth(rows - round(ROOM * rows), gain))


def _with_folds(
    random: np.random.Generator, x: np.ndarray, y: np.ndarray, metric: str, gain: float, true: float
) -> Simulated:
    """Made again by the product's own folds: of training and test rows, beside the validation rows."""
    rows, few = len(y), round(ROOM * len(y))
    part = np.repeat([0, 1, 2], [rows - 2 * few, few, few])
    train, valid, test = (np.flatnonzero(part == one) for one in range(3))
    codes = y.astype(int) if metric == "accuracy" else y
    known = Rows(table=np.arange(rows), part=part, codes=codes, classes=2 if metric == "accuracy" else 0)
    with TemporaryDirectory() as folder:
        made = Made(Path(folder), metric, codes[test], len(train), few)
        models = ("linear", DEEP)
        for model, on_valid, on_test in zip(models, fitted(x, y, train, valid), fitted(x, y, train, test), strict=True):
            said = np.eye(2)[(on_test > 0.5).astype(int)] if metric == "accuracy" else on_test
            made.trial(model, error(metric, y[valid], on_valid), said)
        repeats = []
        for repetition in range(REPETITIONS):
            for one in folds(known, repetition, int(random.integers(2**31))):
                made.divide(f"divisions/{one.name}", len(one.train), few, len(one.test))
                for model, value in zip(models, fitted(x, y, one.train, one.test), strict=True):
                    repeats.append(_fold(model, one.name, len(one.train), error(metric, y[one.test], value)))
        made.run.save("repeats", repeats)
        return made.judged(random, gain, true)


def _fold(model: str, name: str, rows: int, off: float) -> Repeat:
    return Repeat(
        of=model, purpose="fold", number=int(name.split("-")[1]), rows=rows, folder=f"divisions/{name}", key=model,
        seconds=1.0, error=off,
    )  # fmt: skip


# Two views of a class: in each a normal distribution of variance 1 a class, so far apart as its error demands.


def _means(gain: float) -> np.ndarray:
    """(2 * FEATURES,) of the second class; the first has the negative."""
    return np.repeat(norm.isf([VIEW_ERROR, VIEW_ERROR * (1 - gain)]) / np.sqrt(FEATURES), FEATURES)


def _views(random: np.random.Generator, rows: int, gain: float) -> tuple[np.ndarray, np.ndarray]:
    y = random.integers(0, 2, rows).astype(float)
    return (2 * y - 1)[:, None] * _means(gain) + random.standard_normal((rows, 2 * FEATURES)), y


@cache
def _views_truth(pool: int, gain: float, rounds: int = 2000) -> float:
    """The gain in the mean error over training sets of the size a fold has; the error of each is known exactly."""
    if gain == 0:
        return 0.0
    random, learn = np.random.default_rng(1), pool - pool // PARTS
    corners = np.vstack([np.zeros(2 * FEATURES), np.eye(2 * FEATURES)])  # what a linear rule says there is all of it
    errors = np.zeros(2)
    for _ in range(rounds):
        x, y = _views(random, learn, gain)
        x, y = np.vstack([x, corners]), np.append(y, np.zeros(len(corners)))
        rules = fitted(x, y, np.arange(learn), learn + np.arange(len(corners)))
        for side, (rule, half) in enumerate(zip(rules, (slice(0, FEATURES), slice(FEATURES, None)), strict=True)):
            slope, mean = rule[1:][half] - rule[0], _means(gain)[half]
            size = np.linalg.norm(slope)
            errors[side] += norm.cdf((0.5 - rule[0] - slope @ mean) / size) / 2  # of the second class, and of the first
            errors[side] += norm.sf((0.5 - rule[0] + slope @ mean) / size) / 2
    return float(1 - errors[1] / errors[0])
