"""What a frozen network will cost, from its arithmetic, before anything heavy is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deepworth.models._head_cost import linear_seconds
from deepworth.types import Estimate, Machine, Range, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace

# Of the default networks: floating-point operations a token, a pixel, a second of sound.
TEXT_FLOP = 2 * 10.7e6 * 1.15  # MiniLM: 10.7 M weights in the layers, and the attention besides
IMAGE_FLOP = 2 * 407e6 / (224 * 224)  # EfficientNet-Lite0: 407 M multiply-adds at 224 pixels
AUDIO_FLOP = 2 * 50 * 7.1e6 * 1.25 + 2 * 50 * 1.1e6  # Whisper tiny's encoder: 50 frames a second, convolutions besides

# Share of the speed of large fp32 matrix products that a network reaches in OpenVINO: in fp32, and where a CPU has
# matrix units for bf16; measured on two threads.
TEXT_SPEED, IMAGE_SPEED, AUDIO_SPEED = (0.8, 2.4), (0.25, 0.5), (0.5, 1.0)
ACCELERATED = {"tokens": 0.8, "pixels": 0.2, "seconds of sound": 0.8}  # of what plain networks reach in training there
DECODE_MS = {"tokens": 0.1, "pixels": 3.0, "seconds of sound": 3.0}  # to read a row, which an accelerator waits for
IMAGES, TOKENS, CLIP_SECONDS = 16, 4096, 16  # rows, tokens and seconds of sound that are encoded at once
START_SECONDS = 8.0  # imports, loading, the probe and the first conversion
CHARS_PER_TOKEN, MAX_TOKENS = 4.3, 256
ENOUGH_ROWS = 3000  # training rows: more of them help less than seeing whole rows does
COARSEST_TOKENS, COARSEST_PIXELS, COARSEST_SECONDS = 64, 0.25, 5.0  # what is read of a row where time is short


def text_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Tokens times MiniLM's arithmetic; another encoder named with --weights costs more or less."""
    columns = max(workload.texts, 1)
    tokens = columns * min(workload.chars / columns / CHARS_PER_TOKEN + 2.0, MAX_TOKENS)
    coarsest = min(tokens, columns * COARSEST_TOKENS) * TEXT_FLOP

    def pace(item: Accelerator) -> Pace:
        from deepworth.cost import onboard

        model = onboard.transformer(params.get("weights"), "minilm-l6")
        rows = max(1, round(TOKENS / tokens * columns))
        return onboard.of_tokens(item, 1, model, tokens / columns, rows, rows)

    flop, width = tokens * TEXT_FLOP, 3 * 384 * columns
    return _estimate(workload, machine, flop, coarsest, TEXT_SPEED, width, "tokens", pace, columns)


def image_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Pixels times EfficientNet-Lite0's arithmetic, at the side `_image.image_levels` would choose."""
    side = min(224.0, max(128.0, (1.15 * workload.pixels) ** 0.5))
    flop = side * side * IMAGE_FLOP

    def pace(item: Accelerator) -> Pace:
        from deepworth.cost import onboard

        network = onboard.network(params.get("weights"), "efficientnet_lite0", side)
        return onboard.of_images(item, 1, network, IMAGES)

    return _estimate(workload, machine, flop, COARSEST_PIXELS * flop, IMAGE_SPEED, 1800, "pixels", pace)


def audio_cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Seconds of sound, up to a minute a clip, times Whisper tiny's arithmetic."""
    seconds = min(workload.clip_seconds + 0.25, 60.0)
    coarsest = min(seconds, COARSEST_SECONDS) * AUDIO_FLOP

    def pace(item: Accelerator) -> Pace:
        from deepworth.cost import onboard

        rows = max(1, round(CLIP_SECONDS / seconds))
        return onboard.of_tokens(item, 1, onboard.whisper_encoder(), 1.3 * 50 * seconds, rows, rows)

    flop = seconds * AUDIO_FLOP
    return _estimate(workload, machine, flop, coarsest, AUDIO_SPEED, 1536, "seconds of sound", pace)


def _estimate(
    workload: Workload,
    machine: Machine,
    flop: float,
    coarsest: float,
    speeds: tuple[float, float],
    width: int,
    unit: str,
    pace: Callable[[Accelerator], Pace],
    columns: int = 1,
) -> Estimate:
    """From the operations a row at the best level and at the coarsest, which with few training rows is the least.

    `pace` is what a row, or one of its `columns`, takes on an accelerator of the catalogue; only the first of several
    encodes.
    """
    if machine.accelerator_part:
        from deepworth.cost import onboard

        item = onboard.device(machine)
        there = pace(item)
        forward = columns * there.forward
        off = math.exp(math.hypot(there.half, math.log(1.5)))
        speed = flop / forward
        decode, basis = DECODE_MS[unit] / 1000 / machine.threads, f"{unit} of all rows; {there.basis}"
    else:
        off, decode, speed = 2.5, 0.0, 1e9 * machine.reaches(speeds[machine.bf16], ACCELERATED[unit])
        basis = f"{unit} of all rows x operations of the network / {speed / 1e9:,.0f} GFLOP/s"
    head = linear_seconds(workload.train, width, max(workload.classes, 1), workload.task, machine)
    seconds = START_SECONDS + workload.rows * (flop / speed + decode) + head
    least_rows = min(workload.train, ENOUGH_ROWS) + workload.valid + workload.test
    # The matrix is held as the cache's copy, standardised, and once more inside the solver.
    peak_gb = 1.0 + 4 * workload.rows * width * 4 / 1e9
    return Estimate(
        seconds=Range(
            low=(START_SECONDS + least_rows * (coarsest / speed + decode)) / off, likely=seconds, high=off * seconds
        ),
        peak_gb=Range.around(peak_gb, 1.5),
        basis=basis,
    )
