"""A fixed share of the fuzz of sources, the whole of which is `benchmarks/fuzz.py`; and tables of any Arrow type."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.errors import UserError
from deepworth.types import Goals, SourceOptions

FUZZ = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"

values = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.datetimes()), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.dates()), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.times()), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.timedeltas(timedelta(-9000), timedelta(9000))), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.binary(max_size=9)), min_size=1, max_size=30),
    st.lists(st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=3)), min_size=1, max_size=30),
)
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def test_hostile_sources_are_planned_or_refused() -> None:
    done = subprocess.run([sys.executable, str(FUZZ), "300", "11", "--fit", "150"], capture_output=True)
    assert not done.returncode, done.stdout.decode(errors="replace")[-4000:]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(names, values), min_size=1, max_size=4))
def test_any_table_is_prepared_or_refused(columns: list[tuple[str, list[object]]]) -> None:
    rows = min(len(column) for _, column in columns)
    arrays = [pa.array(column[:rows] * 12) for _, column in columns]
    table = pa.Table.from_arrays([*arrays, pa.array(["p", "q"] * (6 * rows))], names=[*(n for n, _ in columns), "goal"])
    with tempfile.TemporaryDirectory() as folder:
        options = SourceOptions(target="goal")
        try:
            opened = open_source(table, options, Path(folder) / "data")
            dataset, splits = prepare(opened, Goals(), options, Path(folder))
        except UserError as error:
            assert len(str(error)) > 20
            return
    assert splits.train + splits.valid + splits.test == len(table)
    assert len({column.name for column in dataset.columns}) == len(dataset.columns)
    assert "goal" not in dataset.features
