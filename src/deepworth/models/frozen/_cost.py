"""What a frozen network will cost, from its arithmetic, before anything heavy is loaded."""

from __future__ import annotations

from typing import Any

from deepworth.models._head_cost import linear_seconds
from deepworth.types import Estimate, Machine, Range, Workload

# Of the default networks: floating-point operations a token, a pixel, a second of sound.
TEXT_FLOP = 2 * 10.7e6 * 1.15  # MiniLM: 10.7 M weights in the layers, and the attention besides
IMAGE_FLOP = 2 * 407e6 / (224 * 224)  # EfficientNet-Lite0: 407 M multiply-adds at 224 pixels
AUDIO_FLOP = 2 * 50 * 7.1e6 * 1.25 + 2 * 50 * 1.1e6  # Whisper tiny's encoder: 50 frames a second, convolutions besides

# Share of the speed of large fp32 matrix products that a network reaches in OpenVINO: in fp32, and where a CPU has
# matrix units for bf16; measured on two threads.
TEXT_SPEED, IMAGE_SPEED, AUDIO_SPEED = (0.8, 2.4), (0.25, 0.5), (0.5, 1.0)
ACCELERATED = {"tokens": 0.8, "pixels": 0.2, "seconds of sound": 0.8}  # of what plain networks reach in training there
START_SECONDS = 8.0  # imports, loading, the probe and the first conversion
CHARS_PER_TOKEN, MAX_TOKENS = 4.3, 256
ENOUGH_ROWS = 3000  # training rows: more of them help less than seeing whole rows does
COARSEST_TOKENS, COARSEST_PIXELS, COARSEST_SECONDS = 64, 0.25, 5.0  # what is read of a row where time is short


def text_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Tokens times MiniLM's arithmetic; another encoder named with --weights costs more or less."""
    columns = max(workload.texts, 1)
    tokens = columns * min(workload.chars / columns / CHARS_PER_TOKEN + 2.0, MAX_TOKENS)
    coarsest = min(tokens, columns * COARSEST_TOKENS) * TEXT_FLOP
    return _estimate(workload, machine, tokens * TEXT_FLOP, coarsest, TEXT_SPEED, 3 * 384 * columns, "tokens")


def image_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Pixels times EfficientNet-Lite0's arithmetic, at the side `_image.image_levels` would choose."""
    side = min(224.0, max(128.0, (1.15 * workload.pixels) ** 0.5))
    flop = side * side * IMAGE_FLOP
    return _estimate(workload, machine, flop, COARSEST_PIXELS * flop, IMAGE_SPEED, 1800, "pixels")


def audio_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Seconds of sound, up to a minute a clip, times Whisper tiny's arithmetic."""
    seconds = min(workload.clip_seconds + 0.25, 60.0)
    coarsest = min(seconds, COARSEST_SECONDS) * AUDIO_FLOP
    return _estimate(workload, machine, seconds * AUDIO_FLOP, coarsest, AUDIO_SPEED, 1536, "seconds of sound")


def _estimate(
    workload: Workload,
    machine: Machine,
    flop: float,
    coarsest: float,
    speeds: tuple[float, float],
    width: int,
    unit: str,
) -> Estimate:
    """From the operations a row at the best level and at the coarsest, which with few training rows is the least."""
    speed = 1e9 * machine.reaches(speeds[machine.bf16], ACCELERATED[unit])
    head = linear_seconds(workload.train, width, max(workload.classes, 1), workload.task, machine)
    seconds = START_SECONDS + workload.rows * flop / speed + head
    least_rows = min(workload.train, ENOUGH_ROWS) + workload.valid + workload.test
    # The matrix is held as the cache's copy, standardised, and once more inside the solver.
    peak_gb = 1.0 + 4 * workload.rows * width * 4 / 1e9
    return Estimate(
        seconds=Range(low=(START_SECONDS + least_rows * coarsest / speed) / 2.5, likely=seconds, high=2.5 * seconds),
        peak_gb=Range.around(peak_gb, 1.5),
        basis=f"{unit} of all rows x operations of the network / {speed / 1e9:,.0f} GFLOP/s",
    )
