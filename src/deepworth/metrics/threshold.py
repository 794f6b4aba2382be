"""The probability from which on the second of two classes is said: chosen on given rows, by what a person asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from deepworth.errors import UserError

RULES = "f1, balanced_accuracy, precision=0.9, recall=0.9, or cost=1:5 (of a false alarm : of a miss)"
HALF = 0.5  # what a class is said at where nothing is asked for
SAME = 1e-12  # values that differ by less are equal


@dataclass(frozen=True)
class Rule:
    """What a threshold is chosen for; `amounts` are the least precision or recall, or the costs of both errors."""

    name: str
    amounts: tuple[float, ...] = ()


def parse(text: str) -> Rule:
    """The rule that is written so. Raises UserError for any other."""
    wrong = f"there is no threshold rule {text!r}: give {RULES}"
    name, _, rest = text.strip().partition("=")
    parts = rest.split(":") if rest else []
    if not all(re.fullmatch(r"\d*\.?\d+", part) for part in parts):
        raise UserError(wrong)
    rule = Rule(name, tuple(float(part) for part in parts))
    match rule:
        case Rule("f1" | "balanced_accuracy", ()):
            return rule
        case Rule("precision" | "recall", (share,)) if 0 < share <= 1:
            return rule
        case Rule("cost", (alarm, miss)) if alarm > 0 and miss > 0:
            return rule
    raise UserError(wrong)


def choose(labels: np.ndarray, probabilities: np.ndarray, rule: Rule) -> float:
    """The threshold that serves the rule best on these rows; the class is said from it on.

    `labels` are (n,) 0 and 1, `probabilities` (n,) of class 1. f1 and balanced_accuracy: the highest; cost: the least
    sum; precision and recall: the highest recall, or precision, of those that reach the least of the other, and where
    none does the one that comes nearest. Of all that serve equally well the one nearest to a half, and between two
    neighbouring probabilities their middle, unless a half lies between them. Without rows: a half.
    """
    if not len(labels):
        return HALF
    thresholds, hits, alarms = _candidates(labels, probabilities)
    best = np.ones(len(thresholds), bool)
    for objective in _objectives(rule, hits, alarms, int(labels.sum()), len(labels)):
        best &= objective >= objective[best].max() - SAME
    left = thresholds[best]
    return float(left[np.abs(left - HALF).argmin()])


def measures(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> dict[str, float]:
    """Precision, recall, f1, balanced accuracy and accuracy; a quotient without rows is 0."""
    said = probabilities >= threshold
    hits, alarms = float((labels[said] == 1).sum()), float((labels[said] == 0).sum())
    positives, rows = float(labels.sum()), float(len(labels))
    return {
        "precision": float(_share(hits, hits + alarms)),
        "recall": float(_share(hits, positives)),
        "f1": float(_share(2 * hits, hits + alarms + positives)),
        "balanced_accuracy": float(_balanced(hits, alarms, positives, rows)),
        "accuracy": float(_share(hits + rows - positives - alarms, rows)),
    }


def cost(labels: np.ndarray, probabilities: np.ndarray, threshold: float, rule: Rule) -> float:
    """What the errors of 1,000 rows cost by a rule `cost=a:b`."""
    said = probabilities >= threshold
    alarm, miss = rule.amounts
    return float(1000 * (alarm * (said & (labels == 0)).mean() + miss * (~said & (labels == 1)).mean()))


def reaches(found: dict[str, float], rule: Rule) -> bool:
    """Whether what was measured has the least precision or recall that was asked for."""
    return rule.name not in ("precision", "recall") or found[rule.name] >= rule.amounts[0] - SAME


def _candidates(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds that say all rows, all but those of the lowest probability, ..., none; their hits and false alarms."""
    levels, place = np.unique(probabilities, return_inverse=True)
    below = np.concatenate([[0.0], levels])  # the highest probability that is not said
    above = np.concatenate([levels, [max(1.0, np.nextafter(levels[-1], np.inf))]])  # the lowest that is
    middle = (below + above) / 2
    middle = np.where(middle > below, middle, above)
    middle[0] = min(middle[0], levels[0])
    thresholds = np.where((below < HALF) & (above >= HALF), HALF, middle)
    ones = np.bincount(place, labels == 1, minlength=len(levels))
    zeros = np.bincount(place, labels == 0, minlength=len(levels))
    hits, alarms = (np.concatenate([np.cumsum(some[::-1])[::-1], [0.0]]) for some in (ones, zeros))
    return thresholds, hits, alarms


def _objectives(rule: Rule, hits: np.ndarray, alarms: np.ndarray, positives: int, rows: int) -> list[np.ndarray]:
    """What is to be as high as can be, the first before the others."""
    precision, recall = _share(hits, hits + alarms), _share(hits, np.full(len(hits), float(positives)))
    match rule.name:
        case "f1":
            return [_share(2 * hits, hits + alarms + positives)]
        case "balanced_accuracy":
            return [_balanced(hits, alarms, float(positives), float(rows))]
        case "precision":
            return [np.minimum(precision, rule.amounts[0]), recall, precision]
        case "recall":
            return [np.minimum(recall, rule.amounts[0]), precision, recall]
    alarm, miss = rule.amounts
    return [-(alarm * alarms + miss * (positives - hits)) / rows]


def _balanced(hits: np.ndarray | float, alarms: np.ndarray | float, positives: float, rows: float) -> np.ndarray:
    """The mean share of right ones over the classes that are there."""
    right = _share(hits, positives), _share(rows - positives - alarms, rows - positives)
    return np.asarray((right[0] + right[1]) / max(1, (positives > 0) + (rows > positives)))


def _share(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
