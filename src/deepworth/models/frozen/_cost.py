"""What a frozen network will cost, from its arithmetic, before anything heavy is loaded."""

from __future__ import annotations

from typing import Any

from deepworth.types import Estimate, Machine, Range, Workload

# Of the default networks: floating-point operations a token, a pixel, a second of sound.
TEXT_FLOP = 2 * 10.7e6 * 1.15  # MiniLM: 10.7 M weights in the layers, and the attention besides
IMAGE_FLOP = 2 * 407e6 / (224 * 224)  # EfficientNet-Lite0: 407 M multiply-adds at 224 pixels
AUDIO_FLOP = 2 * 50 * 7.1e6 * 1.25 + 2 * 50 * 1.1e6  # Whisper tiny's encoder: 50 frames a second, convolutions besides

# Share of the speed of large fp32 matrix products that a network reaches; measured with OpenVINO, threads as given.
TEXT_EFFICIENCY, IMAGE_EFFICIENCY, AUDIO_EFFICIENCY = 0.7, 0.25, 0.4
START_SECONDS = 8.0  # imports, loading, the probe and a conversion
CHARS_PER_TOKEN, MAX_TOKENS = 4.3, 256


def text_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Tokens times MiniLM's arithmetic; another encoder named with --weights costs more or less."""
    columns = max(workload.texts, 1)
    tokens = columns * min(workload.chars / columns / CHARS_PER_TOKEN + 2.0, MAX_TOKENS)
    return _estimate(workload, machine, tokens * TEXT_FLOP, TEXT_EFFICIENCY, 3 * 384 * columns, "tokens")


def image_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Pixels times EfficientNet-Lite0's arithmetic, at the side `_image.image_levels` would choose."""
    side = min(224.0, max(128.0, (1.15 * workload.pixels) ** 0.5))
    return _estimate(workload, machine, side * side * IMAGE_FLOP, IMAGE_EFFICIENCY, 1800, "pixels")


def audio_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Seconds of sound, up to a minute a clip, times Whisper tiny's arithmetic."""
    seconds = min(workload.clip_seconds + 0.25, 60.0)
    return _estimate(workload, machine, seconds * AUDIO_FLOP, AUDIO_EFFICIENCY, 1536, "seconds of sound")


def _estimate(
    workload: Workload, machine: Machine, flop_per_row: float, efficiency: float, width: int, unit: str
) -> Estimate:
    encoding = workload.rows * flop_per_row / (machine.gflops * 1e9 * efficiency)
    head = workload.train * width * max(workload.classes, 1) * 2 * 2 * 150 / (machine.gflops * 1e9 * 0.3)
    seconds = START_SECONDS + encoding + head
    # The matrix is held as the cache's copy, standardised, and once more inside the solver.
    peak_gb = 1.2 + 4 * workload.rows * width * 4 / 1e9
    return Estimate(
        seconds=Range.around(seconds, 2.5),
        peak_gb=Range.around(peak_gb, 1.5),
        basis=f"{unit} of all rows x operations of the network / speed of this machine",
    )
