"""What is told of new rows that differ from those a model learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.drift import _far, _seen, describe, differences
from deepworth.data.examples import Examples
from deepworth.data.open import open_again, open_source
from deepworth.types import Column, Dataset, SourceOptions, Task, dump, load

ROWS = 400
random = np.random.default_rng(0)
TABLE = pa.table({
    "age": random.integers(17, 90, ROWS),
    "city": random.choice(["Ulm", "Bonn", "Kiel"], ROWS),
    "member": random.random(ROWS) < 0.5,
    "since": pa.array(random.integers(0, 400_000_000, ROWS) + 1_400_000_000).cast(pa.timestamp("s")),
    "y": random.choice(["p", "q"], ROWS),
})  # fmt: skip


@pytest.fixture
def learned(tmp_path: Path) -> Examples:
    opened = open_source(TABLE, SourceOptions(target="y"), tmp_path / "data")
    dataset = Dataset(
        name="d", source="d", reader="frame", modality="tabular", rows=ROWS, fingerprint="", table="",
        task=Task(kind="binary", target="y", classes=("p", "q")), features=opened.features,
        columns=tuple(column for column in opened.columns if column.name != "y"),
    )  # fmt: skip
    return Examples(dataset=dataset, table=opened.table, rows=np.arange(ROWS))


def told(learned: Examples, rows: Any, folder: Path) -> list[str]:
    notes: list[str] = []
    seen = [load(type(one), dump(one)) for one in describe(learned)]  # as it is kept
    again = open_again(rows, learned.dataset, folder / "again", notes)
    return notes + differences(seen, again)


def test_the_rows_it_learned_from_are_worth_no_word(learned: Examples, tmp_path: Path) -> None:
    assert not told(learned, TABLE, tmp_path)
    assert not told(learned, TABLE.slice(7, 1), tmp_path)
    assert not told(learned, TABLE.select(["since", "city", "member", "age"]).slice(0, 150), tmp_path)


FEW = {"age": ["30", "40", "50"], "city": ["Ulm", "Bonn", "Ulm"], "member": ["yes", "no", "no"],
       "since": ["2015-01-01", "2016-01-01", "2017-01-01"]}  # fmt: skip


@pytest.mark.parametrize(
    ("column", "values", "word"),
    [
        ("age", ["30", "abc", "50"], "1 value that cannot be read as number: missing (the first is 'abc' in row 2)"),
        ("age", ["30", "40", "900"], "'age' lies far outside 17 .. 89 in 1 row (the first is 900 in row 3)"),
        ("age", ["30", "inf", "50"], "'age' holds 1 value"),
        ("city", ["Ulm", "Rom", "Rom"], "never seen in 2 rows (the first is 'Rom' in row 2)"),
        ("city", [None, None, "Ulm"], "'city' is missing in 67% of the rows, and was in 0%"),
        ("member", ["yes", "perhaps", "no"], "'member' holds 1 value that cannot be read as boolean"),
        ("since", ["2015-01-01", "x", "2016-01-01"], "'since' holds 1 value that cannot be read as datetime"),
        ("since", ["2015-01-01", "1815-01-01", "2016-01-01"], "'since' lies far outside 2014-"),
    ],
)  # fmt: skip
def test_values_that_differ(learned: Examples, tmp_path: Path, column: str, values: list[Any], word: str) -> None:
    assert not told(learned, FEW, tmp_path)
    found = told(learned, FEW | {column: values}, tmp_path)
    assert any(word in one for one in found), found


def test_a_long_tail_may_be_as_long_again() -> None:
    """Halves of one sample differ by chance; the same amount in cents does not."""
    column, rng, said = Column(name="wealth", kind="number"), np.random.default_rng(0), 0
    for _ in range(200):
        first, second = np.exp(1.2 * rng.normal(size=(2, 200)))
        seen = _seen(column, pa.array(first))
        said += bool(_far(column, seen, second))
        assert _far(column, seen, 100 * second)
    assert said <= 8  # 4 %


def test_a_distribution_that_moved(learned: Examples, tmp_path: Path) -> None:
    for place, (name, values) in enumerate([("age", [20] * ROWS), ("city", ["Ulm"] * ROWS)]):
        found = told(learned, TABLE.set_column(place, name, pa.array(values)), tmp_path)
        assert len(found) == 1 and f"{name!r} is distributed otherwise" in found[0]


def test_names_that_are_mostly_new_by_nature(tmp_path: Path) -> None:
    """Half the rows have a name of their own, so many new rows have, too."""
    names = [f"n{i // 2}" if i % 4 < 2 else f"m{i}" for i in range(ROWS)]
    table = TABLE.set_column(1, "city", pa.array(names))
    opened = open_source(table, SourceOptions(target="y", kinds={"city": "category"}), tmp_path / "data")
    dataset = Dataset(
        name="d", source="d", reader="frame", modality="tabular", rows=ROWS, fingerprint="", table="",
        task=Task(kind="binary", target="y", classes=("p", "q")), features=("city",),
        columns=tuple(column for column in opened.columns if column.name != "y"),
    )  # fmt: skip
    learned = Examples(dataset=dataset, table=opened.table, rows=np.arange(ROWS))
    new = pa.table({"city": ["n0", "n2", "fresh", "n4", "other", "n8"]})
    assert not told(learned, new, tmp_path)
