"""Sheets of a workbook, and what is said where their names do not stand in the first row."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from deepworth.errors import UserError
from deepworth.readers._excel import read
from deepworth.types import SourceOptions
from tests.contract.sources import as_excel

NAMES = ["amount", "churn"]
ROWS = [["much", "yes"], ["little", "no"]]


def workbook(rows: list[list[str | None]], folder: Path) -> str:
    first, *below = rows
    return as_excel(pa.table([pa.array(values) for values in zip(*below, strict=True)], names=first), folder)


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ([["Churn export", ""], [None, None]], "row 3 does: take 2 rows above"),
        ([["Customer", "Contract"]], "row 2 does: take 1 row above"),
    ],
)
def test_the_row_of_the_names_is_told(above: list, said: str, tmp_path: Path) -> None:
    path = workbook([*above, NAMES, *ROWS], tmp_path)
    with pytest.raises(UserError, match=f"names no column 'churn', but {said}"):
        read(path, SourceOptions(target="churn"))
    assert read(path, SourceOptions()).table.num_rows == len(above) + 2


def test_names_in_the_first_row(tmp_path: Path) -> None:
    path = workbook([NAMES, *ROWS], tmp_path)
    found = {"amount": ["much", "little"], "churn": ["yes", "no"]}
    assert read(path, SourceOptions(target="churn")).table.to_pydict() == found
    assert read(path, SourceOptions(target="chum")).table.to_pydict() == found  # told where columns are looked for
