"""The learners of models/custom/tabular.py: tables to tensors, a recipe for the loop, predictions in their units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from deepworth.data.examples import Examples
from deepworth.modalities._encoding import TableEncoder
from deepworth.models import _neural, _ranks
from deepworth.models.custom.tabular import batch_size
from deepworth.models.learner import Context
from deepworth.nets.tabular import Perceptron, TableInput, TabM, number_bins
from deepworth.train.batches import IndexBatches
from deepworth.train.options import Options
from deepworth.train.recipe import Recipe, cross_entropy, groups_of, squared_error
from deepworth.types import Column, Task, dump, load

PREDICT_ROWS = 2048  # an ensemble's activations of more leave the cache


class TableNet:
    """What the two nets share. The network sees standardised targets; `predict` gives them back in their units."""

    defaults: ClassVar[dict[str, Any]]

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.columns = task, columns
        self.params = {**self.defaults, **params}
        self.mean, self.scale = 0.0, 1.0  # of the target of a regression

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        with _ranks.joined(context):
            self._fit(train, valid, context)

    def _fit(self, train: Examples, valid: Examples, context: Context) -> None:
        assert train.labels is not None and valid.labels is not None
        labels = valid.labels
        torch.manual_seed(context.seed)
        torch.set_num_threads(context.threads)
        device = _neural.device()
        context.tell(0.0, "encoding")
        self.encoder = TableEncoder(self.columns).fit(train, self.task)
        if not self.task.is_classification:
            self.mean, self.scale = float(np.mean(train.labels)), float(np.std(train.labels)) or 1.0
        numbers, codes = self._tensors(train)
        target, regression = self._target(train.labels), not self.task.is_classification
        self.bins = number_bins(numbers, target, self.params["bins"], regression, context.seed)
        self.module = self._build().to(device)
        tensors = [tensor.to(device) for tensor in (numbers, codes, target)]
        valid_inputs = [tensor.to(device) for tensor in self._tensors(valid)]
        recipe = Recipe(
            module=self.module,
            loss=self._loss,
            groups=groups_of(self.module, self.params["lr"], self.params["weight_decay"]),
        )
        options = Options(
            epochs=self.params["epochs"], patience=self.params["patience"], ema=self.params["ema"], clip_norm=1.0
        )

        def evaluate(module: nn.Module) -> float:
            return _neural.score(self.task, context.metric, labels, self._predict(module, valid_inputs))

        _neural.fit(
            recipe,
            IndexBatches(tensors, self.params.get("batch") or batch_size(len(train)), seed=context.seed),
            evaluate,
            context,
            options,
            valid_rows=len(valid),
            compilable=device.type == "cuda",  # on a CPU the perceptron ran at 0.65, TabM at 0.60 of the speed
            precisions=("fp32", "bf16") if self.task.is_classification else ("fp32",),
            shrink=False,
        )

    def _tensors(self, examples: Examples) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.encoder.numbers(examples)), torch.from_numpy(self.encoder.codes(examples))

    def _target(self, labels: np.ndarray) -> Tensor:
        if self.task.is_classification:
            return torch.from_numpy(labels)
        return torch.from_numpy(((labels - self.mean) / self.scale).astype(np.float32))

    @property
    def outputs(self) -> int:
        return len(self.task.classes) if self.task.is_classification else 1

    def _input(self) -> TableInput:
        return TableInput(self.bins, self.encoder.cardinalities, self.params["d_number"], self.params["d_category"])

    def _build(self) -> nn.Module:
        raise NotImplementedError

    def _loss(self, module: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        raise NotImplementedError

    def predict(self, examples: Examples) -> np.ndarray:
        inputs = [tensor.to(next(self.module.parameters()).device) for tensor in self._tensors(examples)]
        return self._predict(self.module, inputs)

    def _predict(self, module: nn.Module, inputs: list[Tensor]) -> np.ndarray:
        """Probabilities (n, classes) or values (n,), the mean of the members where there are several."""
        outputs = _neural.forward(module, zip(*(tensor.split(PREDICT_ROWS) for tensor in inputs), strict=True))
        outputs = outputs.reshape(len(outputs), -1, self.outputs)
        if self.task.is_classification:
            return _neural.probabilities(outputs).mean(axis=1)
        return outputs[:, :, 0].astype(np.float64).mean(axis=1) * self.scale + self.mean

    def save(self, folder: Path) -> None:
        about = {
            "task": json.loads(dump(self.task)),
            "columns": json.loads(dump(self.columns)),
            "params": self.params,
            "bins": self.bins,
            "mean": self.mean,
            "scale": self.scale,
        }
        (folder / "network.json").write_text(json.dumps(about))
        self.encoder.save(folder)
        _neural.save_weights(self.module, folder / "weights.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        about = json.loads((folder / "network.json").read_text())
        task = load(Task, json.dumps(about["task"]))
        learner = cls(task, load(tuple[Column, ...], json.dumps(about["columns"])), about["params"])
        learner.bins, learner.mean, learner.scale = about["bins"], about["mean"], about["scale"]
        learner.encoder = TableEncoder.load(folder)
        learner.module = learner._build()
        _neural.load_weights(learner.module, folder / "weights.safetensors")
        return learner


class PerceptronLearner(TableNet):
    """One perceptron."""

    defaults: ClassVar[dict[str, Any]] = {
        "width": 256, "depth": 3, "dropout": 0.2, "d_number": 8, "d_category": 16, "bins": 32,
        "lr": 2e-3, "weight_decay": 0.1, "ema": 0.99, "epochs": 200, "patience": 16,
    }  # fmt: skip

    def _build(self) -> nn.Module:
        p = self.params
        return Perceptron(self._input(), self.outputs, width=p["width"], depth=p["depth"], dropout=p["dropout"])

    def _loss(self, module: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        numbers, codes, target = batch
        return (cross_entropy if self.task.is_classification else squared_error)(module(numbers, codes), target)


class TabMLearner(TableNet):
    """TabM."""

    defaults: ClassVar[dict[str, Any]] = {
        "members": 16, "width": 192, "depth": 2, "dropout": 0.1, "d_number": 8, "d_category": 16, "bins": 32,
        "lr": 2e-3, "weight_decay": 1e-2, "ema": 0.99, "epochs": 100, "patience": 10,
    }  # fmt: skip

    def _build(self) -> nn.Module:
        p = self.params
        shape = {name: p[name] for name in ("members", "width", "depth", "dropout")}
        return TabM(self._input(), self.outputs, **shape)

    def _loss(self, module: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Each member answers for itself: the mean over members of its own loss, summed over the rows."""
        numbers, codes, target = batch
        outputs = module(numbers, codes)
        members = outputs.shape[1]
        loss = cross_entropy if self.task.is_classification else squared_error
        return loss(outputs.flatten(0, 1), target.repeat_interleave(members)) / members
