"""Learners that describe media files by hand-made features, kept on disk, and put a head on them."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from deepworth.data.cache import FeatureCache
from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.models._heads import LinearHead, TreeHead
from deepworth.models.learner import Context
from deepworth.types import Column, Kind, Task, dump, load

PROBE = 64  # rows described to learn the speed
SPARE = 0.7  # of the time left may go into features; the rest is the head's
FEWEST = 64  # training rows worth a fit under a deadline
CHUNK = 32  # files decoded and described at a time and thread


class Described(ABC):
    """One feature vector a file and a head; two learners that differ in the head share the vectors."""

    kind: ClassVar[Kind]
    head: ClassVar[type[LinearHead] | type[TreeHead]]
    width: ClassVar[int]
    version: ClassVar[str]  # of the features: part of the key they are kept under

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.params = task, params
        self.names = [column.name for column in columns if column.kind == self.kind]
        self.settings: list[dict[str, Any]] = []  # beside names
        self.cache: Path | None = None
        self.threads = 1
        self.fitted = self.head(task)

    @abstractmethod
    def choose(self, examples: Examples, name: str) -> dict[str, Any]:
        """What to decode the files of a column to, from a few headers (JSON values)."""

    @abstractmethod
    def describe(
        self, examples: Examples, name: str, settings: dict[str, Any], notes: dict[str, Any] | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(positions, (n, width) features) in chunks."""

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        self.cache, self.threads = context.cache / "features", context.threads
        self.settings = [self.choose(train, name) for name in self.names]
        train, rows_a_second = self._affordable(train, valid, context)
        assert train.labels is not None and valid.labels is not None
        x_train = self.features(train, context, 0.0, 0.5)
        x_valid = self.features(valid, context, 0.5, 0.6)
        context.notes["features"] = x_train.shape[1]
        reserve = min(0.5 * context.remaining(), 1.2 * context.predict_rows / rows_a_second)
        self.fitted = self.head(self.task, context.seed).fit(
            x_train,
            train.labels,
            x_valid,
            valid.labels,
            context.metric,
            context.threads,
            context.deadline - reserve if context.deadline < float("inf") else context.deadline,
            lambda share, message: context.tell(0.6 + 0.4 * share, message),
        )

    def predict(self, examples: Examples) -> np.ndarray:
        return self.fitted.predict(self.features(examples))

    def save(self, folder: Path) -> None:
        facts = {"task": json.loads(dump(self.task)), "names": self.names, "settings": self.settings}
        (folder / "described.json").write_text(json.dumps(facts))
        self.fitted.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Described:
        facts = json.loads((folder / "described.json").read_text())
        learner = cls(load(Task, json.dumps(facts["task"])), (), {})
        learner.names, learner.settings = facts["names"], facts["settings"]
        learner.fitted = cls.head.load(folder)
        return learner

    def features(
        self, examples: Examples, context: Context | None = None, start: float = 0.0, end: float = 1.0
    ) -> np.ndarray:
        """(n, width * columns) float32 features, read from the cache where they are there."""
        blocks = []
        for name, settings in zip(self.names, self.settings, strict=True):

            def encode(
                wanted: Examples, name: str = name, settings: dict[str, Any] = settings
            ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
                told = time.monotonic()
                notes = None if context is None else context.notes
                for positions, block in self.describe(wanted, name, settings, notes):
                    yield positions, block
                    if context is not None and time.monotonic() - told > 0.5:
                        told = time.monotonic()
                        share = (positions[-1] + 1) / len(wanted)
                        context.tell(start + (end - start) * share, f"{positions[-1] + 1} of {len(wanted)} files")

            if self.cache is None:
                found = [block for _, block in encode(examples)]
                blocks.append(np.concatenate(found) if found else np.zeros((0, self.width), dtype=np.float32))
            else:
                key = f"{self.kind}-{self.version}-{name}-{json.dumps(settings, sort_keys=True)}"
                blocks.append(FeatureCache(self.cache, key, self.width).features(examples, encode))
        return np.concatenate(blocks, axis=1)

    def _affordable(self, train: Examples, valid: Examples, context: Context) -> tuple[Examples, float]:
        """The training rows whose features fit the time, all or a random part, and the rows described a second.

        Raises OutOfTime when too few fit.
        """
        picked = np.random.default_rng(context.seed).permutation(len(train))
        start = time.monotonic()
        self.features(train.take(np.sort(picked[:PROBE])), context, 0.0, 0.0)
        rows_a_second = min(len(train), PROBE) / max(time.monotonic() - start, 1e-6)
        if context.deadline == float("inf"):
            return train, rows_a_second
        room = int(rows_a_second * SPARE * context.remaining()) - len(valid) - context.predict_rows
        if room >= len(train):
            return train, rows_a_second
        if room < FEWEST:
            raise OutOfTime(f"at {rows_a_second:.0f} files a second there is no time to describe the training files")
        context.notes["train_rows"] = room
        return train.take(np.sort(picked[:room])), rows_a_second
