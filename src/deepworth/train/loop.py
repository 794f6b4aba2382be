"""The one training loop: every net of every modality, in one process or many, is trained here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, islice, tee
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepworth.errors import OutOfMemory
from deepworth.train.batches import Batches
from deepworth.train.keep import Average, Best
from deepworth.train.memory import LEAST_ROWS, recompute
from deepworth.train.options import Moment, Observer, Options, Outcome, Reason
from deepworth.train.recipe import Batch, Recipe
from deepworth.train.runtime import LocalRuntime, Runtime, out_of_memory

Evaluate = Callable[[nn.Module], float]  # the score of a module in eval mode, higher is better
SAVING = 0.05  # share of the time that checkpoints may take


def train(
    recipe: Recipe,
    batches: Batches,
    evaluate: Evaluate,
    options: Options,
    runtime: Runtime | None = None,
    folder: Path | None = None,
    watch: Sequence[Observer] = (),
) -> Outcome:
    """Train `recipe.module` and leave it with the best weights.

    A step's loss is one sum divided by one weight, over all its micro-batches and ranks, so the result depends neither
    on how a batch is cut nor on where its parts are computed. With a `folder`, checkpoints go to it, and a training
    found there goes on where it stood. Raises OutOfMemory when a single row needs too much.
    """
    try:
        return _Training(recipe, batches, evaluate, options, runtime or LocalRuntime(), folder, watch).run()
    finally:
        recompute(recipe.layers, on=False)


@dataclass(kw_only=True)
class _Place:
    """Where a training stands. The order of the rows and every random draw follow from the step: neither is saved."""

    micro_batch: int
    recompute: bool = False  # whether layers compute their activations twice, for want of memory
    loss: float = 0.0  # summed over the steps since the last evaluation, on this rank
    weight: float = 0.0  # of these steps, over all ranks
    step: int = 0
    stale: int = 0  # evaluations since the best
    seconds: float = 0.0
    waited: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        return vars(self).copy()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class _Training:
    """One call of `train`."""

    def __init__(
        self,
        recipe: Recipe,
        batches: Batches,
        evaluate: Evaluate,
        options: Options,
        runtime: Runtime,
        folder: Path | None,
        watch: Sequence[Observer],
    ) -> None:
        self.recipe, self.batches, self.evaluate = recipe, batches, evaluate
        self.options, self.runtime, self.watch = options, runtime, watch
        self.rates = recipe.make_optimizer()  # holds the learning rates, whatever a runtime wraps around it
        self.module, self.optimizer = runtime.setup(recipe.module, self.rates)
        self.parameters = [parameter for group in self.rates.param_groups for parameter in group["params"]]
        self.average, self.best = Average(recipe.module, options.ema), Best()
        self.steps = math.ceil(options.epochs * len(batches) - 1e-6)
        self.evaluate_every = options.evaluate_every or len(batches)
        self.share = -(-batches.batch_size // runtime.world_size)  # rows of a step on this rank
        self.place = _Place(micro_batch=options.micro_batch or self.share, recompute=options.recompute)
        self.losses: list[Tensor] = []  # not yet in `place.loss`: reading one would make a GPU wait
        parts = (self.module, self.optimizer, self.average, self.best, self.place)
        self.state = dict(zip(("module", "optimizer", "average", "best", "place"), parts, strict=True))
        self.checkpoint = folder / "checkpoint.safetensors" if folder else None
        if self.checkpoint and self.checkpoint.exists():
            runtime.load(self.checkpoint, self.state)
        recompute(recipe.layers, self.place.recompute)
        self.saved = self.reported = time.monotonic()
        self.begun = self.saved - self.place.seconds
        self.save_every, self.evaluation_seconds = options.checkpoint_seconds, options.evaluation_seconds
        self.step_seconds = 0.0

    def run(self) -> Outcome:
        """The loop."""
        place, groups = self.place, self.groups()
        reason: Reason | None = None
        self.module.train()
        while place.step < self.steps and reason is None:
            started = time.monotonic()
            self.recipe.advance(self.rates, (place.step + 0.5) / self.steps)
            self.runtime.seed(self.options.seed * 1_000_003 + place.step * self.runtime.world_size + self.runtime.rank)
            try:
                group = next(groups)
                place.waited += time.monotonic() - started
                weight, late, save_due = self.agree(group, started)
                if late:
                    reason = "deadline"
                    break
                losses = self.backward(group, weight)
            except (RuntimeError, MemoryError) as error:
                self.cut_smaller(error)
                groups = self.groups()
                continue
            self.update(losses, weight)
            self.step_seconds = time.monotonic() - started
            if place.step % self.evaluate_every == 0 or place.step == self.steps:
                reason = self.review()
            elif started - self.reported > self.options.report_seconds:
                self.show(self.moment(self.read_loss()))
            if self.checkpoint and save_due:
                self.save(self.checkpoint)
        groups.close()
        if reason == "deadline" and place.weight:
            self.review()
        if self.best.weights:
            self.recipe.module.load_state_dict(self.best.weights)
        return self.outcome(reason or "steps")

    def groups(self) -> Generator[list[Batch]]:
        """The micro-batches of each step to come, this rank's share of them; where they stream, read ahead of use."""
        ahead, now = tee(self.cuts())
        stream = self.batches.read(chain.from_iterable(ahead))
        for cut in now:
            yield list(islice(stream, len(cut)))

    def cuts(self) -> Iterator[Sequence[Tensor]]:
        """The rows of each micro-batch of each step to come. A cut that changes nothing is 3 % of a small step."""
        first, done = divmod(self.place.step, len(self.batches))
        for epoch in range(first, math.ceil(self.steps / len(self.batches))):
            for rows in self.batches.plan(epoch)[done if epoch == first else 0 :]:
                if self.runtime.world_size > 1:
                    rows = rows[self.runtime.rank :: self.runtime.world_size]
                yield rows.split(self.place.micro_batch) if len(rows) > self.place.micro_batch else (rows,)

    def agree(self, group: list[Batch], now: float) -> Sequence[float]:
        """The weight of the step, whether the deadline is near, whether a checkpoint is due: the same on all ranks."""
        weight = sum(map(self.recipe.weight, group))
        late = now + self.step_seconds + self.evaluation_seconds > self.options.deadline
        save_due = self.checkpoint is not None and self.runtime.rank == 0 and now - self.saved >= self.save_every
        return self.runtime.all_reduce([weight, late, save_due])

    def backward(self, group: list[Batch], weight: float) -> list[Tensor]:
        """Gradients of the mean loss of the step, from sums over its micro-batches; these sums."""
        losses, scale = [], self.runtime.world_size / (weight or 1.0)  # ranks' gradients get averaged: undo that
        for left, batch in zip(reversed(range(len(group))), group, strict=True):
            with self.runtime.no_backward_sync(self.module, enabled=left > 0):
                with self.runtime.autocast():
                    loss = self.recipe.loss(self.module, batch)
                self.runtime.backward(loss, loss.new_full((), scale))
            losses.append(loss.detach())
        return losses

    def update(self, losses: list[Tensor], weight: float) -> None:
        """Change the weights, once a step."""
        if self.options.clip_norm:
            self.runtime.clip_gradients(self.module, self.optimizer, self.options.clip_norm)
        self.runtime.step(self.optimizer)
        self.drop_gradients()
        self.place.step += 1
        self.losses += losses
        self.place.weight += weight
        if self.options.ema:
            self.average.update(self.place.step)

    def drop_gradients(self) -> None:
        """What `zero_grad` does by way of the profiler and the compiler, which on a small net is 3 % of a step."""
        for parameter in self.parameters:
            parameter.grad = None

    def cut_smaller(self, error: Exception) -> None:
        """Answer missing memory with half the micro-batch and twice the accumulation: the step's result is the same.

        Where few rows are left of it, layers that can are computed twice instead.
        """
        place = self.place
        if not out_of_memory(error) or self.runtime.world_size > 1:  # other ranks already wait in a collective
            raise error
        if place.micro_batch <= LEAST_ROWS and self.recipe.layers and not place.recompute:
            place.recompute, place.micro_batch = True, self.share
            recompute(self.recipe.layers)
        elif place.micro_batch == 1:
            raise OutOfMemory(f"a single row needs more memory than there is: {error}") from error
        else:
            place.micro_batch = -(-place.micro_batch // 2)
        self.drop_gradients()

    def review(self) -> Reason | None:
        """Score the weights and keep them if they are the best; why the training should end here, if it should."""
        began, place, world = time.monotonic(), self.place, self.runtime.world_size
        self.module.eval()
        with self.average.in_place(), torch.no_grad():
            with self.runtime.autocast():
                score = float(self.evaluate(self.recipe.module))
            loss, score = self.runtime.all_reduce([self.read_loss(), score / world])  # every rank decides alike
            better = self.best.offer(self.recipe.module, score, place.step)
        self.module.train()
        moment = self.moment(loss, score)
        place.history.append(asdict(moment))
        place.stale = 0 if better and score > self.options.to_beat else place.stale + 1
        place.loss = place.weight = 0.0
        self.show(moment)
        self.evaluation_seconds = time.monotonic() - began
        if not math.isfinite(loss):
            return "diverged"
        return "patience" if self.options.patience and place.stale >= self.options.patience else None

    def read_loss(self) -> float:
        """The summed loss since the last evaluation, on this rank; waits for the device."""
        if self.losses:
            self.place.loss += torch.stack(self.losses).double().sum().item()
            self.losses.clear()
        return self.place.loss

    def moment(self, loss: float, score: float | None = None) -> Moment:
        return Moment(
            step=self.place.step,
            steps=self.steps,
            epoch=self.place.step / len(self.batches),
            loss=loss / (self.place.weight or 1.0),
            lr=self.rates.param_groups[0]["lr"],
            seconds=time.monotonic() - self.begun,
            score=score,
        )

    def show(self, moment: Moment) -> None:
        self.reported = time.monotonic()
        for observer in self.watch:
            observer.see(moment)

    def save(self, path: Path) -> None:
        """Write a checkpoint; the next comes later the longer this one took."""
        began = time.monotonic()
        self.place.seconds = began - self.begun
        (total,) = self.runtime.all_reduce([self.read_loss()])
        self.place.loss = total / self.runtime.world_size  # one file for all ranks: none may hold its own share
        self.runtime.save(path, self.state)
        self.saved = time.monotonic()
        self.save_every = max(self.options.checkpoint_seconds, (self.saved - began) / SAVING)

    def outcome(self, reason: Reason) -> Outcome:
        seconds = time.monotonic() - self.begun
        return Outcome(
            reason=reason,
            steps=self.place.step,
            best_step=self.best.step,
            best_score=self.best.score,
            history=tuple(Moment(**seen) for seen in self.place.history),
            seconds=seconds,
            waiting=self.place.waited / max(seconds, 1e-9),
            micro_batch=self.place.micro_batch,
            recompute=self.place.recompute,
        )
