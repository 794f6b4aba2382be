"""What drives the winner: Shapley values in words, what drove a mistake, and how much time that may take."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepworth.data.examples import Examples
from deepworth.models.additive import Contributions
from deepworth.report.examples import shown, surest, worst
from deepworth.report.explain import DEEP_LEFT, DEEP_MOST, SHALLOW_LEFT, SHALLOW_MOST, explain, spare_seconds
from deepworth.report.findings import shap as sentence
from deepworth.report.quality import Rows, judged_rows
from deepworth.report.shapley import pushed, shap
from deepworth.store import RunFolder
from tests.report.full_run import OTHER, full_run


class ByAge:
    """Adds a hundredth for each year, and one for cooks."""

    def __init__(self, outputs: int = 1) -> None:
        self.outputs = outputs

    def predict(self, examples: Examples) -> np.ndarray:
        raise AssertionError("Shapley values need no prediction")

    def contributions(self, examples: Examples) -> Contributions:
        assert examples.labels is None
        ages = np.nan_to_num(np.array(examples.column("age").to_pylist(), float)) / 100
        cooks = np.array([job == "cook" for job in examples.column("job").to_pylist()], float)
        values = np.repeat(np.stack([ages, cooks], 1)[:, None], self.outputs, 1)
        return Contributions(
            columns=("age", "job"), values=values * np.arange(1, self.outputs + 1)[:, None], unit="log-odds"
        )


def rows_of(folder: Path, kind: str = "binary") -> Rows:
    rows = judged_rows(RunFolder(full_run(folder / "a", kind=kind)))
    assert rows is not None
    return rows


def model(outputs: int = 1) -> SimpleNamespace:
    return SimpleNamespace(learner=ByAge(outputs))


def soon() -> float:
    return time.monotonic() + 20


def test_shapley_values_in_words(tmp_path: Path) -> None:
    found = shap(model(), rows_of(tmp_path), soon())
    assert found is not None and [one.column for one in found.shares] == ["age", "job"]
    assert found.shares[0].trend == "more of it raises it"
    assert found.shares[1].trend.startswith("highest for cook, lowest for ")
    said = sentence(found)
    assert "the probability of >50K most, in log-odds" in said and f"of {found.rows} test rows" in said
    assert f"age {found.shares[0].mean:.3g} (more of it raises it); job" in said
    louder = replace(found, shares=(replace(found.shares[0], mean=7.77), *found.shares[1:]))
    assert "age 7.77" in sentence(louder)


def test_several_classes_have_no_one_direction(tmp_path: Path) -> None:
    found = shap(model(3), rows_of(tmp_path, "multiclass"), soon())
    assert found is not None and not any(one.trend for one in found.shares) and "moves a class most" in sentence(found)


def test_no_time_and_no_sums_give_nothing(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    assert shap(model(), rows, time.monotonic() - 1) is None
    assert shap(SimpleNamespace(learner=object()), rows, soon()) is None


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_what_drove_a_mistake_points_to_it(tmp_path: Path, kind: str) -> None:
    rows = rows_of(tmp_path, kind)
    places = worst(rows)
    examples = pushed(model(), rows, places, shown(rows, places))
    for example, place in zip(examples, places, strict=True):
        over = rows.winner[place] > rows.labels[place] if kind == "regression" else rows.winner[place].argmax() == 1
        assert all(share > 0 for _, _, share in example.pushes)
        if over:
            cook = dict(example.cells)["job"] == "cook"
            assert [name for name, _, _ in example.pushes][:1] == (["job"] if cook else ["age"])
        else:  # nothing speaks for the lower answer
            assert not example.pushes


def test_right_answers_are_of_several_classes(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "multiclass")
    places = surest(rows)
    assert len({rows.labels[p] for p in places}) == 3
    assert all(rows.winner[p].argmax() == rows.labels[p] for p in places)


def test_without_time_the_page_says_how_to_get_it(tmp_path: Path) -> None:
    rows, run = rows_of(tmp_path), RunFolder(tmp_path / "a")
    found = explain(run, rows, time.monotonic() - 1)
    assert len(found.examples) == 6 and not found.drivers and f"deepworth report {run.path}" in found.why_not
    late = explain(run, rows, soon())  # the folder holds no whole model
    assert late.why_not.startswith("It was not looked at: ") and len(late.examples) == 6


def test_only_time_that_is_left_is_spent(tmp_path: Path) -> None:
    verdict = RunFolder(full_run(tmp_path / "a")).verdict

    def spare(left: float, winner: str = verdict.winner, **limits: float) -> float:
        had = verdict.limits | {"seconds": 100.0, "seconds_used": 100.0 - left} | limits
        return spare_seconds(replace(verdict, winner=winner, limits=had))

    for left in np.linspace(-5, 100, 50):
        assert 0 <= spare(left) <= min(SHALLOW_MOST, max(0.0, left))
        assert 0 <= spare(left, OTHER) <= min(DEEP_MOST, max(0.0, left))
    assert spare(SHALLOW_LEFT + 1) > 0 and spare(DEEP_LEFT + 1, OTHER) > 0 == spare(DEEP_LEFT - 1, OTHER)
    assert spare(50, OTHER, memory_gb=0.1) == 0  # it would hold more than half of it
