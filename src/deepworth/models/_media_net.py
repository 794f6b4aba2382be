"""The learner behind every network on text, images or audio: rows as tensors, the loop, predictions, files."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.models import _neural, _ranks
from deepworth.models._media_cost import PREDICT_ROWS, batch_size
from deepworth.models._media_inputs import Inputs
from deepworth.models._media_target import MediaTarget
from deepworth.models._media_views import AudioView, ImageView, TextView, View
from deepworth.models.learner import Context
from deepworth.train import recipe as recipes
from deepworth.train.batches import StreamBatches
from deepworth.train.options import Options
from deepworth.train.runtime import Precision
from deepworth.types import Column, Modality, Task, dump, load

if TYPE_CHECKING:  # only networks for text need it
    from tokenizers import Tokenizer

Facts = dict[str, Any]  # JSON values

RESIDENT = 0.25  # share of the memory that decoded rows may take


class MediaNet:
    """Base of the learners of the tuned and custom rungs on media. A subclass says which network, and how to train it.

    `facts` are what is needed to build the module and the view again, without weights and without data.
    """

    modality: Modality
    epochs: float  # at most; fewer where time is short
    dropout = 0.1
    smoothing = 0.0  # of the labels
    mixup = 0.0  # Beta parameter of mixing pairs of rows; 0: none
    clip_norm = 1.0
    patience = 3  # evaluations without a better one
    attends = False  # whether the network is a large transformer
    compiles = False  # whether it was measured to be faster compiled on a CPU
    backward = 3.5  # cost of a training step in forward passes: 3.0 to 3.7 for transformers
    starts_trained = False  # whether `warm` leaves a model worth keeping

    def __init__(self, task: Task, columns: tuple[Column, ...], params: Facts) -> None:
        self.task, self.columns, self.params = task, columns, params
        self.facts: Facts = {}
        self.tokenizer: Tokenizer | None = None
        self.module: nn.Module
        self.view: View
        self.target = MediaTarget(task)
        self.budget = 1e9  # bytes of rows kept in memory
        self.row_seconds = 0.0  # of a forward pass, reading included

    # What a subclass gives

    def begin(self, train: Examples, context: Context) -> None:
        """Set `facts` (and `tokenizer`) and build `module`, its weights as training starts from them."""
        raise NotImplementedError

    def make(self) -> nn.Module:
        """The module that `facts` describe, with any weights."""
        raise NotImplementedError

    def warm(self, inputs: tuple[Inputs, Inputs], labels: tuple[np.ndarray, np.ndarray], context: Context) -> None:
        """Anything done before the loop, with rows and labels of the training and validation part."""

    def groups(self) -> tuple[recipes.Group, ...]:
        raise NotImplementedError

    def layers(self) -> Sequence[nn.Module]:
        """Layers that hold most of the network, one after another; they can be recomputed where memory is short."""
        raise NotImplementedError

    # The learner

    @property
    def outputs(self) -> int:
        return len(self.task.classes) if self.task.is_classification else 1

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        with _ranks.joined(context):
            self._fit(train, valid, context)

    def _fit(self, train: Examples, valid: Examples, context: Context) -> None:
        torch.set_num_threads(context.threads)
        os.environ.setdefault("RAYON_NUM_THREADS", str(context.threads))  # of the tokenizers; read when they first run
        torch.manual_seed(context.seed)
        self.budget = RESIDENT * context.memory_gb * 1e9
        self.begin(train, context)
        self.module.to(_neural.device())
        self.view = self._view()
        self.facts["size"], self.row_seconds = _ranks.agreed(
            lambda: _neural.once(context, "size", lambda: self._fitted_size(train, len(valid), context))
        )
        if self.facts["size"] != self.view.sizes(train)[0]:
            context.cut(f"size to {self.facts['size']}")
        rows = self._inputs(train, context.threads, context.notes), self._inputs(valid, context.threads, context.notes)
        self.target.measure(train.known_labels)
        labels = self.target.standard(train.known_labels), self.target.standard(valid.known_labels)
        if _ranks.is_first():
            self.warm(rows, labels, context)
        self._train(rows, labels, valid.known_labels, context)
        self.target.calibrate(lambda: self.raw(self.module, rows[1]), valid.known_labels)
        context.notes.update(size=self.facts["size"], parameters=sum(p.numel() for p in self.module.parameters()))

    def predict(self, examples: Examples) -> np.ndarray:
        return self.target.finished(self.raw(self.module, self._inputs(examples, torch.get_num_threads(), {})))

    def save(self, folder: Path) -> None:
        saved = {
            "task": json.loads(dump(self.task)),
            "columns": [json.loads(dump(column)) for column in self.columns],
            "params": self.params,
            "facts": self.facts,
            "target": self.target.constants,
        }
        (folder / "network.json").write_text(json.dumps(saved, indent=1))
        _neural.save_weights(self.module, folder / "network.safetensors")
        if self.tokenizer is not None:
            self.tokenizer.save(str(folder / "tokenizer.json"))

    @classmethod
    def load(cls, folder: Path) -> MediaNet:
        saved = json.loads((folder / "network.json").read_text())
        columns = tuple(load(Column, json.dumps(column)) for column in saved["columns"])
        self = cls(load(Task, json.dumps(saved["task"])), columns, saved["params"])
        self.facts, self.target.constants = saved["facts"], saved["target"]
        if (folder / "tokenizer.json").exists():
            from tokenizers import Tokenizer

            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.module = self.make().eval().to(_neural.device())
        _neural.load_weights(self.module, folder / "network.safetensors")
        self.view = self._view()
        return self

    # Rows

    def _view(self) -> View:
        if self.modality == "text":
            assert self.tokenizer is not None  # `begin` and `load` see to it
            return TextView(self.columns, self.facts, self.tokenizer)
        return (ImageView if self.modality == "image" else AudioView)(self.columns, self.facts)

    def _inputs(self, examples: Examples, threads: int, notes: Facts) -> Inputs:
        return self.view.inputs(examples, self.budget, threads, notes)

    def raw(self, module: nn.Module, inputs: Inputs, rows: np.ndarray | None = None) -> np.ndarray:
        """What `module` gives for every row of `inputs`, or those at ascending `rows`, in order.

        Rows of similar length are computed together.
        """
        rows = np.arange(len(inputs)) if rows is None else rows
        if not len(rows):
            return np.zeros((0, self.outputs), dtype=np.float32)
        order = rows if inputs.lengths is None else rows[np.argsort(inputs.lengths[rows], kind="stable")]
        parts = (order[start : start + PREDICT_ROWS] for start in range(0, len(order), PREDICT_ROWS))
        found = _neural.forward(module, ((self._batch(inputs, part),) for part in parts))
        scattered = np.empty_like(found)
        scattered[np.searchsorted(rows, order)] = found
        return scattered

    def _batch(self, inputs: Inputs, rows: np.ndarray) -> torch.Tensor:
        return self.view.prepared(inputs.batch(rows).to(_neural.device()))

    # Training

    def _fitted_size(self, train: Examples, valid_rows: int, context: Context) -> tuple[int, float]:
        """The largest size of a row at which an epoch fits into the time, the smallest if none does; seconds a row."""
        sizes = self.view.sizes(train)
        self.facts["size"] = sizes[0]
        some = train.take(np.arange(min(8, len(train))))
        self.module.eval()
        for _ in range(2):  # the first pass fills caches
            began = time.monotonic()
            self.raw(self.module, self._inputs(some, 1, {}))
            seconds = (time.monotonic() - began) / len(some)
        passes = (1 + self.backward) * len(train) + 4 * valid_rows + context.predict_rows
        cells = self.view.cells(sizes[0])
        fitting = [s for s in sizes if seconds * passes * self.view.cells(s) / cells < 0.9 * context.remaining()]
        size = fitting[0] if fitting else sizes[-1]
        seconds *= self.view.cells(size) / cells
        if seconds * (valid_rows + context.predict_rows) > context.remaining():
            raise OutOfTime(f"predicting alone would take more than the {context.remaining():.0f} s that are left")
        return size, seconds

    def _train(
        self,
        rows: tuple[Inputs, Inputs],
        labels: tuple[np.ndarray, np.ndarray],
        valid_labels: np.ndarray,
        context: Context,
    ) -> None:
        """Train by the loop, and keep the weights training started from if they were as good on the validation rows."""
        train, valid = rows
        targets = torch.from_numpy(labels[0])
        batches = StreamBatches(
            lambda some: (train.batch(some), targets[torch.from_numpy(some)]),
            len(train),
            self._batch_size(len(train)),
            seed=context.seed,
            lengths=train.lengths,
            workers=1 if train.lengths is not None else context.threads,
            device=_neural.device(),
        )

        def evaluate(module: nn.Module) -> float:
            if not len(valid):
                return time.monotonic()  # nothing to choose by: the last weights are kept
            predictions = self.target.finished(self.raw(module, valid))
            return _neural.score(self.task, context.metric, valid_labels, predictions)

        recipe = recipes.Recipe(
            module=self.module,
            loss=self._loss,
            groups=self.groups(),
            schedule=self._schedule(len(valid), context),
            layers=self.layers(),
        )
        start = {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}
        first = evaluate(self.module) if self.starts_trained else -math.inf
        epochs = float(self.params.get("epochs", self.epochs))
        options = Options(epochs=epochs, clip_norm=self.clip_norm, patience=self.patience, to_beat=first)
        try:
            outcome = _neural.fit(
                recipe,
                batches,
                evaluate,
                context,
                options,
                valid_rows=len(valid),
                precisions=self._precisions(),
                compilable=self.compiles or _neural.device().type == "cuda",
            )
            kept = outcome.best_score > first
        except OutOfTime:
            if not self.starts_trained:
                raise
            kept = False
            context.notes["epochs"] = 0
        if not kept:
            self.module.load_state_dict(start)
        self.module.eval()
        context.notes["kept"] = "fine-tuned weights" if kept else "the start"
        if not kept and self.starts_trained:
            epochs = context.notes["epochs"]
            gained = f"{epochs:g} epochs of fine-tuning gained nothing" if epochs else "there was no time to fine-tune"
            context.notes["remark"] = f"{gained}: this is the linear probe it starts from, no result of tuning"

    def _schedule(self, valid_rows: int, context: Context) -> recipes.Schedule:
        """Warm-up and a cosine that ends with the last step, or with the time where the machine slows down.

        A cosine cut in its middle leaves worse weights than a steeper one that ended. The clock counts only where it is
        a tenth ahead of the steps, so that the same seed gives the same rates while the machine keeps its pace.
        """
        follows = recipes.warmup_cosine(0.1)
        if _ranks.world_size() > 1:
            return follows  # each rank has a clock of its own, and all must take the same step
        begun = time.monotonic()
        seconds = max(0.95 * context.remaining() - self.row_seconds * (valid_rows + context.predict_rows), 1e-3)
        return lambda progress: follows(min(1.0, max(progress, (time.monotonic() - begun) / seconds - 0.1)))

    def _precisions(self) -> tuple[Precision, ...]:
        """Precisions worth timing, the most likely first.

        On a CPU with matrix units for bf16 transformers train 1.8 to 2 times faster in it; thin convolutions gain too
        little to be told from noise, and a choice by noise would make a seed's result differ from run to run.
        """
        if _neural.device().type == "cuda":
            return ("bf16" if torch.cuda.is_bf16_supported() else "fp16", "fp32")
        return ("bf16", "fp32") if self.attends and torch.cpu.get_capabilities().get("amx_bf16") else ("fp32",)

    def _batch_size(self, rows: int) -> int:
        return int(self.params.get("batch", batch_size(rows)))

    def _loss(self, module: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        inputs, target = batch
        inputs = self.view.prepared(inputs)
        if module.training:  # the loop seeds the default generator before every step, so a resumed run draws the same
            inputs = self.view.changed(inputs, torch.default_generator)
        if not self.task.is_classification:
            return recipes.huber(module(inputs)[:, 0], target)
        if self.mixup and module.training:
            inputs, target = recipes.mixup(inputs, target, self.outputs, self.mixup)
        return recipes.cross_entropy(module(inputs), target, self.smoothing)
