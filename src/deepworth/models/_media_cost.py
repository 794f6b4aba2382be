"""What training a network on media costs: arithmetic over what the machine reaches, known before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepworth.types import Estimate, Machine, Range, Workload

if TYPE_CHECKING:
    from deepworth.cost.catalogue import Accelerator
    from deepworth.cost.onboard import Pace

CHARS_A_TOKEN = 4.5
WHOLE_STEP = 3.5  # forward passes that a training step of all layers takes as long as
MELS = 80
PREDICT_ROWS = 64  # at once


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """A network's work on one row.

    `gflop` is one forward pass of a row, `efficiency` the share of a large matrix product's speed that the network
    reaches (measured with AVX-512: 0.8 for MiniLM and Whisper, 0.3 for EfficientNet's thin convolutions, 0.5 to 0.8 for
    plain ones), `bf16` how much faster a training step is on a CPU with matrix units for it, `decode_ms` reading a row.
    """

    gflop: Callable[[Workload], float]
    efficiency: float
    epochs: tuple[float, float, float]  # few, usual, most
    fixed_seconds: float  # imports and loading
    base_gb: float
    row_mb: Callable[[Workload], float]  # activations kept for the backward pass of one row
    decode_ms: float = 0.1
    backward: float = WHOLE_STEP  # a training step in forward passes
    bf16: float = 1.0
    accelerated: float = 1.0  # of what a plain network reaches on an accelerator; thin convolutions wait for memory
    probe: bool = False  # whether features of the untouched network are made first
    # (accelerator, devices, workload, batch, params) -> what it takes there, where its sizes are known
    pace: Callable[[Accelerator, int, Workload, int, dict[str, Any]], Pace] | None = None


def estimate(
    arithmetic: Arithmetic, workload: Workload, machine: Machine, params: dict[str, Any] | None = None
) -> Estimate:
    """Seconds of the fewest, the usual and the most epochs, and the peak memory.

    The fewest are a floor: a learner that has less time than the usual trains fewer epochs, not worse ones. On an
    accelerator of the catalogue by the closed forms of `cost.onboard`, else by the share of products that is reached.
    """
    if arithmetic.pace and machine.accelerator_part:
        from deepworth.cost import onboard

        devices, batch = max(machine.accelerators, 1), batch_size(workload.train)
        pace = arithmetic.pace(onboard.device(machine), devices, workload, batch, params or {})
        return _at_pace(arithmetic, workload, machine, pace)
    speed = machine.reaches(arithmetic.efficiency, arithmetic.accelerated)
    forward = arithmetic.gflop(workload) / speed
    once = arithmetic.fixed_seconds + workload.rows * arithmetic.decode_ms / 1000.0 / machine.threads
    once += forward * (2 * workload.valid + workload.test + (workload.train if arithmetic.probe else 0))
    backward = arithmetic.backward / (arithmetic.bf16 if machine.bf16 else 1.0)
    low, likely, high = (
        once + epochs * forward * (backward * workload.train + workload.valid) for epochs in arithmetic.epochs
    )
    peak = arithmetic.base_gb + batch_size(workload.train) * arithmetic.row_mb(workload) / 1000.0
    return Estimate(
        seconds=Range(low=low / 1.5, likely=likely, high=1.5 * high),
        peak_gb=Range.around(peak, 1.6),
        basis=f"{arithmetic.gflop(workload):.2f} GFLOP a row, {speed:.0f} GFLOP/s, {arithmetic.epochs[1]:g} epochs",
    )


def _at_pace(arithmetic: Arithmetic, workload: Workload, machine: Machine, pace: Pace) -> Estimate:
    """A backward pass of part of the layers is taken in proportion; every device predicts by itself."""
    once = arithmetic.fixed_seconds + workload.rows * arithmetic.decode_ms / 1000.0 / machine.threads
    once += pace.forward * (2 * workload.valid + workload.test + (workload.train if arithmetic.probe else 0))
    step = pace.step * arithmetic.backward / WHOLE_STEP
    low, likely, high = (
        once + epochs * (step * workload.train + pace.forward * workload.valid) for epochs in arithmetic.epochs
    )
    off = math.exp(math.hypot(pace.half, math.log(1.5)))
    return Estimate(
        seconds=Range(low=low / off, likely=likely, high=off * high),
        peak_gb=Range.around(max(arithmetic.base_gb, pace.peak_gb), 1.6),
        basis=f"{pace.basis}; {arithmetic.epochs[1]:g} epochs, {once:.0f} s beside them",
    )


def batch_size(rows: int) -> int:
    """Rows of a training step."""
    return 16 if rows < 4_000 else 32


def tokens(workload: Workload, most: int) -> float:
    """Tokens a row, from its characters."""
    return min(workload.chars / CHARS_A_TOKEN + 2.0, float(most))


def frames(workload: Workload) -> float:
    """Spectrogram frames a row."""
    return min(max(workload.clip_seconds, 0.5), 10.0) * 100.0


def side(workload: Workload, least: int, most: int) -> float:
    """Pixels of the side at which an image is seen."""
    return min(max(workload.pixels**0.5 * 1.15, least), most)  # a photograph is seen at its longer side


def transformer_gflop(tokens: float, width: int, layers: int) -> float:
    """A forward pass: four projections, a feed-forward net of four times the width, and attention."""
    return (layers * (24 * width * width * tokens + 4 * width * tokens * tokens)) / 1e9
