"""Gradient boosted trees on tables."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="lightgbm",
        summary="gradient boosted trees grown leaf by leaf, categories split as sets",
        rung="classical",
        modalities=("tabular",),
        learner="deepworth.models.classical._lightgbm:LightGBM",
        cost="deepworth.models.classical._table_cost:cost_lightgbm",
        order=20,
    ),
    ModelSpec(
        name="xgboost",
        summary="gradient boosted trees grown level by level",
        rung="classical",
        modalities=("tabular",),
        learner="deepworth.models.classical._xgboost:XGBoost",
        cost="deepworth.models.classical._table_cost:cost_xgboost",
        order=30,
    ),
]
