"""XGBoost on a matrix: defaults, early stopping, deadline, UBJ file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from deepworth.errors import OutOfTime
from deepworth.models.classical._rounds import LARGE, Rounds
from deepworth.models.classical._table_trees import BoostedTable
from deepworth.models.learner import Context
from deepworth.types import Task

MOST = 3_000  # rounds
UNCHOSEN = 300  # rounds without validation rows
TIMED = 5_000  # rows whose prediction is timed while boosting
WRITTEN = 3  # times the trees are copied or written: cut at the best round, then saved
TECHNICAL = ("nthread", "seed", "verbosity")


class XGBoostHead:
    """Boosted trees. Defaults near the tuned ones of Holzmüller et al. 2024 (pytabkit XGB-TD)."""

    def __init__(self, task: Task, params: dict[str, Any]) -> None:
        self.task, self.params = task, params
        self.categorical: tuple[int, ...] = ()
        self.booster: xgb.Booster | None = None

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        x_valid: np.ndarray,
        y_valid: np.ndarray,
        categorical: tuple[int, ...],
        context: Context,
    ) -> None:
        """`x`: (n, p) float32 with NaN. Raises OutOfTime when the deadline has passed before the start."""
        if context.remaining() <= 0:
            raise OutOfTime("the deadline passed before the first tree")
        self.categorical = categorical
        params = {**self._defaults(x.shape[0], context), **{k: v for k, v in self.params.items() if k != "rounds"}}
        about = {"feature_types": self._types(x.shape[1]), "enable_categorical": True, "nthread": context.threads}
        train = xgb.QuantileDMatrix(x, y, **about)
        watched = [(xgb.QuantileDMatrix(x_valid, y_valid, ref=train, **about), "valid")] if len(y_valid) else []
        booster = xgb.Booster(params, [train, *(matrix for matrix, _ in watched)])
        timed = (x_valid if len(y_valid) else x)[:TIMED]
        passes = 1 if self.task.is_classification else 2  # the scale of a logarithm needs the validation rows once more
        repeats = (passes * len(y_valid) + context.predict_rows) / len(timed)

        def price(done: int) -> float:
            start = time.monotonic()
            booster.predict(self._rows(timed, context.threads))
            predicted = time.monotonic()
            booster.save_raw("ubj")
            return (predicted - start) * repeats + WRITTEN * (time.monotonic() - predicted)

        most = self.params.get("rounds", MOST if len(y_valid) else UNCHOSEN)
        rounds = Rounds(context, most, params["learning_rate"], len(y), price)
        for done in range(1, most + 1):
            booster.update(train, done - 1)
            told = booster.eval_set(watched, done - 1) if watched else ""
            if rounds.over(done, float(told.rsplit(":", 1)[1]) if watched else None):
                break
            if rounds.rate != params["learning_rate"]:
                params["learning_rate"] = rounds.rate
                booster.set_param({"learning_rate": rounds.rate})
        self.booster = booster[: rounds.best_round]
        context.notes["rounds"] = rounds.best_round
        chosen = {name: value for name, value in params.items() if name not in TECHNICAL}
        context.notes["hyperparameters"] = chosen | {"rounds": most}

    def _rows(self, x: np.ndarray, threads: int) -> xgb.DMatrix:
        return xgb.DMatrix(x, feature_types=self._types(x.shape[1]), enable_categorical=True, nthread=threads)

    def _types(self, width: int) -> list[str]:
        return ["c" if i in self.categorical else "float" for i in range(width)]

    def _defaults(self, rows: int, context: Context) -> dict[str, Any]:
        classes = len(self.task.classes)
        absolute = context.metric == "mae"
        kinds: dict[str, dict[str, Any]] = {
            "binary": {"objective": "binary:logistic", "eval_metric": "logloss"},
            "multiclass": {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": classes},
            "regression": {
                "objective": "reg:absoluteerror" if absolute else "reg:squarederror",
                "eval_metric": "mae" if absolute else "rmse",
            },
        }
        deep = 6 if rows < 30_000 else 8 if rows < LARGE else 10
        shape = (
            {"learning_rate": 0.08, "max_depth": deep, "min_child_weight": 5e-6, "subsample": 0.65, "lambda": 1.0}
            if self.task.is_classification
            else {
                "learning_rate": 0.03,
                "max_depth": deep - 1,
                "min_child_weight": 2.0,
                "subsample": 0.7,
                "lambda": 1.0,
            }
        )
        if rows >= LARGE and self.task.is_classification:
            shape |= {"min_child_weight": 1.0, "learning_rate": 0.15}
        return {
            **kinds[self.task.kind],
            **shape,
            "colsample_bynode": 0.5,
            "max_cat_to_onehot": 128,  # sets of levels fit noise: nycflights13 AUC 0.687, one level at a time 0.715
            "tree_method": "hist",
            "nthread": context.threads,
            "seed": context.seed,
            "verbosity": 0,
        }

    def predict(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """(n, classes) probabilities or (n,) values."""
        assert self.booster is not None
        if x.shape[0] == 0:
            return np.zeros((0, len(self.task.classes)) if self.task.is_classification else 0)
        answer = self.booster.predict(self._rows(x, threads)).astype(np.float64)
        if self.task.kind == "multiclass":
            return answer / answer.sum(axis=1, keepdims=True)  # float32 sums miss 1 by 1e-7
        return np.stack([1 - answer, answer], axis=1) if self.task.kind == "binary" else answer

    def contributions(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """(n, outputs, p) Shapley values of the raw scores."""
        assert self.booster is not None
        given = self.booster.predict(self._rows(x, threads), pred_contribs=True)
        return given.reshape(len(x), -1, x.shape[1] + 1)[:, :, :-1]  # the last is what is expected of any row

    def save(self, folder: Path) -> None:
        assert self.booster is not None
        self.booster.save_model(folder / "xgboost.ubj")
        np.save(folder / "categorical.npy", np.array(self.categorical, dtype=np.int64))

    @classmethod
    def load(cls, folder: Path, task: Task) -> XGBoostHead:
        self = cls(task, {})
        self.booster = xgb.Booster(model_file=folder / "xgboost.ubj")
        self.categorical = tuple(np.load(folder / "categorical.npy").tolist())
        return self


class XGBoost(BoostedTable):
    """XGBoost on the columns of a table."""

    head = XGBoostHead
