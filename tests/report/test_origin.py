"""The model card: what was set apart from what was learned, counted in the files of the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors.numpy

from deepworth.report.origin import model_card, parameters
from deepworth.store import RunFolder
from deepworth.types import Task, Trial, dump
from tests.report.full_run import WINNER, full_run

BOOSTER = """tree
version=v4

Tree=0
num_leaves=31

Tree=1
num_leaves=12

parameters:
[learning_rate: 0.04]
[num_leaves: 31]
[num_threads: 2]
end of parameters
"""


def test_weights_and_leaves_are_counted(tmp_path: Path) -> None:
    assert not parameters(tmp_path)
    arrays = {"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float32)}
    safetensors.numpy.save_file(arrays, tmp_path / "weights.safetensors")
    assert parameters(tmp_path) == "17 weights"
    (tmp_path / "trees.txt").write_text(BOOSTER)
    (tmp_path / "notes.txt").write_text("num_leaves=9")  # no booster
    assert parameters(tmp_path) == "17 weights, 2 trees with 43 leaves"


def test_what_was_set_stands_apart_from_what_was_learned(tmp_path: Path) -> None:
    run = RunFolder(full_run(tmp_path / "a"))
    folder = run.trial(WINNER)
    (folder / "model" / "lightgbm.txt").write_text(BOOSTER)
    task = Task(kind="binary", target="income", classes=("a", "b"), metric="auc")
    trial = Trial(model="lightgbm", rung="classical", data="d", splits="s", task=task, params={"num_leaves": 63})
    (folder / "trial.json").write_bytes(dump(trial))
    winner = next(t for t in run.verdict.trials if t.key == WINNER)
    notes = {"rounds": 402, "C": 2.0, "cache": "/home/me", "hyperparameters": {"lambda_l2": 0.5}}
    card = model_card(run, replace(winner, notes=notes), "MIT")
    assert card.hyperparameters == {"learning_rate": "0.04", "num_leaves": 63, "lambda_l2": 0.5, "C": 2.0}
    assert card.learned == {"rounds": 402} and card.parameters == "2 trees with 43 leaves" and card.licence == "MIT"
