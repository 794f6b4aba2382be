"""Linear and tree heads over a matrix of features, shared by hand-made and frozen features."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from deepworth.errors import OutOfTime
from deepworth.types import Task, dump, load

STRENGTHS = tuple(10.0**power for power in (1, 0, -1, -2, -3, -4, -5, -6))  # L2 per row, strong to weak
UNCHOSEN = 1e-2  # the strength without validation rows
PATIENCE = 2  # strengths in a row that may be no better before the path ends
STEPS = 100  # of L-BFGS a strength; the warm start makes most take 10 to 40
GRAM_ROWS = 20_000  # rows that shape the preconditioner: more cost time and change nothing


class LinearHead:
    """Softmax or ridge regression on standardised features, its L2 strength chosen on the validation rows.

    Call with float32 features (n, d), int64 class codes or float64 targets (n,). Needs no scikit-learn model, so that what
    is saved is a few arrays.
    """

    def __init__(self, task: Task, seed: int = 0) -> None:
        self.task, self.seed = task, seed  # no step is random: the seed is here because every head has one
        self.strength = 0.0
        self.weights = np.zeros((0, 0), dtype=np.float32)  # (d, outputs), of standardised features
        self.bias = np.zeros(0)
        self.mean = self.scale = np.zeros(0, dtype=np.float32)

    def fit(
        self,
        x_train: np.ndarray,
        y_train: np.ndarray,
        x_valid: np.ndarray,
        y_valid: np.ndarray,
        metric: str = "",
        threads: int = 1,
        deadline: float = float("inf"),
    ) -> LinearHead:
        """Walk the strengths from strong to weak, each starting where the last ended; keep the best on valid.

        Raises OutOfTime only when the deadline has passed before the first strength is solved.
        """
        self.mean = x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = x_train.std(axis=0, dtype=np.float64)
        self.scale = np.where(spread > 1e-7, 1.0 / np.maximum(spread, 1e-7), 0.0).astype(np.float32)
        x, xv = self._standard(x_train), self._standard(x_valid)
        solve = self._softmax_path if self.task.is_classification else self._ridge_path
        best, worse = np.inf, 0
        with threadpool_limits(threads):
            for strength, weights, bias in solve(x, y_train, deadline):
                if not len(xv):
                    self.strength, self.weights, self.bias = strength, weights, bias
                    if strength <= UNCHOSEN:
                        break
                    continue
                loss = self._loss(xv @ weights + bias, y_valid, metric)
                if loss < best:
                    best, worse = loss, 0
                    self.strength, self.weights, self.bias = strength, weights, bias
                else:
                    worse += 1
                if worse == PATIENCE:
                    break
        if not self.weights.size:
            raise OutOfTime("the deadline passed before the linear head was fitted")
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(n, classes) float64 probabilities, or (n,) float64 values."""
        scores = (self._standard(x) @ self.weights).astype(np.float64) + self.bias
        return softmax(scores, axis=1) if self.task.is_classification else scores[:, 0]

    def save(self, folder: Path) -> None:
        (folder / "linear.json").write_text(
            json.dumps({"task": json.loads(dump(self.task)), "seed": self.seed, "strength": self.strength})
        )
        np.savez(folder / "linear.npz", weights=self.weights, bias=self.bias, mean=self.mean, scale=self.scale)

    @classmethod
    def load(cls, folder: Path) -> LinearHead:
        facts = json.loads((folder / "linear.json").read_text())
        head = cls(load(Task, json.dumps(facts["task"])), facts["seed"])
        head.strength = facts["strength"]
        with np.load(folder / "linear.npz", allow_pickle=False) as arrays:
            head.weights, head.bias, head.mean, head.scale = (
                arrays[name] for name in ("weights", "bias", "mean", "scale")
            )
        return head

    def _standard(self, x: np.ndarray) -> np.ndarray:
        z = (np.asarray(x, dtype=np.float32) - self.mean) * self.scale
        np.nan_to_num(z, copy=False, posinf=0.0, neginf=0.0)  # an unusable feature counts as average
        return np.clip(z, -20.0, 20.0, out=z)  # a test row far off must not decide by one feature

    def _loss(self, scores: np.ndarray, y: np.ndarray, metric: str) -> float:
        """What the validation rows say, lower is better; ties of the accuracy go to the log loss."""
        if not self.task.is_classification:
            return float(np.abs(scores[:, 0] - y).mean() if metric == "mae" else np.square(scores[:, 0] - y).mean())
        log_loss = -float(log_softmax(scores.astype(np.float64), axis=1)[np.arange(len(y)), y].mean())
        return float((scores.argmax(axis=1) != y).mean()) + 1e-4 * log_loss if metric == "accuracy" else log_loss

    def _softmax_path(self, x: np.ndarray, y: np.ndarray, deadline: float):
        """(strength, weights (d, classes), bias (classes,)) from strong to weak.

        L-BFGS in coordinates in which Boehning's bound on the Hessian (1992), 1/2 of the features' second moments, is the
        identity: a third of the iterations on correlated features, for two triangular solves each.
        """
        rows, width = x.shape
        classes = len(self.task.classes)
        seen = np.flatnonzero(np.bincount(y, minlength=classes))  # an absent class would only drift to minus infinity
        codes = np.searchsorted(seen, y)
        every = max(1, rows // GRAM_ROWS)
        part = x[::every]
        gram = (part.T @ part).astype(np.float64) / len(part)
        prior = np.log(np.bincount(codes) / rows)
        v = np.zeros((width, len(seen)))
        root = np.eye(width, dtype=np.float32)
        weights, bias = np.zeros((width, len(seen))), prior
        for strength in STRENGTHS:
            if time.monotonic() > deadline:
                return
            penalty = strength / 1.0
            fresh = cholesky(0.5 * gram + (penalty + 1e-6) * np.eye(width), lower=True).astype(np.float32)
            v = fresh.T @ weights  # the same weights in the new coordinates
            root = fresh

            def loss(flat: np.ndarray, root=root, penalty=penalty) -> tuple[float, np.ndarray]:
                v, b = flat[:-len(seen)].reshape(width, -1), flat[-len(seen) :]
                w = solve_triangular(root, v.astype(np.float32), trans="T", lower=True, check_finite=False)
                scores = x @ w
                scores += b.astype(np.float32)
                scores -= scores.max(axis=1, keepdims=True)
                hit = scores[np.arange(rows), codes].sum(dtype=np.float64)
                np.exp(scores, out=scores)
                total = scores.sum(axis=1, keepdims=True)
                value = (np.log(total).sum(dtype=np.float64) - hit) / rows + 0.5 * penalty * np.square(w).sum(dtype=np.float64)
                scores /= total
                scores[np.arange(rows), codes] -= 1.0
                grad = (x.T @ scores) / rows + penalty * w
                grad = solve_triangular(root, grad, lower=True, check_finite=False)
                return float(value), np.concatenate([grad.ravel(), scores.sum(axis=0) / rows]).astype(np.float64)

            def stop_in_time(intermediate_result) -> None:
                if time.monotonic() > deadline:
                    raise StopIteration

            start = np.concatenate([np.asarray(v, dtype=np.float64).ravel(), bias])
            found = minimize(
                loss, start, jac=True, method="L-BFGS-B", callback=stop_in_time, options={"maxiter": STEPS, "ftol": 1e-6}
            )
            v, bias = found.x[: -len(seen)].reshape(width, -1), found.x[-len(seen) :]
            weights = solve_triangular(root, v.astype(np.float32), trans="T", lower=True)
            self.iterations = getattr(self, "iterations", []) + [found.nit]
            whole, whole_bias = np.zeros((width, classes), dtype=np.float32), np.full(classes, -30.0)
            whole[:, seen], whole_bias[seen] = weights, bias - bias.max()
            yield strength, whole, whole_bias

    def _ridge_path(self, x: np.ndarray, y: np.ndarray, deadline: float):
        """(strength, weights (d, 1), bias (1,)) from strong to weak, by Cholesky factors of the smaller Gram matrix."""
        rows, width = x.shape
        offset = float(y.mean())
        primal = width <= rows
        gram = ((x.T @ x) if primal else (x @ x.T)).astype(np.float64) / rows
        centred = y - offset
        for strength in STRENGTHS:
            if time.monotonic() > deadline:
                return
            factor = cho_factor(gram + strength * np.eye(len(gram)))
            if primal:
                weights = cho_solve(factor, x.T @ centred / rows)
            else:
                weights = x.T @ cho_solve(factor, centred / rows)
            yield strength, weights[:, None].astype(np.float32), np.array([offset])
