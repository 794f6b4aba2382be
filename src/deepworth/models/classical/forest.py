"""Random forest on tables."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="forest",
        summary="random forest, grown in chunks until the time or its share of memory ends",
        rung="classical",
        modalities=("tabular",),
        learner="deepworth.models.classical._forest:Forest",
        cost="deepworth.models.classical._table_cost:cost_forest",
        order=40,
    )
]
