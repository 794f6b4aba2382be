"""New rows are read as the rows a model was trained on were, whatever else stands beside them in their file."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepworth.data.open import open_again, open_source
from deepworth.types import Dataset, SourceOptions, Task
from tests.contract.sources import as_excel

COLUMNS: dict[str, list[str]] = {
    "answer": ["True", "False", "Maybe"],
    "size": ["1.50", "2", "large"],
    "when": ["12:30", "morning", "night"],
    "day": ["2026-11-21", "2026-11-22", "later"],
    "price": ["1.234,5", "20", "7.000"],
    "grade": ["1", "2", "n.d."],
}
ROWS = [{name: values[i % 3] for name, values in COLUMNS.items()} | {"label": "ab"[i % 2]} for i in range(60)]


def write(rows: list[dict[str, Any]], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        lines = ["; ".join(rows[0]), *(";".join(row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        typed = [{k: {"True": True, "False": False, "1": 1, "2": 2}.get(v, v) for k, v in row.items()} for row in rows]
        sheet = SimpleNamespace(column_names=list(rows[0]), to_pylist=lambda: typed)  # a sheet types each cell
        return as_excel(sheet, path.parent)
    return str(path)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx"])
def test_a_row_reads_the_same_alone(suffix: str, tmp_path: Path) -> None:
    options = SourceOptions(target="label")
    found = open_source(write(ROWS, tmp_path / f"rows{suffix}"), options, tmp_path / "out")
    kinds = {column.name: column.kind for column in found.columns}
    assert kinds == dict.fromkeys(COLUMNS, "category") | {"price": "number", "label": "boolean"} | {
        "label": kinds["label"]
    }
    dataset = Dataset(
        name="rows", source="rows", reader="csv", modality="tabular", rows=60, features=found.features,
        task=Task(kind="binary", target="label", classes=("a", "b")), fingerprint="", table="",
        columns=tuple(c for c in found.columns if c.name != "label"),
    )  # fmt: skip
    for i in range(3):
        again = open_again(write(ROWS[i : i + 1], tmp_path / "new" / f"{i}{suffix}"), dataset, tmp_path / f"again{i}")
        for name in COLUMNS:
            assert again.column(name).to_pylist() == [found.table[name][i].as_py()], name


def test_words_that_the_user_calls_categories_keep_their_form(tmp_path: Path) -> None:
    """`01` and `1` are two categories, at training and after."""
    source = tmp_path / "rows.csv"
    source.write_text("code,label\n" + "".join(f"{['1.0', '1', '2.50'][i % 3]},{'ab'[i % 2]}\n" for i in range(30)))
    found = open_source(str(source), SourceOptions(target="label", kinds={"code": "category"}), tmp_path / "out")
    assert found.table["code"].to_pylist()[:3] == ["1.0", "1", "2.50"]
