"""What the frozen learners of every modality share: features within the deadline, a linear head, save and load."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from deepworth.data.cache import FeatureCache, cache_folder
from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime, UserError
from deepworth.models._heads import LinearHead
from deepworth.models.frozen._choice import choose, network_file, runtime_named
from deepworth.models.frozen._encode import Encoder, encode, encode_all
from deepworth.models.learner import Context
from deepworth.types import Column, Modality, Task, dump, load
from deepworth.weights._networks import load_network

HEAD_SHARE = 0.15  # of the time that is left after the probe, kept for the head
SLACK = 1.3  # the test rows may go slower than the train rows did
LEAST_HEAD_SECONDS = 3.0  # where the test rows are expected to take all that is left: that is a guess, a head is not
STEP = 1024  # train rows encoded between two looks at the clock


class FrozenLearner:
    """A pretrained network as feature maker and a linear head on top."""

    modality: ClassVar[Modality]

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.columns, self.params = task, columns, params
        self.weights: str | None = params.get("weights")
        self.cache: FeatureCache | None = None

    def encoder_of(self, network: Any, levels: tuple[int, ...], train: Examples | None, context: Context) -> Encoder:
        """The modality's encoder around a network. A loaded model gives the one level it was fitted at, and no rows."""
        raise NotImplementedError

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        """Encode what the deadline allows - all of valid, always - and fit the head. Raises OutOfTime."""
        self.weights = context.weights or self.weights
        self.threads = context.threads
        context.tell(0.0, "loading the network")
        self.network = load_network(self.modality, self.weights)
        self.encoder = self.encoder_of(self.network, (), train, context)
        choice = choose(self.encoder, self.network.digest, self.task, train, valid, context)
        self.level, self.runtime = choice.level, choice.runtime
        name = f"{self.network.digest}-{self.encoder.key}-{self.level}-{self.runtime.name}"
        self.cache = FeatureCache(context.cache / "features", name, self.encoder.parts * self.encoder.width)
        x_valid = self._features(valid)
        per_row = choice.seconds_per_work * self.encoder.work(train, self.level) / max(len(train), 1)
        kept, per_row = self._encode_train(train, per_row, context)
        context.tell(0.9, "fitting the head")
        used = train.take(kept)
        self.head = LinearHead(self.task, context.seed).fit(
            self._features(used),
            used.known_labels,
            x_valid,
            valid.known_labels,
            metric=context.metric,
            threads=context.threads,
            deadline=max(context.deadline - per_row * context.predict_rows, time.monotonic() + LEAST_HEAD_SECONDS),
        )
        context.notes.update(
            network=self.network.name,
            licence=self.network.licence,
            runtime=self.runtime.name,
            speed_over_torch=round(choice.ratio, 2),
            cosine_with_torch=round(choice.cosine, 4),
            level=self.level,
            train_rows_used=len(kept),
            head_strength=self.head.strength,
        )

    def predict(self, examples: Examples) -> np.ndarray:
        """(n, classes) probabilities or (n,) values. A loaded model caches nothing: new data leaves no trace."""
        return self.head.predict(self._features(examples))

    def save(self, folder: Path) -> None:
        facts = {
            "task": json.loads(dump(self.task)),
            "columns": [json.loads(dump(column)) for column in self.columns],
            "params": self.params,
            "weights": self.weights,
            "digest": self.network.digest,
            "licence": self.network.licence,
            "level": self.level,
            "runtime": self.runtime.name,
            "threads": self.threads,
        }
        (folder / "frozen.json").write_text(json.dumps(facts, indent=1))
        (folder / "head").mkdir()
        self.head.save(folder / "head")
        if self.runtime.file is not None:
            shutil.copy(self.runtime.file, folder / "network.int8.xml")
            shutil.copy(self.runtime.file.with_suffix(".bin"), folder / "network.int8.bin")

    @classmethod
    def load(cls, folder: Path) -> FrozenLearner:
        """The saved learner. Raises UserError when the network installed here is not the one it was fitted with."""
        facts = json.loads((folder / "frozen.json").read_text())
        columns = tuple(load(Column, json.dumps(column)) for column in facts["columns"])
        learner = cls(load(Task, json.dumps(facts["task"])), columns, facts["params"])
        learner.weights, learner.level, learner.threads = facts["weights"], facts["level"], facts["threads"]
        learner.network = network = load_network(cls.modality, learner.weights)
        if network.digest != facts["digest"]:
            raise UserError(
                f"the model in {folder} was fitted on the network {learner.weights or network.name} with the digest "
                f"{facts['digest']}, but here it has {network.digest}: install the same weights"
            )
        context = Context(folder=folder, cache=cache_folder(), threads=learner.threads)
        learner.encoder = encoder = learner.encoder_of(network, (learner.level,), None, context)
        own = facts["runtime"] == "openvino-int8"
        file = folder / "network.xml" if own else network_file(context.cache, network.digest, encoder, learner.level)
        learner.runtime = runtime_named(facts["runtime"], encoder, learner.level, file, learner.threads)
        learner.head = LinearHead.load(folder / "head")
        return learner

    def _features(self, examples: Examples) -> np.ndarray:
        def missing(rows: Examples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            return encode(self.encoder, self.level, self.runtime.run, rows)

        if self.cache is None:
            return encode_all(self.encoder, self.level, self.runtime.run, examples)
        if not len(examples):
            return np.zeros((0, self.cache.width), dtype=np.float32)
        return self.cache.features(examples, missing)

    def _encode_train(self, train: Examples, per_row: float, context: Context) -> tuple[np.ndarray, float]:
        """(positions of the train rows whose features are in the cache when encoding's time is over, seconds a row).

        Rows come in an order that does not depend on the run's seed, so that runs share what they encoded. Raises
        OutOfTime when not even one step of them fits.
        """
        order = np.random.default_rng(0).permutation(len(train))
        for_head = HEAD_SHARE * max(context.remaining(), 0.0)
        done, start, probed = 0, time.monotonic(), per_row
        while done < len(train):
            step = order[done : done + (STEP if done else STEP // 4)]  # a small first step, so that there is something
            until = context.deadline - for_head - SLACK * per_row * context.predict_rows
            if done and time.monotonic() + per_row * len(step) > until:
                break
            if context.remaining() < per_row * (len(step) + context.predict_rows):
                raise OutOfTime(
                    f"no time to encode: {per_row * (len(train) + context.predict_rows):.0f} s would be needed, "
                    f"{max(context.remaining(), 0.0):.0f} s are left"
                )
            self._features(train.take(step))
            done += len(step)
            # The machine may have become busier. Half of the probe's word, because first steps are slow steps.
            per_row = max(probed, 0.5 * probed + 0.5 * (time.monotonic() - start) / done)
            context.tell(0.05 + 0.85 * done / len(train), f"encoded {done:,} of {len(train):,} rows")
        return np.sort(order[:done]), per_row
