"""What trees on tables cost in seconds and memory."""

from __future__ import annotations

import math
from typing import Any

from deepworth.types import Estimate, Machine, Range, Workload

FOREST_TREES = 300
FOREST_ROWS = 200_000  # a tree of a forest sees at most: more make bigger trees, hardly better forests


def _cells(workload: Workload) -> int:
    return workload.numbers + workload.categories + 25 * workload.texts + 1


def _estimate(workload: Workload, seconds: float, gb: float, basis: str) -> Estimate:
    encode = 1e-7 * workload.rows * _cells(workload) + 1e-7 * workload.rows * workload.chars * (workload.texts > 0)
    likely = Range.around(0.2 + encode + seconds, 3.0)
    low = (0.2 + encode + seconds / 20) / 3  # a deadline cuts trees off, and what is there is kept
    early = Range(low=low, likely=likely.likely, high=likely.high)
    return Estimate(seconds=early, peak_gb=Range.around(gb), basis=basis)


def _boosting(
    workload: Workload, machine: Machine, params: dict[str, Any], per_cell: float, per_leaf: float
) -> Estimate:
    outputs = workload.classes if workload.classes > 2 else 1
    usual = 300 + 100 * math.log10(max(workload.train, 10) / 1000) if workload.classes else 1_000
    rounds = params.get("rounds", usual)
    each = per_cell * workload.train * _cells(workload) + per_leaf * _cells(workload) + 8e-8 * workload.rows
    seconds = max(rounds, 100) * outputs * each / machine.threads**0.8
    gb = 0.25 + workload.rows * (4.0 * _cells(workload) * 1.5 + 16.0 * outputs) / 1e9
    return _estimate(workload, seconds, gb, "rows x columns x rounds x classes")


def cost_lightgbm(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _boosting(workload, machine, params, 1.2e-9, 3e-5)


def cost_xgboost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _boosting(workload, machine, params, 1.8e-9, 3e-5)


def cost_forest(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    seen = min(workload.train, FOREST_ROWS)
    cells = _cells(workload)
    tried = math.sqrt(cells) if workload.classes else 0.8 * cells  # 0.4 of them, to twice the depth
    trees = params.get("rounds", FOREST_TREES)
    seconds = trees * (2e-8 * seen * math.log2(seen + 2) * tried + 6e-7 * workload.rows) / machine.threads**0.9
    nodes = 0.5 * seen * trees * (70 + 4 * max(workload.classes, 1))
    gb = 0.25 + 6e-9 * workload.rows * _cells(workload) + min(nodes / 1e9, 0.15 * machine.memory_gb)
    return _estimate(workload, seconds, gb, "rows x sqrt(columns) x trees")
