"""A regression's target as trees and linear models learn it best: as it is, or as a logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SKEWED = 1.0  # skewness above which a positive target is a candidate for the logarithm
# Above this `smear` the mean of the amounts rests on the tail of the logarithms, and a squared error is better kept on
# the amounts: of 14 targets (LightGBM, rmse) the logarithm lost at 1.23 to 1.61 on 6 of 6 (Beijing PM2.5, by time: 84
# against 67), and won at 0.99 to 1.16 on 6 of 8.
MOST_SMEAR = 1.2
TIE = 1.02  # how much better, in squared error, the plain target must be: who predicts amounts thinks in shares of them


@dataclass(frozen=True)
class Target:
    """`log`: models learn log(y), and their answers come back as exp times `smear`, within the range seen in training.

    `smear` is the mean of exp(residual) on training or validation rows (Duan 1983): without it, exp of a mean of
    logarithms is a median and stays below the mean.
    """

    log: bool = False
    smear: float = 1.0
    low: float = -np.inf
    high: float = np.inf

    @classmethod
    def like(cls, y: np.ndarray, log: bool) -> Target:
        return cls(log=log, low=float(y.min()) / 2, high=float(y.max()) * 2) if log else cls()

    def learn(self, y: np.ndarray) -> np.ndarray:
        return np.log(y) if self.log else y

    def back(self, z: np.ndarray) -> np.ndarray:
        return np.clip(np.exp(np.minimum(z, 700.0)) * self.smear, self.low, self.high) if self.log else z


def may_be_log(y: np.ndarray) -> bool:
    """Whether `y` is positive, skewed, and less skewed as a logarithm."""
    if len(y) < 50 or y.min() <= 0 or y.std() == 0:
        return False
    logs = np.log(y)
    return logs.std() > 0 and _skew(y) > SKEWED and abs(_skew(logs)) < _skew(y) / 2


def _skew(y: np.ndarray) -> float:
    return float(np.mean(((y - y.mean()) / y.std()) ** 3))


def smearing(y: np.ndarray, z: np.ndarray) -> float:
    """Mean of exp(residual) for targets `y` and predicted logarithms `z`, residuals beyond 3 deviations cut."""
    residual = np.log(y) - z
    bound = 3 * residual.std() + 1e-12
    return float(np.exp(np.clip(residual, -bound, bound)).mean())


def worse(y: np.ndarray, predicted: np.ndarray, metric: str) -> float:
    """The error a choice between two forms of the target is made by: mean absolute or mean squared."""
    return float(np.abs(y - predicted).mean() if metric == "mae" else np.square(y - predicted).mean())
