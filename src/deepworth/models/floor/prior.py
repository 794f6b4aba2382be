"""The floor: class shares or the mean of the training rows, whatever the features say."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="prior",
        summary="class shares of the training rows, or their mean",
        rung="floor",
        modalities=("tabular", "text", "image", "audio"),
        learner="deepworth.models.floor._prior:Prior",
        cost="deepworth.models.floor._prior:cost",
        order=0,
    )
]
