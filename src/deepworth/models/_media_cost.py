"""What training a network on media costs: arithmetic over what the machine reaches, known before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deepworth.types import Estimate, Machine, Range, Workload

CHARS_A_TOKEN = 4.5
MELS = 80


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
    backward: float = 3.5  # a training step in forward passes
    bf16: float = 1.0
    accelerated: float = 1.0  # of what a plain network reaches on an accelerator; thin convolutions wait for memory
    probe: bool = False  # whether features of the untouched network are made first


def estimate(arithmetic: Arithmetic, workload: Workload, machine: Machine) -> Estimate:
    """Seconds of the fewest, the usual and the most epochs, and the peak memory.

    The fewest are a floor: a learner that has less time than the usual trains fewer epochs, not worse ones.
    """
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
