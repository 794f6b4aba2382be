"""Every registered reader: takes its own source, gives the same table as all others, and refuses what is damaged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from deepworth.data.open import Opened, open_again, open_source, read_source
from deepworth.errors import UserError
from deepworth.registry import resolve, specs
from deepworth.types import Dataset, SourceOptions, Task
from tests.contract.sources import DAMAGED, FILES_OF_TEXT, SOURCES, reference

READERS = tuple(specs("readers"))
OPTIONS = SourceOptions(target="label")


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that has one data set, without a network."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: datasets.Dataset(reference()))


def write(name: str, table: pa.Table, folder: Path) -> Any:
    assert name in SOURCES, f"the reader {name!r} has no source in tests/contract/sources.py"
    folder.mkdir(parents=True, exist_ok=True)
    return SOURCES[name](table, folder)


def content(opened: Opened) -> dict[str, list[Any]]:
    return opened.table.to_pydict()


@pytest.mark.parametrize("name", READERS)
def test_first_to_accept_its_own_source(name: str, tmp_path: Path) -> None:
    source = write(name, reference(), tmp_path)
    assert next(s.name for s in specs("readers").values() if resolve(s.accepts)(source)) == name
    read = read_source(source, OPTIONS)
    assert (read.reader, len(read.table)) == (name, len(reference()))
    assert read.name
    assert read.source


@pytest.mark.parametrize("name", [name for name in READERS if name not in FILES_OF_TEXT])
def test_same_table_from_every_format(name: str, tmp_path: Path) -> None:
    opened = open_source(write(name, reference(), tmp_path), OPTIONS, tmp_path / "out")
    expected = open_source(reference(), OPTIONS, tmp_path / "expected")
    assert content(opened) == content(expected)
    assert [(c.name, c.kind) for c in opened.columns] == [(c.name, c.kind) for c in expected.columns]
    assert opened.table.schema.equals(expected.table.schema)
    assert opened.fingerprint == expected.fingerprint
    assert opened.features == tuple(n for n in reference().column_names if n != "label")


@pytest.mark.parametrize("name", FILES_OF_TEXT)
def test_same_rows_from_text_files(name: str, tmp_path: Path) -> None:
    opened = open_source(write(name, reference(), tmp_path), SourceOptions(), tmp_path / "out")
    rows = set(zip(*opened.table.select(["text", "label"]).to_pydict().values(), strict=True))
    assert rows == set(zip(*reference().select(["remark", "label"]).to_pydict().values(), strict=True))
    assert (opened.modality, opened.features, opened.target) == ("text", ("text",), "label")


@pytest.mark.parametrize("name", READERS)
def test_fingerprint_follows_the_content(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_source(write(name, reference(), tmp_path / "a"), OPTIONS, tmp_path / "out-a")
    again = (
        open_source(write(name, reference(), tmp_path / "a"), OPTIONS, tmp_path / "out-b")
        if name != "sqlite"
        else first
    )
    remarks = reference()["remark"].to_pylist()
    remarks[40] += "!"
    changed = reference().set_column(5, "remark", pa.array(remarks))
    if name == "hub":
        import datasets

        monkeypatch.setattr(datasets, "load_dataset", lambda *_: datasets.Dataset(changed))
    other = open_source(write(name, changed, tmp_path / "b"), OPTIONS, tmp_path / "out-c")
    assert first.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize("name", READERS)
def test_opened_again_for_a_prediction(name: str, tmp_path: Path) -> None:
    source = write(name, reference(), tmp_path)
    opened = open_source(source, OPTIONS, tmp_path / "out")
    dataset = Dataset(
        name=opened.read.name, source=opened.read.source, reader=name, modality=opened.modality,
        task=Task(kind="binary", target="label", classes=("bad", "good")), rows=len(opened.table),
        columns=tuple(c for c in opened.columns if c.name != "label"), features=opened.features,
        fingerprint=opened.fingerprint, table="table.arrow",
    )  # fmt: skip
    examples = open_again(source, dataset, tmp_path / "again")
    assert examples.labels is None
    assert len(examples) == len(opened.table)
    for feature in opened.features:
        assert examples.column(feature).to_pylist() == opened.table.column(feature).to_pylist()
        assert examples.table.schema.field(feature).type == opened.table.schema.field(feature).type


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_source_is_an_error_of_the_user(name: str, tmp_path: Path) -> None:
    for data in (b"", b"this is something else entirely, \x01\x02\x03", b"PK\x03\x04 cut"):
        path = tmp_path / DAMAGED[name]
        path.write_bytes(data)
        with pytest.raises(UserError, match=path.name):
            open_source(str(path), OPTIONS, tmp_path / "out")


def test_nothing_heavy_is_imported_to_know_the_readers() -> None:
    script = (
        "import sys; from deepworth.registry import specs; specs('readers'); "
        "print([m for m in ('pyarrow', 'numpy', 'pandas', 'polars', 'datasets', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
