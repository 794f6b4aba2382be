"""What the frozen learners of every modality share: features within the deadline, a linear head, save and load."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from deepworth.data.cache import FeatureCache, cache_folder
from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime, UserError
from deepworth.models._heads import LinearHead
from deepworth.models.frozen._budget import Budget
from deepworth.models.frozen._choice import choose, network_file, runtime_named
from deepworth.models.frozen._encode import Encoder, encode, encode_all
from deepworth.models.learner import Context
from deepworth.types import Column, Modality, Task, dump, load
from deepworth.weights._networks import load_network

HEAD_SHARE = 0.15  # of the time that is left after the probe, kept for the head at most
HEAD_SECONDS = 3e-7  # a feature, row and output of the head: three times what an idle core takes
SLACK = 1.2  # the test rows may go slower than the train rows did
LEAST_HEAD_SECONDS = 3.0  # where the test rows are expected to take all that is left: that is a guess, a head is not
STEP = 256  # rows between two looks at the clock; never by it: features hang a little on the rows of a batch


class FrozenLearner:
    """A pretrained network as feature maker and a linear head on top."""

    modality: ClassVar[Modality]

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.columns, self.params = task, columns, params
        self.weights: str | None = params.get("weights")
        self.cache: FeatureCache | None = None
        self.made: Counter[int] = Counter()  # rows encoded at each level, not read from the cache

    def encoder_of(self, network: Any, levels: tuple[int, ...], train: Examples | None, context: Context) -> Encoder:
        """The modality's encoder around a network. A loaded model gives the one level it was fitted at, and no rows."""
        raise NotImplementedError

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        """Encode what the deadline allows - all of valid, always - and fit the head. Raises OutOfTime."""
        self.weights = context.weights or self.weights
        self.threads = context.threads
        self.made.clear()
        context.tell(0.0, "loading the network")
        self.network = load_network(self.modality, self.weights)
        self.encoder = self.encoder_of(self.network, (), train, context)
        choice = choose(self.encoder, self.network.digest, self.task, train, valid, context)
        self.level, self.runtime = choice.level, choice.runtime
        self.budget = Budget(self.encoder, self.task, train, valid, context)
        self.budget.probed(choice.seconds_per_work)
        kept = self._encode(train, valid, context)
        context.tell(0.9, "fitting the head")
        used, for_test = train.take(kept), self.budget.row_seconds(self.level) * context.predict_rows
        self.head = LinearHead(self.task, context.seed).fit(
            self._features(used),
            used.known_labels,
            self._features(valid),
            valid.known_labels,
            metric=context.metric,
            threads=context.threads,
            deadline=max(context.deadline - for_test, time.monotonic() + LEAST_HEAD_SECONDS),
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
            cache=str(context.cache / "features"),
            features_kept=max(0, len(kept) + len(valid) - self.made[self.level]),
        )
        if remark := self._spared(len(kept), len(train)):
            context.notes["remark"] = f"{remark}: all the time allowed"
            context.cut("rows or length")

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

    def _spared(self, rows: int, of: int) -> str:
        """What was not read for want of time, or nothing."""
        finest, unit = self.encoder.levels[0], self.encoder.unit
        parts = [f"{self.level} of up to {finest} {unit} of each row"] if self.level != finest else []
        parts += [f"{rows:,} of {of:,} training rows"] if rows < of else []
        return f"read {' and '.join(parts)}" if parts else ""

    def _at(self, level: int, context: Context) -> None:
        """Encode at this level from now on; what was encoded at it before is in its cache."""
        self.level = level
        name = f"{self.network.digest}-{self.encoder.key}-{level}-{self.runtime.name}"
        self.cache = FeatureCache(context.cache / "features", name, self.encoder.parts * self.encoder.width)

    def _features(self, examples: Examples) -> np.ndarray:
        def missing(rows: Examples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            start = time.monotonic()
            yield from encode(self.encoder, self.level, self.runtime.run, rows)
            self.made[self.level] += len(rows)
            self.budget.saw(self.encoder.work(rows, self.level), time.monotonic() - start)

        if self.cache is None:
            return encode_all(self.encoder, self.level, self.runtime.run, examples)
        if not len(examples):
            return np.zeros((0, self.cache.width), dtype=np.float32)
        return self.cache.features(examples, missing)

    def _encode(self, train: Examples, valid: Examples, context: Context) -> np.ndarray:
        """The positions of the train rows whose features are in the cache at `self.level`, as those of valid are.

        Rows come in an order that does not depend on the run's seed, so that runs share what they encoded. A probe may
        have met a busy or an idle moment: the level is looked at again as real work is timed, and when all rows are
        done and a finer level fits in what is left, they are done again. Raises OutOfTime when not even one step fits.
        """
        order = np.random.default_rng(0).permutation(len(train))
        most_for_head = HEAD_SHARE * max(context.remaining(), 0.0)
        whole = 0  # the level at which every row is done
        while True:
            self._at(self.level, context)
            try:
                done = self._pass(train, valid, order, most_for_head, context, settled=bool(whole))
            except OutOfTime:
                if not whole:
                    raise
                done = 0
            if done is None:
                self.level = self.budget.finest()
            elif whole and done < self.budget.enough:
                self._at(whole, context)
                return np.arange(len(train))
            elif done == len(train) and self.encoder.one_network and self.budget.finest() > self.level:
                whole, self.level = self.level, self.budget.finest()
            else:
                return np.sort(order[:done])

    def _pass(
        self, train: Examples, valid: Examples, order: np.ndarray, most_for_head: float, context: Context, settled: bool
    ) -> int | None:
        """Encode valid and as many train rows as the time holds, and say how many; None to begin at another level."""
        done, total = 0, len(valid) + len(train)
        a_head = HEAD_SECONDS * self.encoder.parts * self.encoder.width * max(len(self.task.classes), 1)
        while done < total:
            a_row = self.budget.row_seconds(self.level)
            if done < len(valid):
                step = valid.take(np.arange(done, min(done + STEP, len(valid))))
            else:
                step = train.take(order[done - len(valid) : done - len(valid) + STEP])
            for_step, for_test = a_row * len(step), a_row * context.predict_rows
            for_head = min(most_for_head, 1.0 + a_head * max(done + len(step) - len(valid), 0))
            if done > len(valid) and for_step + SLACK * for_test + for_head > context.remaining():
                break
            if context.remaining() < for_step + for_test:
                raise OutOfTime(
                    f"no time to encode: {a_row * (total - done) + for_test:.0f} s would be needed, "
                    f"{max(context.remaining(), 0.0):.0f} s are left"
                )
            self._features(step)
            done += len(step)
            self.budget.encoded[self.level] = max(self.budget.encoded[self.level], done)
            unit = self.encoder.unit
            context.tell(0.05 + 0.85 * done / total, f"encoded {done:,} of {total:,} rows at {self.level} {unit}")
            if self.encoder.one_network and not settled and self.budget.should_change(self.level):
                return None
        return done - len(valid)
