"""Audio by hand: one hidden Markov model of the MFCC frames for each class."""

from __future__ import annotations

from typing import Any

from deepworth.registry import ModelSpec
from deepworth.types import Estimate, Machine, Range, Workload

CLIP_MS, SECOND_MS = 0.7, 0.7  # to decode a clip to frames, and a second of it, on one thread
LEARN_US, SCORE_US = 25.0, 0.9  # a training frame in all rounds; a frame under one class's model
SCORE_CLIP_US = 110.0  # a clip under one class's model


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    heard = min(workload.clip_seconds, 30.0)
    frames = min(100.0 * heard, 300.0)
    read = workload.rows * 1e-3 * (CLIP_MS + SECOND_MS * heard) / machine.threads
    learn = workload.train * 1e-6 * LEARN_US * frames
    scored = workload.test + 2 * workload.valid  # the valid rows also sharpen the probabilities
    score = scored * workload.classes * 1e-6 * (SCORE_CLIP_US + SCORE_US * frames)
    memory = 0.35 + 1e-9 * workload.rows * frames * 26 * 8 * 2
    return Estimate(
        seconds=Range.around(1.0 + read + learn + score, 3.0),
        peak_gb=Range.around(memory, 2.0),
        basis="rows, frames and classes",
    )


SPECS = [
    ModelSpec(
        name="mfcc-hmm",
        summary="MFCC + one Gaussian hidden Markov model a class",
        rung="classical",
        modalities=("audio",),
        learner="deepworth.models.classical._hmm:MfccHmm",
        cost=f"{__name__}:cost",
        tasks=("binary", "multiclass"),
        order=30,
    )
]
