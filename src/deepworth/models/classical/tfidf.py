"""TF-IDF of words and characters with a linear model or boosted trees, for one or several text columns."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="tfidf-linear",
        summary="TF-IDF of word 1-2-grams and character 2-5-grams, logistic or ridge regression",
        rung="classical",
        modalities=("text",),
        learner="deepworth.models.classical._tfidf:TfIdfLinear",
        cost="deepworth.models.classical._tfidf:cost_linear",
        order=10,
    ),
    ModelSpec(
        name="tfidf-trees",
        summary="boosted trees on the most telling word n-grams",
        rung="classical",
        modalities=("text",),
        learner="deepworth.models.classical._tfidf:TfIdfTrees",
        cost="deepworth.models.classical._tfidf:cost_trees",
        order=30,
    ),
]
