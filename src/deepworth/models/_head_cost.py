"""What the heads over a feature matrix cost: seconds of a linear or a tree head, from its sizes."""

from __future__ import annotations

from deepworth.types import Machine, TaskKind

FLOPS = 1200.0  # of a whole path of strengths, a row, feature and class; 890 to 1970 measured
TREE_NS = 5.5  # a round, class, row and feature looked at, on one thread; 5.2 to 5.7 measured
ROUNDS = 180  # of boosting with the patience; 115 to 200 on the media sets, 1000 on 240 rows that are easy
LOOKED_AT = 150  # features a tree, or a tenth


def linear_seconds(rows: int, width: int, classes: int, task: TaskKind, machine: Machine) -> float:
    """Seconds of LinearHead.fit on `rows` training rows."""
    if task == "regression":
        return (2.0 * rows * width * min(rows, width) + 7 * min(rows, width) ** 3) / (1e9 * machine.gflops)
    return FLOPS * rows * width * classes / (1e9 * machine.gflops)


def trees_seconds(rows: int, width: int, classes: int, task: TaskKind, machine: Machine) -> float:
    """Seconds of TreeHead.fit on `rows` training rows."""
    looked_at = min(width, max(LOOKED_AT, 0.1 * width))
    trees = ROUNDS * (classes if task == "multiclass" else 1)
    return trees * (1e-9 * TREE_NS * rows * looked_at + 3e-4) / machine.threads**0.7
