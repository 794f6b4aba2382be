"""What trees on tables cost in seconds and memory."""

from __future__ import annotations

import math
from typing import Any

from deepworth.models.classical._rounds import LARGE
from deepworth.types import Estimate, Machine, Range, Workload

IMPORTS = 0.3  # seconds
OFF = 2.5  # the likely seconds times and over this hold 9 in 10 trials of the development sets
AFTER = 3e-8  # seconds a tree and predicted row
FOREST_TREES = 300
FOREST_ROWS = 200_000  # a tree of a forest sees at most: more make bigger trees, hardly better forests


def _cells(workload: Workload) -> int:
    return workload.numbers + workload.categories + 25 * workload.texts + 1


def encode_seconds(workload: Workload) -> float:
    """Seconds to read every row as a matrix: categories are looked up by their strings, texts are counted."""
    cells = 1e-7 * (workload.numbers + 25 * workload.texts) + 6e-7 * workload.categories
    return workload.rows * (cells + 1e-7 * workload.chars * (workload.texts > 0))


def _estimate(workload: Workload, seconds: float, gb: float, basis: str) -> Estimate:
    fixed = IMPORTS + encode_seconds(workload)
    return Estimate(
        seconds=Range.around(fixed + seconds, OFF),
        peak_gb=Range.around(gb),
        basis=basis,
        least=(fixed + seconds / 20) / 3,  # a deadline cuts trees off, and what is there is kept
    )


def _boosting(
    workload: Workload, machine: Machine, rounds: float, leaves: int, per_cell: float, per_leaf: float, per_row: float
) -> Estimate:
    """Histograms over rows x columns, split search over leaves x columns, gradients and validation over rows."""
    outputs, cells = workload.classes if workload.classes > 2 else 1, _cells(workload)
    each = per_cell * workload.train * cells + per_leaf * leaves * cells + per_row * workload.rows
    after = AFTER * (workload.valid + workload.test)
    seconds = rounds * outputs * (each + after) / machine.threads**0.8
    gb = 0.25 + workload.rows * (4.0 * cells * 1.5 + 16.0 * outputs) / 1e9
    return _estimate(workload, seconds, gb, "rows x columns x rounds x classes")


def cost_lightgbm(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    rows = workload.train
    usual = 220 * (rows / 4_000) ** 0.5 if workload.classes else 1_100 * (rows / 2_000) ** 0.15
    rounds = params.get("rounds", min(max(usual, 120), 2_500))
    leaves = 16 if rows < 5_000 else 31 if rows < 30_000 else 63 if rows < LARGE else 255
    return _boosting(workload, machine, rounds, leaves, 1.2e-9, 4e-7, 5e-8)


def cost_xgboost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    rows = workload.train
    usual = 140 * (rows / 4_000) ** 0.5 if workload.classes else 1_700
    rounds = params.get("rounds", min(max(usual, 120), 2_500))
    leaves = 64 if rows < 30_000 else 256 if rows < LARGE else 1024
    return _boosting(workload, machine, rounds, leaves, 1.8e-9, 3.5e-7, 1.2e-7)


def cost_forest(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    seen = min(workload.train, FOREST_ROWS)
    cells = _cells(workload)
    tried = math.sqrt(cells) if workload.classes else 0.8 * cells  # 0.4 of them, to twice the depth
    trees = params.get("rounds", FOREST_TREES)
    grow, after = 3e-3 + 1.14e-8 * seen * math.log2(seen + 2) * tried, 2.5e-7 * (workload.valid + workload.test)
    seconds = trees * (grow + after) / machine.threads**0.9
    nodes = 0.5 * seen * trees * (70 + 4 * max(workload.classes, 1))
    gb = 0.25 + 6e-9 * workload.rows * _cells(workload) + min(nodes / 1e9, 0.15 * machine.memory_gb)
    return _estimate(workload, seconds, gb, "rows x sqrt(columns) x trees")
