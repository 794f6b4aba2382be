"""Two models of the same rows whose quality is known."""

from __future__ import annotations

import numpy as np


def two_models(seed: int, n: int, better: float = 0.8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)

    def model(signal: float) -> np.ndarray:
        logits = signal * np.eye(3)[labels] + random.standard_normal((n, 3))
        return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)

    return labels, model(1.0), model(1.0 + better)
