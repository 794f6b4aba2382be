"""Published results per data set, read from the folder of raw tables: the steps a ladder could have taken on each."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

Row = dict[str, str]

FIRST = "lightgbm"  # every climb begins with it: the cheapest honest model
LEAST = 1e-9  # an error of nothing counts as this, so that ratios are numbers

TABARENA = {  # kind of model -> name in tabarena_lite_long.csv
    "lightgbm": "GBM (default)",
    "linear": "LR (default)",
    "xgboost": "XGB (default)",
    "forest": "RF (default)",
    "catboost": "CAT (default)",
    "foundation": "TABICLV2 (default)",  # the open one that runs on every set; free for commercial use
    "mlp": "NN_TORCH (default)",
    "tabm": "TABM_GPU (default)",
    "realmlp": "REALMLP_GPU (default)",
    "lightgbm-tuned": "GBM (tuned)",
    "xgboost-tuned": "XGB (tuned)",
    "catboost-tuned": "CAT (tuned)",
    "tabm-tuned": "TABM_GPU (tuned)",
    "realmlp-tuned": "REALMLP_GPU (tuned)",
}
YANDEX = {  # kind of model -> method and configuration in yandex_long.csv
    "lightgbm": ("lightgbm", "default"),
    "xgboost": ("xgboost", "default"),
    "catboost": ("catboost", "default"),
    "tabr": ("tabr", "default"),
    "lightgbm-tuned": ("lightgbm", "tuned"),
    "xgboost-tuned": ("xgboost", "tuned"),
    "catboost-tuned": ("catboost", "tuned"),
    "mlp-tuned": ("mlp", "tuned"),
    "mlp-plr-tuned": ("mlp-plr-lite", "tuned"),
    "ft-transformer-tuned": ("ft-transformer", "tuned"),
    "tabm-tuned": ("tabm-pwl", "tuned"),
    "tabr-tuned": ("tabr", "tuned"),
}


@dataclass(frozen=True)
class Run:
    valid: float  # error on validation rows
    test: float
    seconds: float  # training; tuned ones with all their trials


@dataclass(frozen=True)
class Published:
    """One data set of one source: what each kind of step gave, and the best test error of any published method."""

    source: str
    dataset: str
    rows: int
    metric: str
    best: float
    runs: dict[str, Run] = field(default_factory=dict)


def run(valid: str | float, test: str | float, seconds: str | float) -> Run:
    """A run; whole seconds are published for some, so that none takes less than a tenth."""
    return Run(max(float(valid), LEAST), max(float(test), LEAST), max(float(seconds), 0.1))


def read(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def tabarena(folder: Path) -> list[Published]:
    """The sets of TabArena-lite: one outer split, validation by eightfold bagging, seconds over the eight folds."""
    rows_of = {row["dataset"]: int(float(row["n_rows"])) for row in read(folder, "tabarena_lite_wide.csv")}
    by_set: dict[str, list[Row]] = defaultdict(list)
    for row in read(folder, "tabarena_lite_long.csv"):
        if row["imputed"].lower() != "true":
            by_set[row["dataset"]].append(row)
    found = []
    for dataset, rows in sorted(by_set.items()):
        named = {row["method"]: row for row in rows}
        runs = {
            kind: run(named[method]["metric_error_val"], named[method]["metric_error"], named[method]["time_train_s"])
            for kind, method in TABARENA.items()
            if method in named and named[method]["metric_error_val"]
        }
        best = max(min(float(row["metric_error"]) for row in rows), LEAST)
        if FIRST in runs:
            found.append(Published("tabarena", dataset, rows_of[dataset], rows[0]["metric"], best, runs))
    return found


def yandex(folder: Path) -> list[Published]:
    """The sets of the tabular-dl papers that have untuned boosting (TabReD, with tuned models only, does not).

    Means over 15 seeds. Seconds of a tuned model: its tuning and one fit. Sizes are those of the training part.
    """
    by_set: dict[str, dict[tuple[str, str], Row]] = defaultdict(dict)
    for row in read(folder, "yandex_long.csv"):
        if row["kind"] == "evaluation" and row["val"] and row["suite"] != "tabred":
            by_set[f"{row['suite']}/{row['dataset']}"][row["method"], row["cfg"]] = row
    found = []
    for dataset, named in sorted(by_set.items()):
        if YANDEX[FIRST] not in named:
            continue
        first = named[YANDEX[FIRST]]
        share = first["score_kind"] != "rmse"
        runs = {}
        for kind, key in YANDEX.items():
            if key in named and named[key]["fit_s"]:
                row = named[key]
                valid = 1 - float(row["val"]) if share else -float(row["val"])
                tuning = float(row["tuning_s"]) if row["cfg"] == "tuned" else 0.0
                runs[kind] = run(valid, row["error"], float(row["fit_s"]) + tuning)
        best = max(min(float(row["error"]) for row in named.values()), LEAST)
        rows = int(float(first["n_train"]))
        found.append(Published("yandex", dataset, rows, first["score_kind"], best, runs))
    return found


def bounded(metric: str) -> bool:
    """Whether an error is a share or a log loss, told by wrong rows only (`stop.sampling_sd`)."""
    return metric != "rmse"


def finite(value: str) -> bool:
    return bool(value) and math.isfinite(float(value))
