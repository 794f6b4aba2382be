"""Rows unlike those a model learned from: the same predictions, a warning or a refusal, never silently wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest

from deepworth.climb.model import Model
from deepworth.errors import PredictionWarning, UserError
from deepworth.registry import ModelSpec, find, missing, resolve, specs
from deepworth.types import SourceOptions
from tests.contract.differences import TABULAR, Difference, csv, parquet, table_rows
from tests.contract.media_differences import BROKEN, MEDIA, plain_files
from tests.saving import save

DOCUMENT = Path(__file__).parents[2] / "docs" / "predict.md"
ALL = (*TABULAR, *MEDIA)
ROWS = {"text": 160, "image": 90, "audio": 60}
SLOW = ("frozen", "tuned", "custom")


def _firsts() -> list[tuple[str, ModelSpec]]:
    """The first model of each rung and modality."""
    found: dict[tuple[str, str], ModelSpec] = {}
    for spec in specs("models").values():
        for modality in spec.modalities:
            found.setdefault((modality, spec.rung), spec)
    return [(modality, spec) for (modality, _), spec in found.items()]


def _cases() -> list[Any]:
    return [
        pytest.param(spec, difference, id=f"{spec.name}-{difference.modality}-{difference.name}".replace(" ", "_"),
                     marks=[pytest.mark.slow] if spec.rung in SLOW else [])
        for modality, spec in _firsts() for difference in ALL if difference.modality == modality
        and not (spec.rung == "floor" and difference.documented == BROKEN)  # it opens no file
    ]  # fmt: skip


@dataclass(frozen=True)
class Learned:
    model: Model
    rows: Any  # those to predict, as they are
    scores: np.ndarray


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ModelSpec, str, str], Learned]:
    """A model and its predictions for rows like those it learned from, made when first asked for."""
    made: dict[tuple[str, str, str], Learned] = {}

    def get(spec: ModelSpec, modality: str, form: str) -> Learned:
        if (spec.name, modality, form) not in made:
            work = tmp_path_factory.mktemp(f"{spec.name}-{form}")
            source, target, rows = _rows(modality, form, work)
            save(spec.name, source, SourceOptions(target=target), work / "model", work)
            model = Model(work / "model")
            clean = str(work / "plain") if modality in ("image", "audio") else rows
            made[spec.name, modality, form] = Learned(model, rows, _scores(model, clean))
        return made[spec.name, modality, form]

    return get


def _rows(modality: str, form: str, work: Path) -> tuple[Any, str | None, Any]:
    """What to learn from, its target, and some of its rows."""
    if modality == "tabular":
        rows = table_rows()
        (work / "learned").mkdir()
        source = (csv if form == "csv" else parquet)(rows, work / "learned")
        return source, "goal", {name: values[:60] for name, values in rows.items()}
    toy = resolve(find("modalities", modality).toy)(work / "learned", ROWS[modality], 0, "binary")
    if modality == "text":
        return toy, "target", {"review": pyarrow.csv.read_csv(toy).column("review").to_pylist()[:24]}
    return toy, None, plain_files(modality, toy, work / "plain")


def _scores(model: Model, source: Any) -> np.ndarray:
    table = model.table(source)
    return np.column_stack([table.column(f"p_{label}").to_numpy() for label in model.classes])


@pytest.mark.parametrize(("spec", "difference"), _cases())
def test_what_differs(spec: ModelSpec, difference: Difference, learned: Callable[..., Learned], tmp_path: Path) -> None:
    if lacking := missing(spec):
        pytest.skip(f"{spec.name} needs {', '.join(lacking)}")
    before = learned(spec, difference.modality, difference.learned)
    source = difference.change(before.rows, tmp_path)
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", PredictionWarning)
        try:
            scores = _scores(before.model, source)
        except UserError as error:
            assert difference.outcome == "refused", error
            assert difference.said in str(error)
            return
    told = "; ".join(str(warning.message) for warning in noticed if issubclass(warning.category, PredictionWarning))
    assert difference.outcome != "refused", f"predicted, and told {told!r}"
    assert bool(told) == (difference.outcome == "told"), told
    assert difference.said in told
    expected = before.scores if difference.rows is None else before.scores[difference.rows]
    kept = scores[difference.rows] if difference.outcome == "told" and difference.rows is not None else scores
    np.testing.assert_allclose(kept, expected, atol=difference.near)


def test_each_difference_is_documented() -> None:
    rows = [line.split("|")[1].strip() for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")][1:]
    assert {difference.documented for difference in ALL} == {row for row in rows if not row.startswith("---")}
