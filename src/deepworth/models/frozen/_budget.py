"""What encoding costs on this machine as it is now, and the finest level at which enough rows fit the time left."""

from __future__ import annotations

import math
from collections import defaultdict

from deepworth.data.examples import Examples
from deepworth.models.frozen._cost import ENOUGH_ROWS
from deepworth.models.frozen._encode import Encoder
from deepworth.models.learner import Context
from deepworth.types import Task

ENOUGH_OF_A_CLASS = 50  # training rows, beside ENOUGH_ROWS in all
ENCODE_SHARE = 0.7  # of the time that is left; the rest is for the head, and for a machine that slows down
EARLY = 0.2  # of the rows: until then a finer level is worth beginning anew
FORGET_SECONDS = 20.0  # of encoding, after which a measured speed counts for a third: machines are shared


class Budget:
    """All of valid and test and `enough` training rows are to be encoded at one level; more are used as time goes."""

    def __init__(self, encoder: Encoder, task: Task, train: Examples, valid: Examples, context: Context) -> None:
        self.levels, self.context = encoder.levels, context
        self.per_row = {level: encoder.work(train, level) / max(len(train), 1) for level in encoder.levels}
        self.enough = min(len(train), max(ENOUGH_ROWS, ENOUGH_OF_A_CLASS * len(task.classes)))
        self.rows = self.enough + len(valid) + context.predict_rows
        self.encoded: dict[int, int] = defaultdict(int)  # rows, by level
        self.seconds = self.work = 0.0

    def probed(self, seconds_per_work: float) -> None:
        """Start from the word of a probe, worth a second of encoding."""
        self.seconds, self.work = 1.0, 1.0 / seconds_per_work

    def saw(self, work: float, seconds: float) -> None:
        """Some work has been done in so many seconds just now."""
        kept = math.exp(-seconds / FORGET_SECONDS)
        self.seconds, self.work = kept * self.seconds + seconds, kept * self.work + work

    def row_seconds(self, level: int) -> float:
        return self.per_row[level] * self.seconds / self.work

    def fits(self, level: int) -> bool:
        """Whether what is still to do at a level fits the time left."""
        rows = max(self.rows - self.encoded[level], 0)
        return self.row_seconds(level) * rows <= ENCODE_SHARE * self.context.remaining()

    def finest(self) -> int:
        """The best level that fits, or the coarsest."""
        return next((level for level in self.levels if self.fits(level)), self.levels[-1])

    def should_change(self, level: int) -> bool:
        """Whether another level now fits and serves better: a coarser one where this one does not, or early a finer."""
        finest, done = self.finest(), self.encoded[level]
        if finest == level or not self.fits(finest) or done >= self.rows - self.context.predict_rows:
            return False
        return finest < level or (
            done < EARLY * self.rows and not any(self.encoded[other] for other in self.levels if other > level)
        )
