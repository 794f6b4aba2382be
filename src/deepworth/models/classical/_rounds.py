"""When boosting should stop, and how fast it may learn so that it ends inside its deadline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from deepworth.models.learner import Context

PATIENCE = 100  # rounds without a better validation loss
WARM = 4  # rounds after which the pace is set, and set again whenever their number doubles
LEARNT = 20.0  # sum of the learning rates of all rounds that small data wants; fewer rounds learn faster instead
LEARNT_LARGE, LARGE = 60.0, 150_000  # what so many training rows want
FASTEST = 0.3
SLOWER = 2.0  # a shared machine may become so much slower between measuring and doing


class Rounds:
    """Follows one boosting run: the best round so far, the deadline, the progress.

    `price(done)` measures the seconds that the predictions and the saving of `done` rounds will take. It is asked again
    whenever the number of rounds has doubled: large ensembles fall out of the processor's caches.
    """

    def __init__(self, context: Context, most: int, rate: float, rows: int, price: Callable[[int], float]) -> None:
        self.context, self.most, self.rate, self.price = context, most, rate, price
        self.wanted = LEARNT_LARGE if rows >= LARGE else LEARNT
        self.best, self.best_round = math.inf, 1
        self.base = rate
        self.each = self.after = self.learnt = 0.0  # seconds of a round, and of what follows a round; rates summed
        self.spent = 0.0  # seconds in all rounds but the first, which sets things up
        self.next_look = 1
        self.started = self.told = time.monotonic()

    def over(self, done: int, loss: float | None) -> bool:
        """Whether `done` rounds, the last with this validation loss (None without validation rows), are enough."""
        now = time.monotonic()
        last, self.learnt = now - self.started, self.learnt + self.rate
        self.each = last if done == 1 else max(0.8 * self.each + 0.2 * last, min(last, 2 * self.each))
        self.spent += last if done > 1 else 0.0
        if loss is None or loss < self.best:
            self.best, self.best_round = math.inf if loss is None else loss, done
        if now - self.told > 0.3:
            self.told = now
            self.context.tell(min(done / self.most, 0.95), f"{done} rounds")
        if math.isfinite(self.context.deadline) and done == self.next_look:
            self.next_look *= 2
            self.after = self.price(done) / done
            if done >= WARM:
                self._set_pace(done)
        self.started = time.monotonic()
        late = self.started + SLOWER * (self.each + self.after * (self.best_round + 1)) >= self.context.deadline
        waited = done - self.best_round >= PATIENCE
        if late and not waited and done < self.most:
            self.context.cut("rounds")
        return late or waited

    def _set_pace(self, done: int) -> None:
        """Double the first learning rate until what is still to be learnt fits at the mean pace so far.

        Set anew at every look: one that was high because the machine was busy comes down again.
        """
        after = SLOWER * self.after
        fits = max((self.context.remaining() - done * after) / (self.spent / (done - 1) + after), 1.0)
        self.rate = self.base
        while self.rate < FASTEST and fits * self.rate < self.wanted - self.learnt and fits < self.most:
            self.rate = min(2 * self.rate, FASTEST)
        self.context.notes["learning_rate"] = round(self.rate, 4)
