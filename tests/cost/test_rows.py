"""Models of tables: a whole fit from rows x columns x rounds."""

from __future__ import annotations

from typing import Any

import pytest

from deepworth.cost import choice, requests, rows

ASKED = {"kind": "table", "model": "lightgbm", "rows": 100_000, "columns": 20, "rounds": 200, "hardware": "8 vCPU"}


def told(**changes: Any) -> dict[str, Any]:
    return requests.answer(ASKED | changes)


def seconds(**changes: Any) -> float:
    return float(told(**changes)["seconds"]["likely"])


def test_a_whole_answer() -> None:
    answer = told()
    assert answer["fits"] is True and "8 threads" in answer["basis"]
    for name in ("peak_gb", "seconds", "seconds_per_step", "items_per_second", "usd_per_hour"):
        assert 0 < answer[name]["low"] <= answer[name]["likely"] <= answer[name]["high"]
    assert answer["seconds_per_step"]["likely"] == pytest.approx(answer["seconds"]["likely"] / 200)


@pytest.mark.parametrize("change", [{"rows": 1_000_000}, {"columns": 200}, {"rounds": 2000}, {"classes": 12}])
def test_more_of_anything_takes_longer(change: dict[str, Any]) -> None:
    assert seconds(**change) > 3 * seconds()


def test_more_threads_take_less_and_cost_more() -> None:
    few, many = told(rounds=2000), told(rounds=2000, hardware="32 vCPU")
    assert many["seconds"]["likely"] < few["seconds"]["likely"]
    assert many["usd_per_hour"]["likely"] > few["usd_per_hour"]["likely"]


@pytest.mark.parametrize("model", ["xgboost", "forest", "linear", "random-forest", "logistic-regression", "mlp"])
@pytest.mark.parametrize("hardware", ["auto", "16 vCPU", "i9-10940X"])
def test_trees_and_linear_models_go_by_their_names(model: str, hardware: str) -> None:
    answer = told(model=model, hardware=hardware, rounds=None)
    assert answer["seconds"]["likely"] > 0


def test_predicting_takes_less_than_training() -> None:
    assert 0 < seconds(task="infer") < seconds()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": None}, "needs rows"),
        ({"rows": 0}, "at least 1"),
        ({"rows": 1e300}, "rows"),
        ({"columns": "many"}, "columns"),
        ({"categories": 21}, "21 categories"),
        ({"classes": 1}, "1 classes"),
        ({"hardware": "T4"}, "16 vCPU"),
        ({"model": "lightgbn"}, "lightgbm"),
        ({"model": "text-tuned"}, "no model of tables"),
        ({"task": "paint"}, "train or infer"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], said: str) -> None:
    assert said in told(**changes)["error"]


def test_a_table_beyond_the_memory_does_not_fit() -> None:
    answer = told(rows=10**10, hardware="4 vCPU")
    assert answer["fits"] is False and any("does not fit" in warning for warning in answer["warnings"])


def test_a_table_that_may_be_beyond_the_memory_is_warned_of() -> None:
    answer = next(
        a for rows in range(1, 100) if (a := told(rows=rows * 10**7, hardware="4 vCPU"))["peak_gb"]["high"] > 14
    )
    assert answer["fits"] is True
    assert any(warning.endswith("14 GB that can be used") for warning in answer["warnings"])


def test_a_price_by_the_thread_is_said_so() -> None:
    assert "32 vCPU are priced by the thread of a machine of 8" in " ".join(told(hardware="32 vCPU")["warnings"])


def test_processors_are_compared_in_money() -> None:
    found = choice.choose({k: v for k, v in ASKED.items() if k != "hardware"}, 100_000 * 200.0)
    assert {place.name for place in found.places} >= {"8x vCPU", "32x vCPU"}
    assert found.comparison is not None and found.comparison.cheapest
    whole = {place.name: place.answer["seconds"]["likely"] for place in found.places}
    assert all(place.seconds and place.seconds.likely == pytest.approx(whole[place.name]) for place in found.places)


def test_names_are_those_of_the_registry() -> None:
    assert {"lightgbm", "xgboost", "forest", "linear"} <= set(rows.names())
    assert rows.is_known("Random Forest") and not rows.is_known("resnet50")
