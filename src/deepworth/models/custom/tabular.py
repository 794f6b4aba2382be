"""Networks trained from scratch on tables: a perceptron with embeddings, and TabM, an ensemble that shares weights."""

from __future__ import annotations

from typing import Any

from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Range, Workload

NEEDS = ("torch", "rtdl_num_embeddings", "tabm")

SPECS = [
    ModelSpec(
        name="mlp",
        summary="multilayer perceptron with embeddings for numbers and categories",
        rung="custom",
        modalities=("tabular",),
        learner="deepworth.models.custom._tabular:PerceptronLearner",
        cost="deepworth.models.custom.tabular:cost_mlp",
        needs=NEEDS,
        order=10,
    ),
    ModelSpec(
        name="tabm",
        summary="TabM: many perceptrons in one that share most of their weights",
        rung="custom",
        modalities=("tabular",),
        learner="deepworth.models.custom._tabular:TabMLearner",
        cost="deepworth.models.custom.tabular:cost_tabm",
        needs=NEEDS,
        order=20,
    ),
]


START_SECONDS = 4.0  # importing torch in a fresh worker, the probe
STEP_SECONDS = 2.5e-3  # of a step, whatever its rows: some 60 kernels, the optimiser, clipping and the average
EFFICIENCY = 0.35  # of the machine's best matrix products: the nets are narrow, and half their time is memory
ACCELERATED = 0.3  # of what a plain network reaches on an accelerator: the products are small
LEAST_EPOCHS, EPOCHS = 4, 20  # the fewest and the usual at which early stopping ended on the development sets
OFF = 3.0  # the likely seconds times and over this hold 9 in 10 trials there


def batch_size(rows: int) -> int:
    """Rows of a step: about 100 steps an epoch, and a power of two from 128 to 4096."""
    return min(4096, max(128, 1 << (rows // 100).bit_length()))


def cost_mlp(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _cost(workload, machine, {"members": 1, "width": 256, "depth": 3, **params})


def cost_tabm(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _cost(workload, machine, {"members": 16, "width": 192, "depth": 2, **params})


def _cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Three matrix products a layer for each row and epoch; the deadline ends a training that would take longer."""
    width, features = params["width"], 8 * workload.numbers + 12 * workload.categories
    products = params["members"] * width * (features + width * (params["depth"] - 1))
    speed = machine.reaches(EFFICIENCY, ACCELERATED)
    row_seconds = 2 * products / (speed * 1e9)
    steps = workload.train / batch_size(workload.train)
    epoch_seconds = 3 * row_seconds * workload.train + STEP_SECONDS * steps + row_seconds * workload.valid
    columns = workload.numbers + workload.categories
    fixed = START_SECONDS + 2e-7 * columns * workload.rows + row_seconds * (workload.valid + workload.test)
    tables_gb = 4e-9 * (workload.train + workload.valid) * (2 * workload.numbers + 4 * workload.categories)
    rows_gb = 24e-9 * batch_size(workload.train) * params["members"] * (features + width * params["depth"])
    return Estimate(
        seconds=Range.around(fixed + EPOCHS * epoch_seconds, OFF),
        least=(fixed + LEAST_EPOCHS * epoch_seconds) / 2,
        peak_gb=Range.around(0.5 + 2 * tables_gb + rows_gb, 2.0),
        basis=f"{products / 1e6:.2f} million products a row at {speed:,.0f} GFLOP/s",
    )
