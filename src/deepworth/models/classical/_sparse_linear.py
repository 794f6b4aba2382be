"""Regularised linear models on dense or sparse features of any width, stopped at a deadline between two iterations."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax

from deepworth.errors import OutOfTime
from deepworth.types import Task, dump, load

LOOSENESS = (0.1, 0.5, 2.0, 8.0, 32.0, 128.0)  # C of scikit-learn: one over the L2 strength on the sum of the losses
PATIENCE = 0  # looser settings in a row that may be no better before the path ends
MANY = 10  # outputs above which the path starts in its middle: a step costs their number, and all stopped beyond
STEPS = 60  # of L-BFGS a setting, each starting where the last ended
SLOWER = 2.0  # a shared machine may become so much slower between measuring and doing
TRIED_ROWS = 60_000  # settings are compared on so many training rows; the best is then solved on all

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
Tell = Callable[[float, str], None]
Matrix: TypeAlias = Any  # (n, d) float32, dense or CSR; scipy has no types to say so


class SparseLinear:
    """Logistic, softmax or ridge regression; the strength is chosen on the validation rows.

    Probabilities are sharpened or flattened by one temperature that the validation rows like best (Guo et al. 2017).
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.outputs = len(task.classes) if task.kind == "multiclass" else 1
        self.weights = np.zeros((0, self.outputs), np.float32)
        self.bias = np.zeros(self.outputs)
        self.shift, self.scale = 0.0, 1.0  # of a regression's target
        self.temperature = 1.0
        self.looseness = 0.0
        self.late = False  # whether the deadline ended the fit

    def fit(
        self,
        x: Matrix,
        y: np.ndarray,
        x_valid: Matrix,
        y_valid: np.ndarray,
        deadline: float = float("inf"),
        tell: Tell = lambda share, message: None,
    ) -> SparseLinear:
        """`y`: int64 class codes or float64 targets. Raises OutOfTime when the deadline has passed before the start."""
        if time.monotonic() > deadline:
            raise OutOfTime("the deadline passed before the linear model was fitted")
        if not self.task.is_classification:
            self.shift, self.scale = float(y.mean()), float(y.std()) or 1.0
        few = slice(None, None, -(-x.shape[0] // TRIED_ROWS))  # every k-th row
        settings = LOOSENESS if self.outputs <= MANY else LOOSENESS[2:]
        best, worse = np.inf, 0
        for step, (looseness, weights, bias) in enumerate(self._path(x[few], y[few], settings, deadline)):
            tell(0.1 + 0.7 * (step + 1) / len(settings), f"C {looseness:g}")
            loss, temperature = self._judge(self._scores(x_valid, weights, bias), y_valid)
            if loss < best or not self.looseness:
                best, worse = loss, 0
                self.looseness, self.weights, self.bias, self.temperature = looseness, weights, bias, temperature
            else:
                worse += 1
            if worse > PATIENCE:
                break
        if x[few].shape[0] < x.shape[0] and time.monotonic() < deadline:
            tell(0.8, "on all rows")
            _, self.weights, self.bias = next(
                self._path(x, y, (self.looseness,), deadline, start=(self.weights, self.bias))
            )
            _, self.temperature = self._judge(self._scores(x_valid, self.weights, self.bias), y_valid)
        return self

    def predict(self, x: Matrix) -> np.ndarray:
        """(n, classes) float64 probabilities, or (n,) float64 values."""
        scores = self._scores(x, self.weights, self.bias)
        if not self.task.is_classification:
            return scores[:, 0] * self.scale + self.shift
        return self._probabilities(scores / self.temperature)

    def save(self, folder: Path) -> None:
        about = {
            "task": json.loads(dump(self.task)),
            "shift": self.shift,
            "scale": self.scale,
            "temperature": self.temperature,
            "looseness": self.looseness,
        }
        (folder / "linear.json").write_text(json.dumps(about))
        np.savez(folder / "linear.npz", weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, folder: Path) -> SparseLinear:
        about = json.loads((folder / "linear.json").read_text())
        self = cls(load(Task, json.dumps(about.pop("task"))))
        for name in ("shift", "scale", "temperature", "looseness"):
            setattr(self, name, about[name])
        with np.load(folder / "linear.npz", allow_pickle=False) as arrays:
            self.weights, self.bias = arrays["weights"], arrays["bias"]
        return self

    def _scores(self, x: Matrix, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        return (x @ weights).astype(np.float64) + bias

    def _probabilities(self, scores: np.ndarray) -> np.ndarray:
        if self.outputs > 1:
            return softmax(scores, axis=1)
        return np.hstack([expit(-scores), expit(scores)])

    def _judge(self, scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """The loss on the validation rows, and the temperature at which it was reached."""
        if not len(y):
            return 0.0, 1.0
        if not self.task.is_classification:
            return float(np.square(scores[:, 0] * self.scale + self.shift - y).mean()), 1.0
        both = scores if self.outputs > 1 else np.hstack([np.zeros_like(scores), scores])

        def loss(log_temperature: float) -> float:
            return -float(log_softmax(both / np.exp(log_temperature), axis=1)[np.arange(len(y)), y].mean())

        found = minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded", options={"xatol": 0.02})
        return float(found.fun), float(np.exp(found.x))

    def _path(
        self,
        x: Matrix,
        y: np.ndarray,
        settings: tuple[float, ...],
        deadline: float,
        start: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        """(setting, weights (d, outputs), bias (outputs,)), strong regularisation first."""
        rows, width = x.shape
        if start is None:
            start = np.zeros((width, self.outputs), np.float32), self._first_bias(y)
        flat = np.concatenate([start[0].astype(np.float64).ravel(), start[1]])

        told, slowest = time.monotonic(), 0.0

        def stop_in_time(intermediate_result: Any) -> None:
            nonlocal told, slowest
            slowest, told = max(slowest, time.monotonic() - told), time.monotonic()
            if told + SLOWER * slowest > deadline:
                self.late = True
                raise StopIteration

        for looseness in settings:
            told = time.monotonic()
            found = minimize(
                self._objective(x, y, 1.0 / (looseness * rows)),
                flat,
                jac=True,
                method="L-BFGS-B",
                callback=stop_in_time,
                options={"maxiter": STEPS, "maxcor": 5, "ftol": 2e-6, "gtol": 1e-6},
            )
            flat = found.x
            weights, bias = flat[: -self.outputs].reshape(width, -1), flat[-self.outputs :]
            yield looseness, weights.astype(np.float32), bias.copy()
            if time.monotonic() + SLOWER * slowest > deadline:
                return

    def _first_bias(self, y: np.ndarray) -> np.ndarray:
        if not self.task.is_classification:
            return np.zeros(1)
        share = np.log(np.bincount(y, minlength=len(self.task.classes)) + 0.5)
        return share - share.mean() if self.outputs > 1 else share[1:] - share[:1]

    def _objective(self, x: Matrix, y: np.ndarray, penalty: float) -> Objective:
        """Mean loss + penalty / 2 * |weights|^2 and its gradient, products in float32."""
        rows, width = x.shape
        across = x.T.tocsr() if sp.issparse(x) else x.T
        target = ((y - self.shift) / self.scale if not self.task.is_classification else y).astype(np.float32)
        at = np.arange(rows)

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights, bias = flat[: -self.outputs].reshape(width, -1), flat[-self.outputs :]
            scores = x @ weights.astype(np.float32)
            scores += bias.astype(np.float32)
            if self.outputs > 1:
                scores -= scores.max(axis=1, keepdims=True)
                hit = scores[at, y].sum(dtype=np.float64)
                np.exp(scores, out=scores)
                total = scores.sum(axis=1, keepdims=True)
                value = np.log(total).sum(dtype=np.float64) - hit
                scores /= total
                scores[at, y] -= 1.0
            elif self.task.is_classification:
                value = np.logaddexp(0.0, scores[:, 0]).sum(dtype=np.float64) - (scores[:, 0] * target).sum(
                    dtype=np.float64
                )
                scores = (expit(scores[:, 0]) - target)[:, None]
            else:
                scores = scores - target[:, None]
                value = 0.5 * np.square(scores).sum(dtype=np.float64)
            gradient = (across @ scores).astype(np.float64) / rows + penalty * weights
            slope = scores.sum(axis=0, dtype=np.float64) / rows
            value = value / rows + 0.5 * penalty * float(np.vdot(weights, weights))
            return float(value), np.concatenate([gradient.ravel(), slope])

        return loss
