"""What every registered model must do, on toy data of each modality and kind of task it says it takes."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.metrics.scores import scores
from deepworth.models.learner import Context, Learner
from deepworth.registry import ModelSpec, build, find, missing, resolve, specs
from deepworth.types import Machine, Task

from .conftest import Toy

Toys = Callable[[str, str], Toy]
SUFFIXES = {".json", ".npy", ".npz", ".safetensors", ".txt", ".ubj", ".skops", ".xml", ".bin", ".model", ".vocab"}
NETWORKS = ("frozen", "tuned", "custom")


def _cases(kinds: tuple[str, ...] = ("binary", "multiclass", "regression")) -> list[Any]:
    """One for each model, modality and kind; networks beyond the first kind are slow."""
    cases = []
    for spec in specs("models").values():
        for modality in spec.modalities:
            for kind in (k for k in kinds if k in spec.tasks):
                slow = spec.rung in NETWORKS and (kind != "binary" or spec.rung != "frozen")
                marks = [pytest.mark.slow] if slow else []
                cases.append(pytest.param(spec, modality, kind, id=f"{spec.name}-{modality}-{kind}", marks=marks))
    return cases


every = pytest.mark.parametrize(("spec", "modality", "kind"), _cases())
classes_only = pytest.mark.parametrize(("spec", "modality", "kind"), _cases(("multiclass",)))


@dataclass(frozen=True)
class Fitted:
    learner: Learner
    seconds: float
    predictions: np.ndarray  # of the test rows
    notes: dict[str, Any]


@pytest.fixture(scope="session")
def fitted(toys: Toys, tmp_path_factory: pytest.TempPathFactory) -> Callable[[ModelSpec, str, str], Fitted]:
    """Each model once: most checks look at the same fit."""
    done: dict[tuple[str, str, str], Fitted] = {}

    def get(spec: ModelSpec, modality: str, kind: str) -> Fitted:
        key = (spec.name, modality, kind)
        if key not in done:
            done[key] = _fit(spec, toys(modality, kind), tmp_path_factory.mktemp(spec.name))
        return done[key]

    return get


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    spec = request.node.callspec.params["spec"]
    if lacking := missing(spec):
        pytest.skip(f"{spec.name} needs {', '.join(lacking)}")


def _context(folder: Path, toy: Toy, **limits: Any) -> Context:
    (folder / "trial").mkdir(exist_ok=True)
    limits = {"deadline": time.monotonic() + 120, **limits}
    return Context(
        folder=folder / "trial", cache=folder / "cache", seed=3, threads=1, predict_rows=len(toy.test), **limits
    )


def _fit(spec: ModelSpec, toy: Toy, folder: Path, **limits: Any) -> Fitted:
    task, columns = toy.train.dataset.task, toy.train.dataset.feature_columns
    context = _context(folder, toy, **limits)
    begun = time.monotonic()
    learner = build(spec)(task, columns, {})
    learner.fit(toy.train, toy.valid, context)
    predictions = learner.predict(toy.test)
    return Fitted(learner, time.monotonic() - begun, predictions, context.notes)


def _check(task: Task, predictions: np.ndarray, rows: int) -> None:
    assert predictions.dtype == np.float64
    assert np.isfinite(predictions).all()
    if task.is_classification:
        assert predictions.shape == (rows, len(task.classes))
        assert (predictions >= 0).all()
        np.testing.assert_allclose(predictions.sum(axis=1), 1.0, atol=1e-6)
    else:
        assert predictions.shape == (rows,)


@every
def test_predicts_validly_and_beats_the_floor(
    spec: ModelSpec, modality: str, kind: str, toys: Toys, fitted: Callable[..., Fitted]
) -> None:
    toy, fit = toys(modality, kind), fitted(spec, modality, kind)
    task = toy.train.dataset.task
    _check(task, fit.predictions, len(toy.test))
    name = "log_loss" if task.is_classification else "rmse"
    floor = scores(task, toy.truth, fitted(find("models", "prior"), modality, kind).predictions)[name]
    reached = scores(task, toy.truth, fit.predictions)[name]
    assert reached <= floor if spec.rung == "floor" else reached < 0.95 * floor


@every
def test_a_saved_model_predicts_the_same_and_holds_no_pickle(
    spec: ModelSpec, modality: str, kind: str, toys: Toys, fitted: Callable[..., Fitted], tmp_path: Path
) -> None:
    fit = fitted(spec, modality, kind)
    fit.learner.save(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert path.suffix in SUFFIXES, f"{path.name}: say in SUFFIXES that this format can hold no code"
        assert path.read_bytes()[:1] != b"\x80", f"{path.name} is a pickle"
        if zipfile.is_zipfile(path):
            assert not [name for name in zipfile.ZipFile(path).namelist() if name.endswith((".pkl", ".pickle"))]
        if path.suffix in (".npy", ".npz"):
            arrays = np.load(path, allow_pickle=False)
            for name in getattr(arrays, "files", ()):
                assert arrays[name].dtype != object
    again = build(spec).load(tmp_path)
    np.testing.assert_allclose(again.predict(toys(modality, kind).test), fit.predictions, rtol=1e-5, atol=1e-6)


@every
def test_the_same_seed_gives_the_same_result(
    spec: ModelSpec, modality: str, kind: str, toys: Toys, fitted: Callable[..., Fitted], tmp_path: Path
) -> None:
    again = _fit(spec, toys(modality, kind), tmp_path)
    np.testing.assert_allclose(again.predictions, fitted(spec, modality, kind).predictions, rtol=1e-5, atol=1e-6)


@every
def test_strange_rows_are_predicted(
    spec: ModelSpec, modality: str, kind: str, toys: Toys, fitted: Callable[..., Fitted]
) -> None:
    """Unseen categories, empty text, files that are not there, missing and huge numbers, one row, none."""
    toy, fit = toys(modality, kind), fitted(spec, modality, kind)
    task = toy.train.dataset.task
    strange = _strange(toy.test)
    _check(task, fit.learner.predict(strange), len(strange))
    _check(task, fit.learner.predict(toy.test.take(np.arange(1))), 1)
    _check(task, fit.learner.predict(toy.test.take(np.arange(0))), 0)


def _strange(examples: Examples) -> Examples:
    columns = {}
    for column in examples.dataset.feature_columns:
        type_ = examples.table.schema.field(column.name).type
        if pa.types.is_dictionary(type_):
            values = pa.array([None, "never seen", "", None]).dictionary_encode().cast(type_)
        elif pa.types.is_string(type_):
            values = pa.array([None, "", "\0 \N{PILE OF POO} xyzzy" * 50, "?"], type_)
        elif pa.types.is_boolean(type_) or pa.types.is_temporal(type_):
            values = pa.array([None] * 4, type_)
        else:
            values = pa.array([None, 100, -100, None], pa.float64()).cast(type_)
        columns[column.name] = values
    return replace(examples, table=pa.table(columns), rows=np.arange(4), labels=None)


@every
def test_a_deadline_in_the_past_is_answered_at_once(
    spec: ModelSpec, modality: str, kind: str, toys: Toys, fitted: Callable[..., Fitted], tmp_path: Path
) -> None:
    toy, usual = toys(modality, kind), fitted(spec, modality, kind).seconds
    begun = time.process_time()  # other work on the machine does not count
    try:
        late = _fit(spec, toy, tmp_path, deadline=time.monotonic() - 1.0)
    except OutOfTime:
        late = None
    assert time.process_time() - begun < usual + 3.0
    if late is not None:
        _check(toy.train.dataset.task, late.predictions, len(toy.test))


@classes_only
def test_classes_that_a_part_lacks(spec: ModelSpec, modality: str, kind: str, toys: Toys, tmp_path: Path) -> None:
    """The last class is in no training row, and the validation rows are all of one."""
    toy = toys(modality, kind)
    last = len(toy.train.dataset.task.classes) - 1
    narrow = replace(
        toy,
        train=toy.train.take(np.flatnonzero(toy.train.labels != last)),
        valid=toy.valid.take(np.flatnonzero(toy.valid.labels == 0)),
    )
    fit = _fit(spec, narrow, tmp_path)
    _check(toy.train.dataset.task, fit.predictions, len(toy.test))
    assert fit.predictions[:, last].mean() < 0.2


@every
def test_the_cost_is_said_before(
    spec: ModelSpec, modality: str, kind: str, toys: Toys, fitted: Callable[..., Fitted]
) -> None:
    machine = Machine(threads=1, memory_gb=4.0, gflops=50.0)
    workload = toys(modality, kind).workload
    small = resolve(spec.cost)(workload, machine, {})
    for range_ in (small.seconds, small.peak_gb):
        assert 0 < range_.low <= range_.likely <= range_.high
    assert small.basis
    large = resolve(spec.cost)(replace(workload, train=workload.train * 100, valid=workload.valid * 100), machine, {})
    assert large.seconds.likely > small.seconds.likely
    assert (
        fitted(spec, modality, kind).seconds < 10 * small.seconds.high + 5.0
    )  # toys are smaller than any measured set
