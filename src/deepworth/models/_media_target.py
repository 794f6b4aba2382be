"""The target of a network on media: what it is trained on, and its outputs as the user wants them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from deepworth.models._neural import probabilities
from deepworth.types import Task

ENOUGH_TO_CALIBRATE = 50  # validation rows


class MediaTarget:
    """Class codes, or a number that the network sees at zero mean and unit spread; `constants` are its JSON."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.constants = {"centre": 0.0, "spread": 1.0, "temperature": 1.0}  # logits are divided by the temperature

    def measure(self, labels: np.ndarray) -> None:
        """Take centre and spread from the training labels of a regression."""
        if not self.task.is_classification:
            self.constants |= {"centre": float(labels.mean()), "spread": float(labels.std()) or 1.0}

    def standard(self, labels: np.ndarray) -> np.ndarray:
        """What the network learns: int64 codes, or float32 values."""
        if self.task.is_classification:
            return labels.astype(np.int64)
        return ((labels - self.constants["centre"]) / self.constants["spread"]).astype(np.float32)

    def finished(self, raw: np.ndarray) -> np.ndarray:
        """(n, classes) probabilities or (n,) values of the network's (n, outputs)."""
        if self.task.is_classification:
            return probabilities(raw / self.constants["temperature"])
        return raw[:, 0].astype(np.float64) * self.constants["spread"] + self.constants["centre"]

    def calibrate(self, raw: Callable[[], np.ndarray], labels: np.ndarray) -> None:
        """Divide the logits by the number that suits the validation rows best (Guo et al. 2017, arXiv:1706.04599).

        Against targets smoothed as Platt (1999) did, or validation rows without an error would make it sure of all.
        """
        if not self.task.is_classification or len(labels) < ENOUGH_TO_CALIBRATE:
            return
        logits = raw().astype(np.float64)
        doubt = 1.0 / (len(labels) / logits.shape[1] + 2.0)

        def log_loss(log_temperature: float) -> float:
            logs = log_softmax(logits / math.exp(log_temperature), axis=1)
            return -float((1 - doubt) * logs[np.arange(len(labels)), labels].mean() + doubt * logs.mean())

        found = minimize_scalar(log_loss, bounds=(-1.5, 1.5), method="bounded")
        self.constants["temperature"] = math.exp(found.x)
