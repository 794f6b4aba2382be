"""Series, sequences, molecules and mixtures are recognised, and ordinary data is not taken for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from deepworth.decide.plan import make_plan
from deepworth.decide.shapes import published_as, shapes
from deepworth.types import Column, Concern, Profile, Roles
from tests.decide.made import ALL, PHOTOS, TABLE, TEXTS, situation

SERIES = replace(TABLE, task="regression", classes=0)
TIME = Profile(concerns=(Concern(id="time", message="in the order of day", columns=("day",)),))


def messages(dataset: object, profile: Profile | None = None) -> list[str]:
    return [concern.message for concern in shapes(dataset, profile or Profile())]


@pytest.mark.parametrize("work", ALL, ids=lambda work: work.modality)
def test_ordinary_data_is_of_no_shape(work: object) -> None:
    assert messages(situation(work).dataset) == []


def test_a_series() -> None:
    assert "it does not forecast" in messages(situation(SERIES).dataset, TIME)[0]
    assert "series over at" in messages(situation(SERIES, roles=Roles(time="at")).dataset)[0]
    assert messages(situation(TABLE).dataset, TIME) == []
    series = Column(name="series_id", kind="category", distinct=8)
    assert len(messages(situation(SERIES, beside=(series,)).dataset, TIME)) == 1


@pytest.mark.parametrize(("moments", "series"), [(40, False), (400, True)])
def test_events_in_the_order_of_a_role_are_no_series(tmp_path: Path, moments: int, series: bool) -> None:
    path = tmp_path / "table.arrow"
    table = pa.table({"at": [f"{row % moments:05d}" for row in range(400)]})
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)
    found = situation(
        replace(SERIES, train=200, valid=100, test=100, categories=0), roles=Roles(time="at"), protocol="time"
    )
    found = replace(found, dataset=replace(found.dataset, table=str(path)))
    assert (messages(found.dataset) != []) == series == found.series
    made = make_plan(found.dataset, found.splits, found.profile, found.work, found.here, found.goals)
    expected = {"scenario-short-series"} if series else {"scenario-small-table"}
    assert {r.id for r in made.rules if r.id.startswith("scenario")} == expected
    assert ("forecasting" in made.justification) == series


def test_lists_that_are_left_out() -> None:
    graph = ("node_tag", "edge_src", "edge_dst")
    found = situation(replace(TABLE, numbers=1, categories=0))
    [concern] = shapes(replace(found.dataset, lists=graph), Profile())
    assert concern.columns == graph
    made = make_plan(
        replace(found.dataset, lists=graph), found.splits, found.profile, found.work, found.here, found.goals
    )
    assert made.justification.startswith(
        "deepworth cannot do this properly yet: the columns node_tag, edge_src, edge_dst hold a graph in each row, and "
        "models here read only what stands beside these lists: their scores are only a floor."
    )
    assert "Trees" not in made.justification and made.evidence == ()
    for few in ("curve", "knowledge_ids"):
        assert messages(replace(situation(TABLE).dataset, lists=(few,))) == []
    assert "columns a curve, b hold a list in each row" in messages(replace(found.dataset, lists=("a curve", "b")))[0]


def test_steps_of_a_sequence() -> None:
    unit = Column(name="unit", kind="number", distinct=100)
    assert "steps of something longer (column unit)" in messages(situation(TABLE, beside=(unit,)).dataset)[0]
    assert messages(situation(TABLE, beside=(replace(unit, distinct=30_000),)).dataset) == []
    assert messages(situation(TABLE, beside=(replace(unit, name="unit_price_class"),)).dataset) == []


def test_molecules() -> None:
    dataset = situation(TEXTS).dataset
    named = replace(dataset, columns=(Column(name="SMILES", kind="text"),), features=("SMILES",))
    assert "holds molecules" in messages(named)[0]
    assert published_as(shapes(named, Profile()), "text") == "molecules"
    assert published_as((), "text") == "text"


def test_media_beside_columns_nothing_is_suspected_of() -> None:
    beside = (Column(name="area", kind="number"), Column(name="rooms", kind="number"))
    dataset = situation(PHOTOS, beside=beside).dataset
    assert messages(dataset) == ["the columns area, rooms stand beside the image: no model here reads both yet"]
    suspected = Profile(concerns=(Concern(id="leak", message="m", columns=("area",)),))
    assert messages(dataset, suspected) == []
