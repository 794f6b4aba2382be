"""Text through a pretrained sentence encoder, then a linear head."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="sentence-encoder",
        summary="pretrained sentence encoder (MiniLM, or any Hugging Face encoder) + linear head",
        rung="frozen",
        modalities=("text",),
        learner="deepworth.models.frozen._text:SentenceEncoder",
        cost="deepworth.models.frozen._cost:text_cost",
        needs=("torch", "transformers", "tokenizers"),
        weights="minilm",
        order=10,
    )
]
