"""The TF-IDF learners of text."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.modalities._ngrams import TfIdf, Unit
from deepworth.models.classical._sparse_linear import SLOWER, SparseLinear
from deepworth.models.classical._target import TIE, Target, may_be_log, smearing, worse
from deepworth.models.learner import Context
from deepworth.types import Column, Estimate, Machine, Range, Task, Workload, dump, load

WEIGHTS = 3_000_000  # weights of a linear model at most, so that L-BFGS with its 10 kept steps stays under 400 MB
WRITING = 0.3  # seconds for the files
TELLING = 2_000  # n-grams that trees choose from
LONG = 400  # characters a row above which words say it all: imdb20k 0.892, with characters 0.890 in thrice the time


class Vectors:
    """The text columns of a view, joined, as TF-IDF weights."""

    def __init__(self, texts: tuple[str, ...], units: tuple[Unit, ...], limit: int) -> None:
        self.texts = texts
        self.tfidf = [TfIdf(unit, limit) for unit in units]

    def fit(self, train: Examples) -> Vectors:
        texts = self.joined(train)
        for part in self.tfidf:
            part.fit(texts)
        return self

    def joined(self, examples: Examples) -> list[str]:
        return [" \n ".join(row) for row in zip(*(examples.strings(name) for name in self.texts), strict=True)]

    def mean_length(self, examples: Examples) -> float:
        """Characters a row, from the first thousand."""
        few = self.joined(examples.take(np.arange(min(len(examples), 1_000))))
        return sum(map(len, few)) / max(len(few), 1)

    def transform(self, examples: Examples) -> sp.csr_matrix:
        """(n, n-grams) float32."""
        texts = self.joined(examples)
        return sp.hstack([part.transform(texts) for part in self.tfidf], format="csr", dtype=np.float32)

    def save(self, folder: Path) -> None:
        states = [part.state() for part in self.tfidf]
        (folder / "texts.json").write_text(json.dumps({"texts": self.texts, "tfidf": [values for values, _ in states]}))
        np.savez(folder / "texts.npz", **{f"{i}.{k}": v for i, (_, own) in enumerate(states) for k, v in own.items()})  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> Vectors:
        about = json.loads((folder / "texts.json").read_text())
        self = cls(tuple(about["texts"]), (), 0)
        with np.load(folder / "texts.npz", allow_pickle=False) as stored:
            self.tfidf = [
                TfIdf.from_state(values, {k: stored[f"{i}.{k}"] for k in ("kept", "idf")})
                for i, values in enumerate(about["tfidf"])
            ]
        return self


def _names(columns: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(column.name for column in columns if column.kind == "text")


def _late(context: Context) -> None:
    if context.remaining() <= 0:
        raise OutOfTime("the deadline passed before the texts were counted")


class TfIdfLinear:
    """Words, in short texts characters beside them; L2 strength and temperature chosen on valid."""

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        self.task, self.model, self.target = task, SparseLinear(task), Target()
        self.limit = min(300_000, max(WEIGHTS // (2 * self.model.outputs), 2_000))
        self.vectors = Vectors(_names(columns), (), self.limit)

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        assert train.labels is not None and valid.labels is not None
        _late(context)
        context.tell(0.0, "counting n-grams")
        units: tuple[Unit, ...] = ("words",) if self.vectors.mean_length(train) > LONG else ("words", "chars")
        self.vectors = Vectors(self.vectors.texts, units, self.limit).fit(train)
        begun = time.monotonic()
        x, x_valid = self.vectors.transform(train), self.vectors.transform(valid)
        a_row = (time.monotonic() - begun) / (len(train) + len(valid))
        y, y_valid = train.labels, valid.labels
        deadline = context.deadline - WRITING - SLOWER * a_row * (len(valid) + context.predict_rows)
        if not self.task.is_classification and may_be_log(y) and (y_valid > 0).all():
            self.target = Target.like(y, log=True)
        self.model.fit(x, self.target.learn(y), x_valid, self.target.learn(y_valid), deadline, context.tell)
        context.notes.update({"C": self.model.looseness, "n-grams": int(x.shape[1])})
        if self.model.late:
            context.cut("iterations")
        if self.target.log:
            context.notes["target"] = "log"
            self._check_log(x, y, x_valid, y_valid, deadline, context)

    def _check_log(
        self,
        x: sp.csr_matrix,
        y: np.ndarray,
        x_valid: sp.csr_matrix,
        y_valid: np.ndarray,
        deadline: float,
        context: Context,
    ) -> None:
        """Go back to the plain target where it is better on valid."""
        if context.metric != "mae" and len(y_valid):
            self.target = replace(self.target, smear=smearing(y_valid, self.model.predict(x_valid)))
        if time.monotonic() >= deadline or not len(y_valid):
            return
        plain = SparseLinear(self.task).fit(x, y, x_valid, y_valid, deadline, context.tell)
        with_log = worse(y_valid, self.target.back(self.model.predict(x_valid)), context.metric)
        if TIE * worse(y_valid, plain.predict(x_valid), context.metric) < with_log:
            self.model, self.target = plain, Target()
            context.notes["target"] = "plain"

    def predict(self, examples: Examples) -> np.ndarray:
        answer = self.model.predict(self.vectors.transform(examples))
        return answer if self.task.is_classification else self.target.back(answer)

    def save(self, folder: Path) -> None:
        self.vectors.save(folder)
        self.model.save(folder)
        (folder / "target.json").write_text(json.dumps(asdict(self.target), default=float))

    @classmethod
    def load(cls, folder: Path) -> TfIdfLinear:
        model = SparseLinear.load(folder)
        self = cls(model.task, (), {})
        self.model, self.vectors = model, Vectors.load(folder)
        self.target = Target(**json.loads((folder / "target.json").read_text()))
        return self


class TfIdfTrees:
    """LightGBM on the word n-grams that tell most about the label, by an F test on the training rows."""

    def __init__(self, task: Task, columns: tuple[Column, ...], params: dict[str, Any]) -> None:
        from deepworth.models.classical._lightgbm import LightGBMHead

        self.task, self.threads = task, 1
        self.vectors = Vectors(_names(columns), ("words",), 100_000)
        self.columns = np.empty(0, np.int64)  # of the vectors, ascending
        trees = {"num_leaves": 31, "learning_rate": 0.1, "feature_fraction": 0.5, "min_data_in_leaf": 10, **params}
        self.trees = LightGBMHead(task, trees)

    def fit(self, train: Examples, valid: Examples, context: Context) -> None:
        from sklearn.feature_selection import f_classif, f_regression

        assert train.labels is not None and valid.labels is not None
        _late(context)
        self.threads = context.threads
        context.tell(0.0, "counting n-grams")
        self.vectors.fit(train)
        begun = time.monotonic()
        x = self.vectors.transform(train)
        a_row = (time.monotonic() - begun) / len(train)
        with np.errstate(divide="ignore", invalid="ignore"):  # a column of one value has no score
            score = (f_classif if self.task.is_classification else f_regression)(x, train.labels)[0]
        telling = np.argsort(-np.nan_to_num(score, nan=0.0, posinf=1e30), kind="stable")[:TELLING]
        self.columns = np.sort(telling)
        x_valid = self.vectors.transform(valid)[:, self.columns]
        after = WRITING + SLOWER * a_row * (len(valid) + context.predict_rows)
        short = replace(context, deadline=context.deadline - after)
        self.trees.fit(x[:, self.columns], train.labels, x_valid, valid.labels, (), short)

    def predict(self, examples: Examples) -> np.ndarray:
        return self.trees.predict(self.vectors.transform(examples)[:, self.columns], self.threads)

    def save(self, folder: Path) -> None:
        self.vectors.save(folder)
        self.trees.save(folder)
        np.save(folder / "columns.npy", self.columns)
        (folder / "task.json").write_bytes(dump(self.task))

    @classmethod
    def load(cls, folder: Path) -> TfIdfTrees:
        task = load(Task, folder / "task.json")
        self = cls(task, (), {})
        self.vectors, self.trees = Vectors.load(folder), type(self.trees).load(folder, task)
        self.columns = np.load(folder / "columns.npy")
        return self


def cost_linear(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    outputs = workload.classes if workload.classes > 2 else 1
    words_only = workload.chars > LONG
    filled = workload.train * workload.chars * (0.25 if words_only else 1.6)
    count = (1.2e-7 if words_only else 5.7e-7) * workload.rows * workload.chars
    passes = 150 if outputs <= 10 else 350  # many classes want weak penalties, which take longer (banking77)
    few = min(workload.train, 60_000) / max(workload.train, 1)
    seconds = 0.3 + count + passes * few * filled * (3e-9 + 1.2e-9 * outputs)
    gb = 0.3 + 28e-9 * filled + min(WEIGHTS, 60_000 * outputs) * 8 * 16 / 1e9
    return Estimate(
        seconds=Range.around(seconds, 3.0), peak_gb=Range.around(gb), basis="characters x classes x iterations"
    )


def cost_trees(workload: Workload, machine: Machine, params: dict[str, Any]) -> Estimate:
    outputs = workload.classes if workload.classes > 2 else 1
    count = 1.2e-7 * workload.rows * workload.chars
    rounds = params.get("rounds", 220)
    each = workload.train * (1e-7 + 1.5e-8 * min(0.1 * workload.chars, 300)) + 3e-3
    seconds = 0.5 + count + rounds * outputs * each / machine.threads**0.8
    gb = 0.35 + 20e-9 * workload.train * 0.3 * workload.chars + 2e-6 * TELLING
    return Estimate(
        seconds=Range.around(seconds, 3.0), peak_gb=Range.around(gb), basis="rows x n-grams x rounds x classes"
    )
