"""Linear and tree heads over a matrix of features, shared by hand-made and frozen features."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax
from threadpoolctl import threadpool_limits

from deepworth.errors import OutOfTime
from deepworth.models._boosted import raw_scores, read_trees
from deepworth.types import Task, dump, load

STRENGTHS = tuple(float(f"1e{power}") for power in (1, 0, -1, -2, -3, -4, -5))  # L2 a row, strong to weak
UNCHOSEN = 1e-2  # the strength without validation rows
PATIENCE = 2  # strengths in a row that may be no better before the path ends
STEPS = 100  # of L-BFGS a strength; warm starts make most take 10 to 40
FAR = 20.0  # standard deviations: a test row further off must not decide by one feature
SHARPEST = 20.0  # times, that scores are made larger or smaller
ABSENT = -30.0  # log-odds of a class that has no training row
ROUNDS = 400  # of boosting, unless early stopping or the deadline ends it
ROUNDS_UNCHOSEN = 100  # of boosting without validation rows
ROUNDS_PATIENCE = 30
MATTERS = 1e-3  # of the first round's loss: less is no progress (240 easy rows went on for 1,000 rounds)
SLOWER = 2.0  # a shared machine may become so much slower between measuring and doing
TIMED = 500  # rows whose prediction is timed while boosting
PREDICTED = 5  # times the validation rows that are predicted after the fit: themselves and the test rows

Path_ = Iterator[tuple[float, np.ndarray, np.ndarray]]  # (strength, weights (d, outputs), bias (outputs,))


def _silent(share: float, message: str) -> None:
    """Nobody watches."""


class LinearHead:
    """Softmax or ridge regression on standardised features, its L2 strength chosen on the validation rows."""

    def __init__(self, task: Task, seed: int = 0) -> None:
        self.task, self.seed = task, seed  # nothing here is random; the seed is part of what a head is
        self.strength = 0.0
        self.weights = np.zeros((0, 0), dtype=np.float32)  # (d, outputs), of standardised features
        self.bias = np.zeros(0)
        self.mean = self.scale = np.zeros(0, dtype=np.float32)
        self.sharpness = 1.0  # factor on the scores of classes that have training rows
        self.late = False  # whether the deadline ended the fit

    def fit(
        self,
        x_train: np.ndarray,
        y_train: np.ndarray,
        x_valid: np.ndarray,
        y_valid: np.ndarray,
        metric: str = "",
        threads: int = 1,
        deadline: float = float("inf"),
        tell: Callable[[float, str], None] = _silent,
    ) -> LinearHead:
        """Walk the strengths from strong to weak, each from where the last ended; keep the best on the valid rows.

        `x` are float (n, d), `y` int64 class codes or float64 targets (n,). Raises OutOfTime only when the deadline
        passes before the first strength is solved.
        """
        finite = np.where(np.isfinite(x_train), x_train, np.nan) if not np.isfinite(x_train.sum()) else x_train
        self.mean = np.nan_to_num(np.nanmean(finite, axis=0, dtype=np.float64)).astype(np.float32)
        spread = np.nan_to_num(np.nanstd(finite, axis=0, dtype=np.float64))
        self.scale = np.where(spread > 1e-7, 1.0 / np.maximum(spread, 1e-7), 0.0).astype(np.float32)
        x, xv = self._standard(x_train), self._standard(x_valid)
        path = self._softmax_path if self.task.is_classification else self._ridge_path
        best, worse = np.inf, 0
        with threadpool_limits(threads):
            for step, (strength, weights, bias) in enumerate(path(x, y_train, deadline), start=1):
                tell(step / len(STRENGTHS), f"strength {strength:g}")
                if len(xv):
                    loss = self._loss(xv @ weights + bias, y_valid, metric)
                else:  # the path ends at the strength that serves most data
                    loss = -step if strength >= UNCHOSEN else np.inf
                if loss < best:
                    best, worse = loss, 0
                    self.strength, self.weights, self.bias = strength, weights, bias
                else:
                    worse += 1
                if worse == PATIENCE:
                    break
        if not self.strength:
            raise OutOfTime("the deadline passed before the linear head was fitted")
        if metric == "accuracy":  # else the strength was chosen by the log loss itself
            seen = np.flatnonzero(self.bias != ABSENT)
            known = np.isin(y_valid, seen)
            scores = (xv[known] @ self.weights + self.bias)[:, seen]
            self.sharpness = _sharpness(scores, np.searchsorted(seen, y_valid[known]))
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(n, classes) float64 probabilities, or (n,) float64 values."""
        scores = (self._standard(x) @ self.weights).astype(np.float64) + self.bias
        if not self.task.is_classification:
            return scores[:, 0]
        return softmax(np.where(self.bias == ABSENT, ABSENT, scores * self.sharpness), axis=1)

    def save(self, folder: Path) -> None:
        """Write `linear.json` and `linear.npz`."""
        task = json.loads(dump(self.task))
        facts = {"task": task, "seed": self.seed, "strength": self.strength, "sharpness": self.sharpness}
        (folder / "linear.json").write_text(json.dumps(facts))
        np.savez(folder / "linear.npz", weights=self.weights, bias=self.bias, mean=self.mean, scale=self.scale)

    @classmethod
    def load(cls, folder: Path) -> LinearHead:
        facts = json.loads((folder / "linear.json").read_text())
        head = cls(load(Task, json.dumps(facts["task"])), facts["seed"])
        head.strength, head.sharpness = facts["strength"], facts.get("sharpness", 1.0)  # the first ones had none
        with np.load(folder / "linear.npz", allow_pickle=False) as arrays:
            head.weights, head.bias, head.mean, head.scale = (
                arrays[name] for name in ("weights", "bias", "mean", "scale")
            )
        return head

    def _standard(self, x: np.ndarray) -> np.ndarray:
        z = (np.asarray(x, dtype=np.float32) - self.mean) * self.scale
        np.nan_to_num(z, copy=False, posinf=0.0, neginf=0.0)  # an unusable feature counts as average
        return np.clip(z, -FAR, FAR, out=z)

    def _loss(self, scores: np.ndarray, y: np.ndarray, metric: str) -> float:
        """What the validation rows say, lower is better; ties of the accuracy go to the log loss."""
        if not self.task.is_classification:
            return float(np.abs(scores[:, 0] - y).mean() if metric == "mae" else np.square(scores[:, 0] - y).mean())
        log_loss = -float(log_softmax(scores.astype(np.float64), axis=1)[np.arange(len(y)), y].mean())
        return float((scores.argmax(axis=1) != y).mean()) + 1e-3 * log_loss if metric == "accuracy" else log_loss

    def _softmax_path(self, x: np.ndarray, y: np.ndarray, deadline: float) -> Path_:
        """Softmax regressions by L-BFGS: matrix products in float32, sums and steps in float64.

        Tried and dropped: coordinates whitened by Boehning's bound on the Hessian (as many iterations on banking77).
        """
        (rows, width), every = x.shape, np.arange(len(x))
        counts = np.bincount(y, minlength=len(self.task.classes))
        seen = np.flatnonzero(counts)  # an absent class would only drift off
        codes = np.searchsorted(seen, y)
        flat = np.concatenate([np.zeros(width * len(seen)), np.log(counts[seen] / rows)])

        def loss(flat: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
            weights = flat[: -len(seen)].reshape(width, -1).astype(np.float32)
            scores = x @ weights
            scores += flat[-len(seen) :].astype(np.float32)
            scores -= scores.max(axis=1, keepdims=True)
            hit = scores[every, codes].sum(dtype=np.float64)
            np.exp(scores, out=scores)
            total = scores.sum(axis=1, keepdims=True)
            value = (np.log(total).sum(dtype=np.float64) - hit) / rows
            scores /= total
            scores[every, codes] -= 1.0
            slope = (x.T @ scores) / rows + strength * weights
            value += 0.5 * strength * np.square(weights).sum(dtype=np.float64)
            return float(value), np.concatenate([slope.ravel(), scores.mean(axis=0)]).astype(np.float64)

        told, slowest = time.monotonic(), 0.0

        def stop_in_time(intermediate_result: Any) -> None:
            nonlocal told, slowest
            slowest, told = max(slowest, time.monotonic() - told), time.monotonic()
            if told + SLOWER * slowest > deadline:
                self.late = True
                raise StopIteration

        for strength in STRENGTHS:
            if time.monotonic() + slowest > deadline:
                return
            told = time.monotonic()
            options = {"maxiter": STEPS, "gtol": 1e-4, "ftol": 1e-9}
            found = minimize(
                loss, flat, args=(strength,), jac=True, method="L-BFGS-B", callback=stop_in_time, options=options
            )
            flat = found.x
            weights = np.zeros((width, len(counts)), dtype=np.float32)
            bias = np.full(len(counts), ABSENT)
            weights[:, seen] = flat[: -len(seen)].reshape(width, -1)
            bias[seen] = flat[-len(seen) :]
            yield strength, weights, bias

    def _ridge_path(self, x: np.ndarray, y: np.ndarray, deadline: float) -> Path_:
        """Ridge regressions by the Cholesky factor of the smaller Gram matrix."""
        rows, width = x.shape
        offset = float(y.mean())
        primal = width <= rows
        gram = ((x.T @ x) if primal else (x @ x.T)).astype(np.float64) / rows
        centred = (y - offset) / rows
        for strength in STRENGTHS:
            if time.monotonic() > deadline:
                return
            factor = cho_factor(gram + strength * np.eye(len(gram)))
            weights = cho_solve(factor, x.T @ centred) if primal else x.T @ cho_solve(factor, centred)
            yield strength, weights[:, None].astype(np.float32), np.array([offset])


def _sharpness(scores: np.ndarray, y: np.ndarray) -> float:
    """The factor on scores (n, classes) with which their probabilities fit the rows best; it reorders none.

    Temperature scaling (Guo et al., ICML 2017): the strength that is right most often is not the best calibrated one.
    One row more that is of every class alike keeps few rows, all of them right, from making it certain.
    """
    rows, scores = np.arange(len(y)), scores.astype(np.float64)
    doubt = 1.0 / (len(y) + 1)

    def loss(power: float) -> float:
        told = log_softmax(np.exp(power) * scores, axis=1)
        return -float((1.0 - doubt) * told[rows, y].mean() + doubt * told.mean())

    limit = np.log(SHARPEST)
    return float(np.exp(minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x)) if len(y) else 1.0


class TreeHead:
    """LightGBM with early stopping on the validation rows, set for wide matrices of alike features."""

    def __init__(self, task: Task, seed: int = 0) -> None:
        self.task, self.seed = task, seed
        self.rounds, self.threads = 0, 1
        self.late = False  # whether the deadline ended the fit
        self.booster: Any = None

    def fit(
        self,
        x_train: np.ndarray,
        y_train: np.ndarray,
        x_valid: np.ndarray,
        y_valid: np.ndarray,
        metric: str = "",
        threads: int = 1,
        deadline: float = float("inf"),
        tell: Callable[[float, str], None] = _silent,
    ) -> TreeHead:
        """Boost until the log loss (or squared or, for "mae", absolute error) of the valid rows stops falling.

        Arguments as for LinearHead. The round under way at the deadline is the last. Raises OutOfTime only when it
        passed before the first.
        """
        import lightgbm

        if time.monotonic() > deadline:
            raise OutOfTime("the deadline passed before the first tree")
        settings = self._settings(x_train, metric, threads)
        data = lightgbm.Dataset(x_train, y_train, params=settings)
        booster = lightgbm.Booster(settings, data)
        if len(x_valid):
            booster.add_valid(lightgbm.Dataset(x_valid, y_valid, reference=data, params=settings), "valid")
        best, least, last = np.inf, 0.0, ROUNDS if len(x_valid) else ROUNDS_UNCHOSEN
        each = after = 0.0  # seconds of a round, and of what a round adds to the predictions
        for done in range(1, last + 1):
            start = time.monotonic()
            finished = booster.update()
            loss = booster.eval_valid()[0][2] if len(x_valid) else -done
            each = max(each, time.monotonic() - start) if done < 5 else 0.8 * each + 0.2 * (time.monotonic() - start)
            if loss < best - least:
                best, self.rounds = loss, done
            if done == 1 and len(x_valid):
                least = MATTERS * abs(loss)
            if len(x_valid) and done & (done - 1) == 0 and deadline < float("inf"):
                start, few = time.monotonic(), x_valid[:TIMED]
                raw_scores(booster, few, done, threads)
                after = (time.monotonic() - start) / done / len(few) * PREDICTED * len(x_valid)
            tell(done / last, f"{done} rounds")
            self.late = time.monotonic() + SLOWER * (each + after * done) > deadline
            if finished or done - self.rounds >= ROUNDS_PATIENCE or self.late:
                break
        self.rounds = max(self.rounds, 1)
        self.booster = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=self.rounds))
        self.threads = threads
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(n, classes) float64 probabilities, or (n,) float64 values."""
        if not len(x):
            return np.zeros((0, len(self.task.classes)) if self.task.is_classification else 0)
        scores = raw_scores(self.booster, x, self.booster.current_iteration(), self.threads)
        if self.task.kind == "multiclass":
            return softmax(scores, axis=1)
        return np.column_stack([expit(-scores), expit(scores)]) if self.task.kind == "binary" else scores

    def save(self, folder: Path) -> None:
        """Write `trees.json` and `trees.txt`."""
        facts = {"task": json.loads(dump(self.task)), "seed": self.seed, "rounds": self.rounds}
        (folder / "trees.json").write_text(json.dumps(facts))
        (folder / "trees.txt").write_text(self.booster.model_to_string())

    @classmethod
    def load(cls, folder: Path) -> TreeHead:
        facts = json.loads((folder / "trees.json").read_text())
        head = cls(load(Task, json.dumps(facts["task"])), facts["seed"])
        head.rounds = facts["rounds"]
        head.booster = read_trees(folder / "trees.txt")
        return head

    def _settings(self, x: np.ndarray, metric: str, threads: int) -> dict[str, Any]:
        rows, width = x.shape
        settings: dict[str, Any] = {
            "objective": {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[self.task.kind],
            "learning_rate": 0.1,
            "num_leaves": 15,
            "min_data_in_leaf": max(1, min(20, rows // 20)),
            # Alike features: a few hundred a tree are as good as all, at a tenth of the price.
            "feature_fraction": min(1.0, max(0.1, 150 / width)),
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "max_bin": 63,
            "num_threads": threads,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }
        if self.task.kind == "multiclass":
            settings["num_class"] = len(self.task.classes)
        if metric == "mae":
            settings["metric"] = "l1"
        return settings
