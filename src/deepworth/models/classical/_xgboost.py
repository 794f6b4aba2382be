"""XGBoost on a matrix: defaults, early stopping, deadline, UBJ file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from deepworth.errors import OutOfTime
from deepworth.models.classical._rounds import Rounds
from deepworth.models.learner import Context
from deepworth.types import Task

MOST = 3_000  # rounds
PREDICT = 3e-8  # seconds per row and tree, one thread


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
        valid = [(xgb.QuantileDMatrix(x_valid, y_valid, ref=train, **about), "valid")] if len(y_valid) else []
        trees = len(self.task.classes) if self.task.kind == "multiclass" else 1
        rows = len(y_valid) + context.predict_rows
        rounds = Rounds(
            context, self.params.get("rounds", MOST), params["learning_rate"], PREDICT * trees * rows / context.threads
        )

        class Watch(xgb.callback.TrainingCallback):
            def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: dict[str, Any]) -> bool:
                loss = next(iter(evals_log["valid"].values()))[-1] if valid else None
                if rounds.over(epoch + 1, loss):
                    return True
                if (rate := rounds.pace(epoch + 1)) != params["learning_rate"]:
                    params["learning_rate"] = rate
                    model.set_param({"learning_rate": rate})
                return False

        most = rounds.most if valid else min(rounds.most, 300)
        booster = xgb.train(params, train, most, evals=valid, callbacks=[Watch()], verbose_eval=False)
        self.booster = booster[: rounds.best_round]
        context.notes["rounds"] = rounds.best_round

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
        deep = 6 if rows < 30_000 else 8 if rows < 150_000 else 10
        shape = (
            {"learning_rate": 0.08, "max_depth": deep, "min_child_weight": 5e-6, "subsample": 0.65, "lambda": 0.0}
            if self.task.is_classification
            else {
                "learning_rate": 0.05,
                "max_depth": deep - 1,
                "min_child_weight": 2.0,
                "subsample": 0.7,
                "lambda": 0.0,
            }
        )
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
        rows = xgb.DMatrix(x, feature_types=self._types(x.shape[1]), enable_categorical=True, nthread=threads)
        answer = self.booster.predict(rows).astype(np.float64)
        if self.task.kind == "multiclass":
            return answer / answer.sum(axis=1, keepdims=True)  # float32 sums miss 1 by 1e-7
        return np.stack([1 - answer, answer], axis=1) if self.task.kind == "binary" else answer

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
