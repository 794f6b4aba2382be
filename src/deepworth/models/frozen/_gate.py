"""Judges whether cheaper features serve a head as well as the trusted ones."""

from __future__ import annotations

import numpy as np

from deepworth.models._heads import LinearHead
from deepworth.types import Task

ENOUGH = 200  # rows; fewer cannot tell two feature sets apart
WORSE = 1.03  # of the trusted loss, what is still no difference on a few hundred rows


def judged_equal(task: Task, labels: np.ndarray, trusted: np.ndarray, cheaper: np.ndarray) -> bool:
    """Whether a head on `cheaper` (n, d) loses nothing on the last third of the rows against one on `trusted`.

    Log loss, or squared error; always True where there are fewer than 200 rows.
    """
    if len(labels) < ENOUGH:
        return True
    cut = 2 * len(labels) // 3
    losses = []
    for features in (trusted, cheaper):
        head = LinearHead(task).fit(features[:cut], labels[:cut], features[:0], labels[:0])
        losses.append(_loss(task, labels[cut:], head.predict(features[cut:])))
    return losses[1] <= WORSE * losses[0] + 1e-3


def _loss(task: Task, labels: np.ndarray, predicted: np.ndarray) -> float:
    if not task.is_classification:
        return float(np.square(predicted - labels).mean() / max(float(labels.var()), 1e-12))
    return -float(np.log(np.maximum(predicted[np.arange(len(labels)), labels], 1e-6)).mean())
