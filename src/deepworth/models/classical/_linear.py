"""The linear learner of tables."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from deepworth.data.examples import Examples
from deepworth.modalities._encoding import TableEncoder
from deepworth.models.classical._sparse_linear import SLOWER, SparseLinear
from deepworth.models.classical._table_cost import IMPORTS, encode_seconds
from deepworth.models.classical._target import TIE, Target, may_be_log, smearing, worse
from deepworth.models.learner import Context
from deepworth.types import Column, Estimate, Machine, Range, Task, Workload

PREDICT = 2e-8  # seconds per filled cell, beside the encoding, which is timed
WRITING = 0.2  # seconds for the files


class Linear:
    """Numbers as rank-normal scores, categories one-hot (0 for missing and unseen), L2 strength chosen on valid."""

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.encoder = task, TableEncoder(columns)
        self.model, self.target = SparseLinear(task), Target()

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        assert train.labels is not None and valid.labels is not None
        context.tell(0.0, "encoding")
        self.encoder.fit(train)
        begun = time.monotonic()
        x, x_valid = self._design(train), self._design(valid)
        a_row = (time.monotonic() - begun) / (len(train) + len(valid))
        y, y_valid = train.labels, valid.labels
        after = SLOWER * (a_row + PREDICT * x.size / len(train)) * (len(valid) + context.predict_rows)
        deadline = context.deadline - WRITING - after
        tries = (True, False) if not self.task.is_classification and may_be_log(y) and len(y_valid) else (False,)
        best = np.inf
        for log in tries:
            target = Target.like(y, log)
            usable = y_valid > 0 if log else slice(None)
            model = SparseLinear(self.task).fit(
                x, target.learn(y), x_valid[usable], target.learn(y_valid[usable]), deadline, context.tell
            )
            if log:
                target = replace(target, smear=smearing(y, model.predict(x)))
            loss = worse(y_valid, target.back(model.predict(x_valid)), context.metric) if len(tries) > 1 else 0.0
            if loss < best / TIE:
                best, self.model, self.target = loss, model, target
            if time.monotonic() >= deadline:
                break
        context.notes["C"] = self.model.looseness
        if self.model.late:
            context.cut("iterations")
        if self.target.log:
            context.notes["target"] = "log"

    def predict(self, examples: Examples) -> np.ndarray:
        answer = self.model.predict(self._design(examples))
        return answer if self.task.is_classification else self.target.back(answer)

    def _design(self, examples: Examples) -> sp.csr_matrix | np.ndarray:
        """(n, numbers + levels) float32, sparse when there are categories."""
        numbers = self.encoder.numbers(examples)
        if not self.encoder.cardinalities:
            return numbers
        codes = self.encoder.codes(examples)
        starts = np.concatenate(([0], np.cumsum(np.array(self.encoder.cardinalities) - 1)))
        columns = codes - 1 + starts[:-1]
        known = codes > 0
        pointers = np.concatenate(([0], np.cumsum(known.sum(axis=1))))
        hot = sp.csr_matrix(
            (np.ones(pointers[-1], np.float32), columns[known], pointers), shape=(len(examples), int(starts[-1]))
        )
        return sp.hstack([sp.csr_matrix(numbers), hot], format="csr")

    def save(self, folder: Path) -> None:
        self.encoder.save(folder)
        self.model.save(folder)
        (folder / "target.json").write_text(json.dumps(asdict(self.target), default=float))

    @classmethod
    def load(cls, folder: Path) -> Linear:
        encoder, model = TableEncoder.load(folder), SparseLinear.load(folder)
        self = cls(model.task, encoder.columns, {})
        self.encoder, self.model = encoder, model
        self.target = Target(**json.loads((folder / "target.json").read_text()))
        return self


def cost(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    """Cells x outputs x about 90 passes over 60,000 rows at most and 40 over all; twice for a number."""
    outputs = workload.classes if workload.classes > 2 else 1
    cells = workload.numbers + workload.categories + 25 * workload.texts + 1
    passes = (90 if workload.classes else 180) * min(workload.train, 60_000) + 40 * max(workload.train - 60_000, 0)
    seconds = IMPORTS + 2.5e-9 * passes * cells * (1 + outputs / 2) + encode_seconds(workload)
    gb = 0.2 + 8e-9 * workload.train * cells * 3
    return Estimate(seconds=Range.around(seconds, 3.0), peak_gb=Range.around(gb), basis="rows x cells x iterations")
