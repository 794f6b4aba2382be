"""What every model of every rung is: a Learner that fits, predicts, saves and loads, within the Context it is given."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from deepworth.store import MIDWAY

if TYPE_CHECKING:  # the scan of the registry imports this file: it stays light
    import numpy as np

    from deepworth.data.examples import Examples


def _silent(share: float, message: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """The limits and places of one fit."""

    folder: Path  # of the trial: checkpoints and log.jsonl go here
    cache: Path  # shared features and converted networks
    seed: int = 0
    threads: int = 1
    memory_gb: float = 4.0
    deadline: float = math.inf  # time.monotonic() by which `fit` and the predictions on valid and test should be over
    predict_rows: int = 0  # test rows that must also be predicted before the deadline
    metric: str = ""  # the primary metric; early stopping should watch it or a smooth stand-in
    weights: str | None = None  # pretrained weights the user asked for: packaged name, folder or hub id
    tell: Callable[[float, str], None] = _silent  # progress 0 to 1, and a short message
    notes: dict[str, Any] = field(default_factory=dict)  # what the learner wants in its TrialResult (JSON values)

    def remaining(self) -> float:
        """Seconds left."""
        return self.deadline - time.monotonic()

    @property
    def midway(self) -> Path:
        """Where a fit leaves what it goes on from when its process is killed; removed when the trial has ended."""
        return self.folder / MIDWAY

    def cut(self, what: str) -> None:
        """Note that the clock took something from this fit ("rounds", "rows"): with more time it would do more."""
        said = self.notes.get("cut")
        if said is None or what not in said.split(", "):
            self.notes["cut"] = what if said is None else f"{said}, {what}"


class Learner(Protocol):
    """One model. Built as `Learner(task, columns, params)`; `columns` are the feature columns with their kinds."""

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        """Learn from `train`; `valid` is for early stopping and choices. Raises OutOfTime with nothing to keep."""

    def predict(self, examples: Examples) -> np.ndarray:
        """(n, classes) float64 probabilities that sum to 1, or (n,) float64 values for a regression.

        What was computed before may be read again only from what an attribute `cache` names; None, after `load` and
        while predictions are timed: everything is computed anew.
        """

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing empty folder: JSON, npy/npz, safetensors, LightGBM text,
        XGBoost JSON/UBJ; never a pickle."""

    @classmethod
    def load(cls, folder: Path) -> Learner:
        """The learner that `save` wrote; predictions are equal."""
