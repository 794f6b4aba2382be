"""A toy table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from deepworth.types import TaskKind


def toy_table(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """`folder/table.csv`: two telling numbers, one of noise, a category of four levels, a truth value, a date."""
    rng = np.random.default_rng(seed)
    size, weight, noise = rng.normal(size=(3, rows))
    colour = rng.integers(0, 4, rows)
    urgent = rng.random(rows) < 0.4
    day = rng.integers(0, 730, rows)
    signal = (
        1.5 * size - weight**2 + np.array([-1.0, 0.0, 0.5, 1.5])[colour] + 0.8 * urgent + 0.3 * rng.normal(size=rows)
    )
    match task_kind:
        case "regression":
            target = pa.array(np.round(signal, 4))
        case "binary":
            target = pa.array(np.where(signal > np.median(signal), "yes", "no"))
        case "multiclass":
            target = pa.array(
                np.array(["low", "middle", "high"])[np.searchsorted(np.quantile(signal, [1 / 3, 2 / 3]), signal)]
            )
    table = pa.table(
        {
            "size": pa.array(np.round(size, 4), mask=rng.random(rows) < 0.1),
            "weight": np.round(weight, 4),
            "noise": np.round(noise, 4),
            "colour": pa.array(np.array(["red", "green", "blue", "grey"])[colour], mask=rng.random(rows) < 0.05),
            "urgent": urgent,
            "day": pa.array(np.datetime64("2024-01-01") + day, pa.date32()),
            "target": target,
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(table, folder / "table.csv")
    return folder / "table.csv"
