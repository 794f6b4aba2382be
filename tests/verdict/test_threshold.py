"""A threshold that is asked for is kept with the models, told beside one half, and followed by their predictions."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import deepworth as dw
from deepworth.climb.model import Model, keep_threshold
from deepworth.errors import UserError
from deepworth.metrics.threshold import choose, parse
from deepworth.report.findings import threshold
from deepworth.store import RunFolder
from deepworth.types import Task
from deepworth.verdict.threshold import check_threshold, set_thresholds


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """800 rows, a fifth of them of the class that is sought."""
    random = np.random.default_rng(0)
    x, z = random.standard_normal((2, 800))
    sought = random.random(800) < 1 / (1 + np.exp(2.0 - 1.5 * x - 0.5 * z))
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    lines = [f"{a:.4f},{b:.4f},{'sick' if y else 'healthy'}" for a, b, y in zip(x, z, sought, strict=True)]
    path.write_text("x,z,state\n" + "\n".join(lines))
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dw.Run:
    return dw.fit(
        table, "state", time=60, models=["linear"], threshold="recall=0.9", out=tmp_path_factory.mktemp("runs") / "run"
    )


def test_it_is_chosen_on_validation_rows_and_reported_on_test_rows(run: dw.Run) -> None:
    verdict = run.verdict
    assert set(verdict.thresholds) == {t.key for t in verdict.trials if t.status == "done"}
    found = verdict.thresholds[verdict.winner]
    labels = np.load(run.folder / "data" / "labels_valid.npy")
    probabilities = np.load(run.folder / "trials" / verdict.winner / "predictions_valid.npy")[:, 1]
    assert found.value == choose(labels, probabilities, parse("recall=0.9"))
    assert found.value < 0.5
    assert found.valid["recall"] >= 0.9
    assert found.test["recall"] > found.test_at_half["recall"]
    assert found.positive == "sick"
    said = f"linear says sick from a probability of {found.value:.3g} on, chosen on validation rows for recall=0.9"
    assert said in run.report.read_text().replace("&#39;", "'")


def test_every_way_to_predict_follows_it(run: dw.Run, table: Path) -> None:
    value = run.verdict.thresholds[run.verdict.winner].value
    predicted = dw.predict(run, table)
    by_hand = np.where(np.asarray(predicted["p_sick"]) >= value, "sick", "healthy").tolist()
    assert predicted["prediction"].to_pylist() == by_hand
    assert by_hand != np.where(np.asarray(predicted["p_sick"]) > 0.5, "sick", "healthy").tolist()
    assert run.best.predict(table).tolist() == by_hand
    assert Model(run.best.folder).predict(table).tolist() == by_hand  # from the folder alone, checksums and all


def test_the_same_run_without_it_says_the_likelier_class_again(run: dw.Run, table: Path, tmp_path: Path) -> None:
    shutil.copytree(run.folder, tmp_path / "run")
    again = dw.fit(table, "state", time=60, models=["linear"], out=tmp_path / "run")
    assert again.verdict.thresholds == {}
    predicted = dw.predict(again, table)
    by_hand = np.where(np.asarray(predicted["p_sick"]) > 0.5, "sick", "healthy").tolist()
    assert predicted["prediction"].to_pylist() == by_hand


def test_what_cannot_be_reached_is_told(run: dw.Run) -> None:
    found = set_thresholds(RunFolder.open(run.folder), run.verdict.trials, "precision=1")[run.verdict.winner]
    assert found.reached == (found.valid["precision"] == 1.0)
    linear = run.verdict.winner
    set_thresholds(RunFolder.open(run.folder), run.verdict.trials, "recall=0.9")
    assert run.model(linear).manifest.threshold == run.verdict.thresholds[linear].value


def test_costs_are_told_beside_the_rest(run: dw.Run) -> None:
    found = set_thresholds(RunFolder.open(run.folder), run.verdict.trials, "cost=1:5")[run.verdict.winner]
    assert found.test["cost_per_1000"] < found.test_at_half["cost_per_1000"]
    assert "instead of" in threshold("linear", found)
    set_thresholds(RunFolder.open(run.folder), run.verdict.trials, "recall=0.9")


def test_it_is_for_two_classes_only(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is for two classes, but 'y' holds 3 classes"):
        check_threshold("f1", Task(kind="multiclass", target="y", classes=("a", "b", "c")))
    with pytest.raises(UserError, match="'x' holds numbers"):
        dw.fit(table, "x", time=20, models=["linear"], threshold="f1", out=tmp_path / "run")
    assert not (tmp_path / "run" / "plan.json").exists()
    check_threshold(None, Task(kind="regression", target="y"))


def test_a_wrong_rule_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no threshold rule 'auc'"):
        dw.fit(tmp_path / "nothing.csv", "y", threshold="auc", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_model_is_left_alone(tmp_path: Path) -> None:
    keep_threshold(tmp_path, 0.3)
    assert not list(tmp_path.iterdir())
