"""Regularised linear model on the columns of a table."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="linear",
        summary="logistic or ridge regression on rank-normal numbers and one-hot categories",
        rung="classical",
        modalities=("tabular",),
        learner="deepworth.models.classical._linear:Linear",
        cost="deepworth.models.classical._linear:cost",
        order=10,
    )
]
