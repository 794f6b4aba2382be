"""scikit-learn estimators over `fit`: they climb the ladder within `time` and predict with the recommended model."""

from __future__ import annotations

import io
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from deepworth import verbs
from deepworth.data.open import read_source
from deepworth.errors import Drifted, UserError
from deepworth.types import Rung, SourceOptions, TaskKind

TARGETS = ("y", "target", "y_true")  # the first that is no column of X
FEWEST = 3  # rows
NEEDLESS = (
    "data/",
    "splits/",
    "trials/",
)  # a pickled estimator carries records and the winner, neither rows nor losers
RECORDS = ("data/dataset.json", "splits/splits.json")


_first: dict[tuple[str, ...], Path] = {}  # features -> the run of the first estimator that met rows unlike its own


class _DeepWorth(BaseEstimator):
    """What the classifier and the regressor share. The run folder lives as long as the estimator."""

    def __init__(
        self,
        time: str | float = "1m",
        *,
        rungs: tuple[Rung, ...] | str | None = None,
        models: tuple[str, ...] | str | None = None,
        metric: str | None = None,
        weights: str | None = None,
        worth: float = 0.01,
        memory_gb: float | None = None,
        jobs: int = 1,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.time = time
        self.rungs = rungs
        self.models = models
        self.metric = metric
        self.weights = weights
        self.worth = worth
        self.memory_gb = memory_gb
        self.jobs = jobs
        self.random_state = random_state

    def _climb(self, X: Any, target: np.ndarray, task: TaskKind) -> Self:
        """Fit on a validated `X` and its target: class codes or float64 values."""
        if len(target) < FEWEST:
            raise ValueError(
                f"n_samples={len(target)} is too few: a fit learns from some rows, chooses by some, judges by some"
            )
        table = _table(X)
        self._names = table.column_names
        name = next(name for name in TARGETS if name not in table.column_names)
        self._folder = tempfile.TemporaryDirectory(prefix="deepworth-")
        state = self.random_state
        try:
            self.run_ = verbs.fit(
                table.append_column(name, pa.array(target)),
                name,
                time=self.time,
                out=Path(self._folder.name) / "run",
                task=task,
                metric=self.metric,
                kinds=dict.fromkeys(table.column_names, "number") if isinstance(X, np.ndarray) else None,
                rungs=self.rungs,
                models=self.models,
                weights=self.weights,
                worth=self.worth,
                memory_gb=self.memory_gb,
                jobs=self.jobs,
                seed=state if isinstance(state, int) else int(check_random_state(state).randint(2**31 - 1)),
            )
        except UserError as error:  # scikit-learn's tools expect a ValueError for data that cannot be used
            raise ValueError(str(error)) from error
        self.verdict_ = self.run_.verdict
        self._model = self.run_.best
        return self

    def _validated(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        """`X` as a frame or a float64 array, and `y` as one column beside it. Raises ValueError."""
        if _is_frame(X):
            validate_data(self, X, skip_check_array=True)
            y = column_or_1d(y, warn=True)
            check_consistent_length(X, y)
            return X, y
        return validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")

    def _rows(self, X: Any) -> pa.Table:
        """New rows to predict, with the columns of the training rows. Raises ValueError."""
        check_is_fitted(self, "run_")
        if _is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            return _table(X, None if hasattr(self, "feature_names_in_") else self._names)
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        return _table(X, self._names)

    def _told(self, predict: Callable[[pa.Table], np.ndarray], rows: pa.Table, depth: int = 3) -> np.ndarray:
        """What `predict` says of the rows, and its warnings as those of the caller, `depth` calls up.

        That rows differ is said by the first estimator of these columns alone, not by each fold of a cross-validation.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = predict(rows)
        for one in caught:
            run = self.run_.folder
            if one.category is not Drifted or _first.setdefault(tuple(rows.column_names), run) == run:
                warnings.warn(one.message, stacklevel=depth)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """A fitted estimator is pickled with the records and the winner of its run, as the bytes of a zip archive."""
        state = dict(super().__getstate__())
        if "run_" in state:
            del state["run_"], state["_folder"], state["_model"]
            state["_packed"] = _pack(self.run_.folder, f"trials/{self.verdict_.winner}/")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state.pop("_packed", None)
        super().__setstate__(state)
        if packed is not None:
            self._folder = tempfile.TemporaryDirectory(prefix="deepworth-")
            zipfile.ZipFile(io.BytesIO(packed)).extractall(self._folder.name)
            self.run_ = verbs.open_run(self._folder.name)
            self._model = self.run_.best


class DeepWorthClassifier(ClassifierMixin, _DeepWorth):
    """A classifier that finds out whether deep learning is worth it on `X`, and predicts with the model that is.

    `X` is an array of numbers or a frame with columns of any kind; part of it is held back to choose and to judge.
    After `fit`: `run_`, `verdict_`, `classes_`, `n_features_in_`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Climb the ladder on `X` and `y`. Raises ValueError for data that cannot be used."""
        X, y = self._validated(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only ({self.classes_[0]!r}): a classifier needs two")
        return self._climb(X, codes, "binary" if len(self.classes_) == 2 else "multiclass")

    def predict(self, X: Any) -> np.ndarray:
        """(n,) labels."""
        best = self._chances(X).argmax(1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, classes) probabilities in the order of `classes_`; 0 for a class too rare to be learned."""
        return self._chances(X)

    def _chances(self, X: Any) -> np.ndarray:
        rows = self._rows(X)
        found = np.zeros((len(rows), len(self.classes_)))
        found[:, np.asarray(self._model.classes, dtype=int)] = self._told(self._model.predict_proba, rows, depth=4)
        return found


class DeepWorthRegressor(RegressorMixin, _DeepWorth):
    """A regressor that finds out whether deep learning is worth it on `X`, and predicts with the model that is.

    `X` is an array of numbers or a frame with columns of any kind; part of it is held back to choose and to judge.
    After `fit`: `run_`, `verdict_`, `n_features_in_`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Climb the ladder on `X` and `y`. Raises ValueError for data that cannot be used."""
        X, y = self._validated(X, y)
        return self._climb(X, y.astype(np.float64), "regression")

    def predict(self, X: Any) -> np.ndarray:
        """(n,) values."""
        rows = self._rows(X)
        return self._told(self._model.predict, rows)


def _is_frame(X: Any) -> bool:
    return hasattr(X, "__arrow_c_stream__") or hasattr(X, "columns")


def _table(X: Any, names: list[str] | None = None) -> pa.Table:
    """A frame as it is read anywhere else, or the columns of an array; by position called `names`, if given."""
    if isinstance(X, np.ndarray):
        table = pa.table({f"x{i}": np.ascontiguousarray(column) for i, column in enumerate(X.T)})
    else:
        table = read_source(X, SourceOptions()).table
    return table if names is None else table.rename_columns(names)


def _pack(folder: Path, winner: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and (name in RECORDS or name.startswith(winner) or not name.startswith(NEEDLESS)):
                archive.write(path, name)
    return buffer.getvalue()
