"""The linear solver against scikit-learn's, dense and sparse."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression, Ridge

from deepworth.errors import OutOfTime
from deepworth.models.classical import _sparse_linear
from deepworth.models.classical._sparse_linear import SparseLinear
from deepworth.types import Task

BINARY = Task(kind="binary", target="y", classes=("a", "b"))
THREE = Task(kind="multiclass", target="y", classes=("a", "b", "c"))
AMOUNT = Task(kind="regression", target="y")


def _data(task: Task, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6)).astype(np.float32)
    scores = x @ rng.normal(size=(6, 3)) + rng.gumbel(size=(rows, 3))
    y = {"binary": scores[:, :2].argmax(1), "multiclass": scores.argmax(1), "regression": scores[:, 0] * 50 + 1000}
    return x, y[task.kind]


@pytest.mark.parametrize("task", [BINARY, THREE])
def test_the_solution_is_that_of_scikit_learn(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sparse_linear, "LOOSENESS", (0.5,))
    x, y = _data(task)
    model = SparseLinear(task).fit(x[:400], y[:400], x[400:], y[400:])
    theirs = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(x[:400], y[:400])
    model.temperature = 1.0
    np.testing.assert_allclose(model.predict(x), theirs.predict_proba(x), atol=0.01)


def test_the_regression_is_that_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sparse_linear, "LOOSENESS", (2.0,))
    x, y = _data(AMOUNT)
    model = SparseLinear(AMOUNT).fit(x[:400], y[:400], x[400:], y[400:])
    np.testing.assert_allclose(model.predict(x), Ridge(alpha=0.5).fit(x[:400], y[:400]).predict(x), rtol=0.01)


@pytest.mark.parametrize("task", [BINARY, THREE, AMOUNT])
def test_dense_and_sparse_agree_and_come_back(task: Task, tmp_path: Path) -> None:
    x, y = _data(task)
    dense = SparseLinear(task).fit(x[:400], y[:400], x[400:], y[400:])
    csr = sp.csr_matrix(x)
    sparse = SparseLinear(task).fit(csr[:400], y[:400], csr[400:], y[400:])
    np.testing.assert_allclose(sparse.predict(csr), dense.predict(x), rtol=1e-3, atol=1e-3)
    dense.save(tmp_path)
    np.testing.assert_array_equal(SparseLinear.load(tmp_path).predict(x), dense.predict(x))


def test_many_rows_are_sampled_for_the_choice_and_all_used_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sparse_linear, "TRIED_ROWS", 150)
    x, y = _data(BINARY, 3000)
    few = SparseLinear(BINARY).fit(x[:400], y[:400], x[2500:], y[2500:])
    judged, _ = few._judge(few._scores(x[2500:], few.weights, few.bias), y[2500:])
    assert judged < np.log(2) * 0.8


def test_a_late_start_is_refused() -> None:
    x, y = _data(BINARY)
    with pytest.raises(OutOfTime):
        SparseLinear(BINARY).fit(x, y, x, y, deadline=time.monotonic() - 1)
