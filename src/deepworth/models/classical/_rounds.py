"""When boosting should stop, and how fast it may learn so that it ends inside its deadline."""

from __future__ import annotations

import math
import time

from deepworth.models.learner import Context

PATIENCE = 100  # rounds without a better validation loss
WARM = 5  # rounds timed before the pace is set
WANTED = 500  # rounds that should fit before the deadline; fewer raise the learning rate instead
FASTEST = 0.3


class Rounds:
    """Follows one boosting run: the best round so far, the deadline, the progress.

    `after` is the seconds that one more round adds to the predictions which must follow before the deadline.
    """

    def __init__(self, context: Context, most: int, rate: float, after: float) -> None:
        self.context, self.most, self.rate, self.after = context, most, rate, after
        self.best, self.best_round = math.inf, 0
        self.started = self.told = time.monotonic()

    def pace(self, done: int) -> float:
        """The learning rate from here on: doubled until `WANTED` rounds' learning fits, after `WARM` rounds."""
        if done == WARM and math.isfinite(self.context.deadline):
            each = (time.monotonic() - self.started) / WARM + self.after
            fits = max(self.context.remaining() / each, 1.0)
            while self.rate < FASTEST and fits * self.rate < WANTED * 0.04 and fits < self.most:
                self.rate = min(2 * self.rate, FASTEST)
            self.context.notes["learning_rate"] = round(self.rate, 4)
        return self.rate

    def over(self, done: int, loss: float | None) -> bool:
        """Whether `done` rounds, the last with this validation loss (None without validation rows), are enough."""
        now = time.monotonic()
        if loss is None or loss < self.best:
            self.best, self.best_round = math.inf if loss is None else loss, done
        if now - self.told > 0.3:
            self.told = now
            self.context.tell(min(done / self.most, 0.95), f"{done} rounds")
        late = now + self.after * self.best_round >= self.context.deadline
        return late or done - self.best_round >= PATIENCE
