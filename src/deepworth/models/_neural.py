"""The one place where a neural learner meets the loop: `fit` probes, plans the time and trains; predict, save, load.

A learner builds a `Recipe`, its `Batches` and an `evaluate(module) -> score` (higher is better, see `score`), and calls

    outcome = fit(recipe, batches, evaluate, context, Options(epochs=..., patience=...), valid_rows=...)

which leaves `recipe.module` with the best weights, on `device()`, and raises OutOfTime when there was no time for
anything worth keeping. `forward(module, inputs)` gives predictions; `save_weights` and `load_weights` keep them as
safetensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from deepworth.cost.machine import process_memory_gb
from deepworth.errors import OutOfTime
from deepworth.metrics.scores import METRICS
from deepworth.models import _ranks
from deepworth.models.learner import Context
from deepworth.registry import missing, resolve, specs
from deepworth.store import write
from deepworth.train.batches import Batches
from deepworth.train.loop import Evaluate, train
from deepworth.train.options import Moment, Options, Outcome
from deepworth.train.probe import Choice, probe
from deepworth.train.recipe import Recipe
from deepworth.train.runtime import LocalRuntime, Precision
from deepworth.types import Task, dump

T = TypeVar("T")

RESERVE = 0.05  # of the time left, kept for saving and for steps slower than those of the probe
FORWARD = 0.4  # cost of a forward pass in training steps over as many rows
COPIES = 8  # of the weights: gradients, two moments, the best, and these again while a checkpoint is written
MIN_STEPS = 20  # a training that has no time for these is not worth starting


def device() -> torch.device:
    """Where networks are trained."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit(
    recipe: Recipe,
    batches: Batches,
    evaluate: Evaluate,
    context: Context,
    options: Options,
    *,
    valid_rows: int,
    precisions: Sequence[Precision] = ("fp32",),
    compilable: bool = False,
    shrink: bool = True,
) -> Outcome:
    """Train within `context`, with the schedule shrunk to the epochs there is time for.

    `valid_rows` are the rows `evaluate` predicts. Without `shrink` the deadline just cuts the training: right for a
    recipe without a schedule, whose result then does not hang on the speed the probe happened to measure. Raises
    OutOfTime before the first evaluation and OutOfMemory when a single row is too much.
    """
    torch.set_num_threads(context.threads)
    options, ranks = replace(options, seed=context.seed), _ranks.world_size()

    def decide() -> tuple[dict[str, Any], float, int]:
        choice = probe(
            recipe,
            batches,
            replace(options, deadline=context.deadline),
            device=device(),
            threads=context.threads,
            precisions=precisions,
            compilable=compilable and ranks == 1,
            seconds=min(10.0, 0.05 * context.remaining()),
            free=_free_bytes(recipe.module, context),
        )
        choice = replace(choice, step_seconds=choice.step_seconds / ranks)
        epochs, every = _affordable(options, batches, context, choice.step_seconds, valid_rows, shrink)
        return asdict(choice), epochs, every

    wished = options.epochs
    chosen, epochs, every = _ranks.agreed(lambda: once(context, "training", decide))
    choice = Choice(**chosen)
    torch.set_num_threads(choice.threads)
    row_seconds = FORWARD * choice.step_seconds / batches.batch_size
    options = replace(
        options,
        epochs=epochs,
        evaluate_every=every,
        micro_batch=min(choice.micro_batch or batches.batch_size, -(-batches.batch_size // ranks)),
        recompute=choice.recompute,
        evaluation_seconds=row_seconds * valid_rows,
        deadline=context.deadline - _reserve(context, row_seconds * (valid_rows + context.predict_rows)),
    )
    alone = LocalRuntime(device(), choice.precision, choice.compile)
    runtime = alone if ranks == 1 else _ranks.runtime(choice.precision)
    trackers = (resolve(s.tracker)(context.folder) for s in specs("trackers").values() if not missing(s))
    watch = (*trackers, _Teller(context)) if _ranks.is_first() else ()
    outcome = train(recipe, batches, evaluate, options, runtime, context.midway, watch)
    if not outcome.best_step:
        if outcome.reason == "diverged":
            raise FloatingPointError("the training loss is no longer a number")
        raise OutOfTime(f"{outcome.steps} of {math.ceil(epochs * len(batches))} steps before the deadline")
    context.notes.update(
        steps=outcome.steps,
        epochs=round(outcome.steps / len(batches), 2),
        best_epoch=round(outcome.best_step / len(batches), 2),
        ended_by=outcome.reason,
        how=str(choice),
        tried={name: round(seconds, 5) for name, seconds in choice.tried},
        micro_batch=outcome.micro_batch,
        recompute=outcome.recompute,
        ranks=ranks,
        waiting=round(outcome.waiting, 3),
        hyperparameters=_told(recipe, batches, options, wished),
    )
    if outcome.reason == "deadline" or epochs < wished:
        context.cut("epochs")
    if choice.remark:
        context.notes["probe"] = choice.remark
    return outcome


def once(context: Context, name: str, decide: Callable[[], T]) -> T:
    """What `decide` gives, JSON values, kept midway: a fit that goes on must not ask the clock again."""
    path = context.midway / f"{name}.json"
    if not path.exists():
        write(path, dump(decide()))
    decided: T = json.loads(path.read_bytes())
    return decided


def _told(recipe: Recipe, batches: Batches, options: Options, epochs: float) -> dict[str, Any]:
    """What was set before the training, for the model card."""
    return {
        "optimizer": getattr(recipe.optimizer, "__name__", str(recipe.optimizer)),
        "learning_rates": sorted({group.lr for group in recipe.groups}, reverse=True),
        "weight_decays": sorted({group.weight_decay for group in recipe.groups}, reverse=True),
        "batch_size": batches.batch_size,
        "epochs": epochs,
        "patience": options.patience,
        "clip_norm": options.clip_norm,
        "ema": options.ema,
    }


def _free_bytes(module: nn.Module, context: Context) -> float:
    """Bytes left for activations beside gradients, optimiser, best weights and a checkpoint being written."""
    free = context.memory_gb * 1e9 - 1e9 * process_memory_gb()
    if device().type == "cuda":
        free = torch.cuda.mem_get_info()[0]
    return free - COPIES * sum(p.numel() * p.element_size() for p in module.parameters())


def _reserve(context: Context, predict_seconds: float) -> float:
    return predict_seconds + RESERVE * max(context.remaining(), 0.0) if math.isfinite(context.deadline) else 0.0


def _affordable(
    options: Options, batches: Batches, context: Context, step_seconds: float, valid_rows: int, shrink: bool
) -> tuple[float, int]:
    """The epochs there is time for, up to those wished for, and the steps between evaluations.

    Evaluations take at most a fifth of the time. Raises OutOfTime when the time left does not hold MIN_STEPS steps.
    """
    wished = math.ceil(options.epochs * len(batches))
    evaluation = FORWARD * valid_rows / batches.batch_size  # in steps
    every = options.evaluate_every or max(len(batches), math.ceil(4 * evaluation))
    predict_seconds = FORWARD * step_seconds * (valid_rows + context.predict_rows) / batches.batch_size
    seconds = context.remaining() - _reserve(context, predict_seconds)
    steps = wished if not math.isfinite(seconds) else int(seconds / step_seconds / (1 + evaluation / every))
    if steps < (least := min(wished, MIN_STEPS)):
        raise OutOfTime(
            f"the least training, {least} steps, takes {least * step_seconds:.1f} s, and after what comes before it "
            f"{max(seconds, 0):.1f} s are left for training"
        )
    steps = min(steps, wished) if shrink else wished
    if not options.evaluate_every and steps < 5 * every:  # a few long epochs: look in between
        every = max(math.ceil(4 * evaluation), math.ceil(steps / 5), 1)
    return steps / len(batches), every


class _Teller:
    """Tells the context how far a training is."""

    def __init__(self, context: Context) -> None:
        self.context, self.score = context, ""

    def see(self, moment: Moment) -> None:
        self.score = f", score {moment.score:.4f}" if moment.score is not None else self.score
        self.context.tell(moment.step / moment.steps, f"epoch {moment.epoch:.1f}, loss {moment.loss:.4f}{self.score}")


def forward(module: nn.Module, inputs: Iterable[tuple[Tensor, ...]]) -> np.ndarray:
    """What `module(*tensors)` gives in eval mode for each of `inputs`, concatenated: float32 (n, ...)."""
    module.eval()
    with torch.inference_mode():
        return np.concatenate([module(*tensors).float().cpu().numpy() for tensors in inputs])


def probabilities(logits: np.ndarray) -> np.ndarray:
    """(..., classes) float64 softmax."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def score(task: Task, metric: str, labels: np.ndarray, predictions: np.ndarray) -> float:
    """What early stopping watches, higher is better: the primary metric, and the log loss where it cannot tell.

    The log loss alone stops too early where a net grows too sure of itself while it still ranks better; a share of it
    decides between epochs that an accuracy on few rows calls equal.
    """
    if not task.is_classification:
        return -METRICS["rmse" if metric != "mae" else "mae"].score(labels, predictions)
    log_loss = METRICS["log_loss"].score(labels, predictions)
    chosen = METRICS.get(metric, METRICS["log_loss"])
    value = chosen.score(labels, predictions)
    value = value if chosen.higher_is_better else -value
    return (value if math.isfinite(value) else 0.0) - 0.01 * log_loss


def save_weights(module: nn.Module, path: Path) -> None:
    """Write the weights of a module as safetensors; tied ones once."""
    safetensors.torch.save_model(module, str(path))


def load_weights(module: nn.Module, path: Path) -> None:
    """Read what `save_weights` wrote into a module of the same shape."""
    safetensors.torch.load_model(module, str(path))
