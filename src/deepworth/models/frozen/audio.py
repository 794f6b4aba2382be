"""Audio through the encoder of a pretrained speech recogniser, then a linear head."""

from __future__ import annotations

from deepworth.registry import ModelSpec

SPECS = [
    ModelSpec(
        name="audio-encoder",
        summary="encoder of Whisper, cut to the clips' length + linear head",
        rung="frozen",
        modalities=("audio",),
        learner="deepworth.models.frozen._audio:AudioEncoder",
        cost="deepworth.models.frozen._cost:audio_cost",
        needs=("torch", "transformers"),
        weights="whisper-tiny-en",
        order=10,
    )
]
