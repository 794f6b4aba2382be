"""LightGBM on a matrix: defaults, early stopping, deadline, text file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.special import expit, softmax

from deepworth.errors import OutOfTime
from deepworth.models._boosted import raw_scores, read_trees
from deepworth.models.classical._rounds import LARGE, Rounds
from deepworth.models.classical._table_trees import BoostedTable
from deepworth.models.learner import Context
from deepworth.types import Task

MOST = 3_000  # rounds
UNCHOSEN = 300  # rounds without validation rows
TIMED = 5_000  # rows whose prediction is timed while boosting
WRITTEN = 3  # times the trees are written or read: cut at the best round, then saved


class LightGBMHead:
    """Boosted trees.

    Defaults from the tuned ones of Holzmüller et al. 2024 (pytabkit LGBM-TD), with fewer columns a tree, smaller
    trees, and small categories split one level at a time: adult AUC 0.9260 -> 0.9279, ames R2 0.910 -> 0.922.
    """

    def __init__(self, task: Task, params: dict[str, Any]) -> None:
        self.task, self.params = task, params
        self.booster: lgb.Booster | None = None

    def fit(
        self,
        x: Any,
        y: np.ndarray,
        x_valid: Any,
        y_valid: np.ndarray,
        categorical: tuple[int, ...],
        context: Context,
    ) -> None:
        """`x`: (n, p) float32, dense with NaN or sparse. Raises OutOfTime when the deadline has passed already."""
        if context.remaining() <= 0:
            raise OutOfTime("the deadline passed before the first tree")
        own = {k: v for k, v in self.params.items() if k != "rounds"}
        params = {**self._defaults(x.shape[0], context), **own}
        train = lgb.Dataset(x, y, categorical_feature=list(categorical) or "auto", params=params, free_raw_data=True)
        booster = lgb.Booster(params, train)
        if len(y_valid):
            booster.add_valid(train.create_valid(x_valid, y_valid, params=params), "valid")
        timed = (x_valid if len(y_valid) else x)[:TIMED]
        passes = 1 if self.task.is_classification else 2  # the scale of a logarithm needs the validation rows once more
        repeats = (passes * len(y_valid) + context.predict_rows) / timed.shape[0]

        def price(done: int) -> float:
            start = time.monotonic()
            raw_scores(booster, timed, done, context.threads)
            predicted = time.monotonic()
            booster.model_to_string()
            return (predicted - start) * repeats + WRITTEN * (time.monotonic() - predicted)

        most = self.params.get("rounds", MOST if len(y_valid) else UNCHOSEN)
        rounds = Rounds(context, most, params["learning_rate"], len(y), price)
        for done in range(1, most + 1):
            finished = booster.update()
            if rounds.over(done, booster.eval_valid()[0][2] if len(y_valid) else None) or finished:
                break
            if rounds.rate != params["learning_rate"]:
                params["learning_rate"] = rounds.rate
                booster.reset_parameter({"learning_rate": rounds.rate})
        self.booster = lgb.Booster(model_str=booster.model_to_string(num_iteration=rounds.best_round))
        context.notes["rounds"] = rounds.best_round

    def _defaults(self, rows: int, context: Context) -> dict[str, Any]:
        classes = len(self.task.classes)
        absolute = context.metric == "mae"
        kinds: dict[str, dict[str, Any]] = {
            "binary": {"objective": "binary", "metric": "binary_logloss"},
            "multiclass": {"objective": "multiclass", "metric": "multi_logloss", "num_class": classes},
            "regression": {"objective": "l1" if absolute else "l2", "metric": "l1" if absolute else "l2"},
        }
        shape = (
            {"learning_rate": 0.04 if rows < LARGE else 0.1, "min_data_in_leaf": min(40, max(rows // 50, 2))}
            if self.task.is_classification
            else {"learning_rate": 0.03, "min_data_in_leaf": 5}
        )
        return {
            **kinds[self.task.kind],
            **shape,
            "bagging_fraction": 0.75,
            "bagging_freq": 1,
            "num_leaves": 16 if rows < 5_000 else 31 if rows < 30_000 else 63 if rows < LARGE else 255,
            "feature_fraction": 0.5,
            "max_cat_to_onehot": 50,
            "min_sum_hessian_in_leaf": 1e-7 if rows < LARGE else 1.0,
            # Without it the leaves of rows that are right already explode at a raised rate (covtype: log loss 4.3).
            "lambda_l2": 0.1 if self.task.kind == "binary" else 1.0,
            "feature_pre_filter": False,
            "num_threads": context.threads,
            "seed": context.seed,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }

    def predict(self, x: Any, threads: int = 1) -> np.ndarray:
        """(n, classes) probabilities or (n,) values."""
        assert self.booster is not None
        if x.shape[0] == 0:
            return np.zeros((0, len(self.task.classes)) if self.task.is_classification else 0)
        scores = raw_scores(self.booster, x, self.booster.current_iteration(), threads)
        if self.task.kind == "multiclass":
            return softmax(scores, axis=1)
        return np.stack([expit(-scores), expit(scores)], axis=1) if self.task.kind == "binary" else scores

    def contributions(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """(n, outputs, p) Shapley values of the raw scores."""
        assert self.booster is not None
        given = np.asarray(self.booster.predict(x, pred_contrib=True, num_threads=threads))
        return given.reshape(len(x), -1, x.shape[1] + 1)[:, :, :-1]  # the last is what is expected of any row

    def save(self, folder: Path) -> None:
        assert self.booster is not None
        self.booster.save_model(folder / "lightgbm.txt")

    @classmethod
    def load(cls, folder: Path, task: Task) -> LightGBMHead:
        self = cls(task, {})
        self.booster = read_trees(folder / "lightgbm.txt")
        return self


class LightGBM(BoostedTable):
    """LightGBM on the columns of a table."""

    head = LightGBMHead
