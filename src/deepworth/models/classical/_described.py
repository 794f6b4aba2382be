"""Learners that describe media files by hand-made features, kept on disk, and put a head on them."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from deepworth.data.cache import FeatureCache
from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.models._heads import LinearHead, TreeHead
from deepworth.models.learner import Context
from deepworth.types import Column, Kind, Task, dump, load

FIRST = 8  # rows described before the speed is measured
PROBE = 64  # rows described to learn the speed
SPARE = 0.8  # of the time left may go into features; the rest is the head's
SLOWER = 2.0  # a shared machine may become so much slower between measuring and doing
WRITING = 0.3  # seconds for files beside the predictions
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
        self.made = 0  # files described, not read from the cache
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
        self.cache, self.threads, self.made = context.cache / "features", context.threads, 0
        self.settings = [self.choose(train, name) for name in self.names]
        train, a_row = self._affordable(train, valid, context)
        assert train.labels is not None and valid.labels is not None
        x_train = self.features(train, context, 0.5, 0.5)
        x_valid = self.features(valid, context, 0.5, 0.6)
        context.notes["features"] = x_train.shape[1]
        context.notes["features_kept"] = max(0, len(train) + len(valid) - self.made // len(self.names))
        reserve = min(0.7 * context.remaining(), WRITING + SLOWER * a_row * context.predict_rows)
        self.fitted = self.head(self.task, context.seed).fit(
            x_train,
            train.labels,
            x_valid,
            valid.labels,
            context.metric,
            context.threads,
            context.deadline - reserve if math.isfinite(context.deadline) else context.deadline,
            lambda share, message: context.tell(0.6 + 0.4 * share, message),
        )
        if self.fitted.late:
            context.cut("the head")

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
                self.made += len(wanted)
                notes = None if context is None else context.notes
                for positions, block in self.describe(wanted, name, settings, notes):
                    yield positions, block
                    if context is not None and time.monotonic() - told > 0.5:
                        told = time.monotonic()
                        share = (positions[-1] + 1) / len(wanted)
                        context.tell(start + (end - start) * share, f"{positions[-1] + 1} of {len(wanted)} files")

            with threadpool_limits(1):  # the files are divided over the threads already
                if self.cache is None:
                    found = [block for _, block in encode(examples)]
                    blocks.append(np.concatenate(found) if found else np.zeros((0, self.width), dtype=np.float32))
                else:
                    key = f"{self.kind}-{self.version}-{name}-{json.dumps(settings, sort_keys=True)}"
                    blocks.append(FeatureCache(self.cache, key, self.width).features(examples, encode))
        return np.concatenate(blocks, axis=1)

    def _affordable(self, train: Examples, valid: Examples, context: Context) -> tuple[Examples, float]:
        """The training rows whose features fit the time, all or a random part, described; and the seconds a row takes.

        Rows are described in blocks that double, each only if it fits beside what must follow at the speed seen so far.
        Raises OutOfTime when not even the validation and test rows would fit.
        """
        if not math.isfinite(context.deadline):
            return train, 0.0
        order = np.random.default_rng(context.seed).permutation(len(train))
        done = min(FIRST, len(train))
        self.features(train.take(np.sort(order[:done])))  # the first files are slow: tables and libraries are set up
        block, begun, first = min(PROBE, len(train) - done), time.monotonic(), done
        a_row = 0.0
        others = len(valid) + context.predict_rows
        while block > 0:
            told = 0.5 * done / len(train), 0.5 * (done + block) / len(train)
            self.features(train.take(np.sort(order[done : done + block])), context, *told)
            done += block
            a_row = (time.monotonic() - begun) / (done - first)
            if a_row * others > context.remaining():
                raise OutOfTime(f"at {1 / a_row:.0f} files a second there is no time for the {others} to be predicted")
            room = int(SPARE * context.remaining() / (SLOWER * a_row)) - others
            block = min(done, len(train) - done, room)
        if done == len(train):
            return train, a_row
        context.notes["train_rows"] = done
        context.cut("rows")
        return train.take(np.sort(order[:done])), a_row
