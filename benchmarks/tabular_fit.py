"""A whole tabular fit by the loop against Lightning Trainer and Hugging Face Trainer, at equal net, data and epochs.

    python benchmarks/tabular_fit.py [rounds] [epochs]

Each trains the same perceptron on the same rows with AdamW (fused in the loop, as it is its default; the trainers with
theirs), the same batch size and learning rate, evaluates after each epoch, and ends with a validation score; medians of
scores and of CPU time are printed side by side. Each round takes another order of the rows, which moves any score by
half a point; the loop keeps its best epoch, the trainers, as they come, their last. They are used as their
documentation shows, without progress bars, logs and checkpoints: the time goes to their data loading and their calls,
not to their output.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from statistics import median

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from deepworth.train.batches import IndexBatches
from deepworth.train.loop import train
from deepworth.train.options import Options
from deepworth.train.recipe import Group, Recipe, cross_entropy, supervised
from deepworth.weights._torchvision import ensure_torchvision

ROWS, VALID, BATCH, LR = 20_000, 4_000, 256, 2e-3  # the batch deepworth's own perceptron takes for so many rows


def made() -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor], nn.Module]:
    """Training rows, validation rows and a net; the classes are told by three products of columns."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS + VALID, 32, generator=draw)
    y = (x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4] > 0).long()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))
    return (x[:ROWS], y[:ROWS]), (x[ROWS:], y[ROWS:]), net


def accuracy(net: nn.Module, valid: tuple[torch.Tensor, torch.Tensor]) -> float:
    with torch.no_grad():
        return float((net(valid[0]).argmax(1) == valid[1]).float().mean())


def by_loop(epochs: int, seed: int) -> float:
    rows, valid, net = made()
    group = Group(parameters=tuple(net.parameters()), lr=LR, weight_decay=0.01)
    recipe = Recipe(module=net, loss=supervised(cross_entropy), groups=(group,))
    batches = IndexBatches(rows, BATCH, seed=seed)
    train(recipe, batches, lambda module: accuracy(module, valid), Options(epochs=epochs))
    return accuracy(net, valid)


def by_lightning(epochs: int, seed: int) -> float:
    import pytorch_lightning as pl

    rows, valid, net = made()

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
            self.log("accuracy", (self.net(batch[0]).argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=LR, weight_decay=0.01)

    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    loaders = (
        DataLoader(TensorDataset(*rows), BATCH, shuffle=True),
        DataLoader(TensorDataset(*valid), 1024),
    )
    torch.manual_seed(seed)  # of the order of the rows
    trainer.fit(Module(), *loaders)
    return accuracy(net, valid)


def by_hugging_face(epochs: int, seed: int) -> float:
    from transformers import Trainer, TrainingArguments

    rows, valid, net = made()

    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    def dataset(part: tuple[torch.Tensor, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        return [{"x": x, "labels": y} for x, y in zip(*part, strict=True)]

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=epochs, per_device_train_batch_size=BATCH, per_device_eval_batch_size=1024,
            learning_rate=LR, weight_decay=0.01, lr_scheduler_type="constant", eval_strategy="epoch",
            save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, seed=seed,
        )  # fmt: skip
        Trainer(Module(), arguments, train_dataset=dataset(rows), eval_dataset=dataset(valid)).train()
    return accuracy(net, valid)


def measured(run: Callable[[int, int], float], epochs: int, seed: int) -> tuple[float, float]:
    """CPU seconds and score."""
    begun = time.process_time()
    score = run(epochs, seed)
    return time.process_time() - begun, score


def main(rounds: int = 5, epochs: int = 6) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    ensure_torchvision()  # which both trainers import
    runs = (by_loop, by_lightning, by_hugging_face)
    took: dict[str, list[tuple[float, float]]] = {run.__name__: [] for run in runs}
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        for run in runs:
            run(1, 0)  # imports
        for i in range(rounds):
            for run in runs[:: 1 if i % 2 else -1]:
                took[run.__name__].append(measured(run, epochs, seed=i))
    for name, results in took.items():
        ratio = median(other[0] / ours[0] for other, ours in zip(results, took["by_loop"], strict=True))
        score = median(result[1] for result in results)
        print(f"{name:16} {median(r[0] for r in results):6.2f} s CPU, accuracy {score:.4f}, {ratio:5.2f} x the loop")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
