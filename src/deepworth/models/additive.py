"""A learner whose predictions are sums of what each column adds: it can say what drove one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # the scan of the registry imports this folder: it stays light
    import numpy as np

    from deepworth.data.examples import Examples


@dataclass(frozen=True, kw_only=True)
class Contributions:
    """Shapley values (Lundberg et al. 2020): with what is expected of any row, they add up to the raw prediction."""

    columns: tuple[str, ...]  # of the table, or the ratio "a / b" of two of them
    values: np.ndarray  # (n, outputs, columns); one output for two classes (of the second) and for a regression
    unit: str  # what they are measured in


@runtime_checkable
class Additive(Protocol):
    """A learner that tells what each column adds."""

    def contributions(self, examples: Examples) -> Contributions:
        """What each column adds to the raw prediction of each row."""
