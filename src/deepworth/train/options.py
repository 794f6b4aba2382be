"""What the loop is told and what it tells: options in, moments while it runs, an outcome at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

Reason = Literal["steps", "patience", "deadline", "diverged"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long and how a recipe is trained."""

    epochs: float = 10.0
    micro_batch: int | None = None  # rows a rank computes at once; None: its whole share of the batch
    clip_norm: float | None = None
    ema: float = 0.0  # decay of the running average of the weights, which is then evaluated and kept; 0: none
    evaluate_every: int | None = None  # steps between evaluations; None: an epoch
    patience: int | None = None  # evaluations in a row without a new best before it stops
    to_beat: float = -math.inf  # score of the weights it starts from: no evaluation below it is a best worth patience
    deadline: float = math.inf  # time.monotonic() by which the loop has returned, last evaluation included
    evaluation_seconds: float = 0.0  # a guess, until the first evaluation has been timed
    recompute: bool = False  # gradient checkpointing of the recipe's `layers`: more time, a fraction of the memory
    checkpoint_seconds: float = 60.0  # between checkpoints: what a killed run loses at most
    report_seconds: float = 0.5  # between the moments observers see, evaluations apart
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What an observer sees: plain numbers, nothing that leads back into the loop."""

    step: int  # optimiser steps done
    steps: int  # optimiser steps planned
    epoch: float
    loss: float  # training loss since the last evaluation, summed loss over summed weight
    lr: float  # of the first group
    seconds: float
    score: float | None = None  # of the evaluation just made


class Observer(Protocol):
    """A tracker, a progress bar, an energy meter: it watches and cannot change the result."""

    def see(self, moment: Moment) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a training; the module carries the best weights."""

    reason: Reason
    steps: int
    best_step: int  # 0: nothing was ever evaluated
    best_score: float
    history: tuple[Moment, ...]  # one for each evaluation
    seconds: float  # of training, before and after a resume
    waiting: float  # share of the seconds spent on getting batches
    micro_batch: int  # rows at once in the end, after what memory allowed
    recompute: bool = False  # whether activations were computed twice in the end
