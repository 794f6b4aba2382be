"""Tables in memory, and Hugging Face data sets."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.media import read_bytes
from deepworth.data.open import open_again, open_source, read_source
from deepworth.data.prepare import prepare
from deepworth.errors import UserError
from deepworth.types import Goals, SourceOptions

ROWS = {"a": [1, 2, None], "b": ["x", None, "z"], "label": ["u", "v", "u"]}
OPTIONS = SourceOptions(target="label")


def picture(shade: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def test_libraries_agree() -> None:
    pandas, polars, datasets = (pytest.importorskip(name) for name in ("pandas", "polars", "datasets"))
    frames = [
        ROWS, pa.table(ROWS), pa.RecordBatch.from_pydict(ROWS), pandas.DataFrame(ROWS, index=[7, 8, 9]),
        pandas.DataFrame(ROWS).astype({"label": "category", "a": "Int64"}), polars.DataFrame(ROWS),
        polars.DataFrame(ROWS).lazy(), datasets.Dataset.from_dict(ROWS),
    ]  # fmt: skip
    for frame in frames:
        assert read_source(frame, OPTIONS).table.to_pydict() == ROWS, type(frame)


def test_mixed_types_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(UserError, match="the column 'a' holds values of mixed types"):
        read_source(pandas.DataFrame({"a": [1, "x", [2]]}), OPTIONS)
    with pytest.raises(UserError, match="cannot be read; what can be"):
        read_source(42, OPTIONS)


def test_selected_rows_and_class_names() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"n": datasets.Value("int64"), "label": datasets.ClassLabel(names=["no", "yes"])})
    rows = datasets.Dataset.from_dict({"n": [1, 2, 3], "label": [0, 1, -1]}, features=features).select([2, 1])
    assert read_source(rows, OPTIONS).table.to_pydict() == {"n": [3, 2], "label": [None, "yes"]}


def test_parts_become_a_split() -> None:
    datasets = pytest.importorskip("datasets")
    parts = {
        n: datasets.Dataset.from_dict({"n": [i], "label": ["x"]}) for i, n in enumerate(("train", "validation", "test"))
    }
    read = read_source(datasets.DatasetDict(parts), OPTIONS)
    assert read.table.to_pydict() == {"n": [0, 1, 2], "label": ["x"] * 3, "split": ["train", "valid", "test"]}
    assert read.split == "split"


def test_a_dict_of_tables_has_the_parts_that_its_keys_name() -> None:
    pandas, polars = (pytest.importorskip(name) for name in ("pandas", "polars"))
    rows = {"n": [1.5, 2.5], "label": ["u", "v"]}
    names = ("train", "valid", "test")
    for table in (pandas.DataFrame(rows), polars.DataFrame(rows), pa.table(rows), rows):
        source = dict.fromkeys(names, table)
        read = read_source(source, OPTIONS)
        assert read.split == "split"
        assert read.table["split"].to_pylist() == ["train"] * 2 + ["valid"] * 2 + ["test"] * 2
        assert read.table["n"].to_pylist() == [1.5, 2.5] * 3
    one = read_source({"anything": pandas.DataFrame(rows)}, OPTIONS)
    assert (one.table.to_pydict(), one.split) == (rows, None)
    with pytest.raises(UserError, match="'more' is none of train, validation, test"):
        read_source({"train": pandas.DataFrame(rows), "more": pandas.DataFrame(rows)}, OPTIONS)
    with pytest.raises(UserError, match="row 1 of a list of rows is 1, no dict"):
        read_source({"train": pandas.DataFrame(rows), "test": [1, 2]}, OPTIONS)


def test_a_list_of_rows() -> None:
    rows = [{"a": 1, "label": "u"}, {"label": "v", "b": "x"}]
    assert read_source(rows, OPTIONS).table.to_pydict() == {"a": [1, None], "label": ["u", "v"], "b": [None, "x"]}
    with pytest.raises(UserError, match="row 2 of a list of rows is 2, no dict"):
        read_source([{"a": 1}, 2], OPTIONS)


def test_embedded_images_become_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    cells = [{"bytes": picture(shade), "path": None} for shade in (10, 200, 90)]
    features = datasets.Features({"photo": datasets.Image(), "label": datasets.Value("string")})
    rows = datasets.Dataset.from_dict({"photo": cells, "label": ["a", "b", "a"]}, features=features)
    opened = open_source(rows, OPTIONS, tmp_path)
    assert (opened.modality, opened.features) == ("image", ("photo",))
    paths = opened.table["photo"].to_pylist()
    assert [read_bytes(path) for path in paths] == [cell["bytes"] for cell in cells]
    assert all(Path(path).is_relative_to(tmp_path) for path in paths)


def test_bytes_that_are_nothing_are_refused(tmp_path: Path) -> None:
    table = pa.table({"blob": [b"\xff\x00\x01", b"\xfe\x02"], "label": ["a", "b"]})
    with pytest.raises(UserError, match="neither text nor media"):
        open_source(table, OPTIONS, tmp_path)


def test_hub_id_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def unreachable(*_: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(UserError, match="cannot be had from the Hugging Face hub: no route"):
        read_source("somebody/something", OPTIONS)


def test_float16_and_decimals(tmp_path: Path) -> None:
    table = pa.table({"half": pa.array(np.array([0.5, 1.5, 2.5], np.float16)), "label": ["a", "b", "a"]})
    assert open_source(table, OPTIONS, tmp_path).table["half"].to_pylist() == [0.5, 1.5, 2.5]


def test_categories_of_every_library(tmp_path: Path) -> None:
    """Dictionaries of string views (polars), of large strings and of strings (pandas), as features and as target."""
    pandas, polars = (pytest.importorskip(name) for name in ("pandas", "polars"))
    words, label = ["red", "green", None, "red"] * 20, ["u", "v"] * 40
    plain = polars.DataFrame({"word": words, "label": label})
    frames = [
        plain,
        plain.with_columns(polars.all().cast(polars.Categorical)),
        plain.with_columns(
            polars.col("word").cast(polars.Enum(["red", "green", "blue"])),
            polars.col("label").cast(polars.Enum(["u", "v"])),
        ),
        pandas.DataFrame({"word": words, "label": label}).astype("category"),
        pa.table({"word": pa.array(words, pa.large_string()).dictionary_encode(), "label": label}),
    ]  # fmt: skip
    for place, frame in enumerate(frames):
        opened = open_source(frame, OPTIONS, tmp_path / f"{place}")
        assert opened.table.to_pydict() == {"word": words, "label": label}
        assert [column.kind for column in opened.columns] == ["category"] * 2
        dataset, _ = prepare(opened, Goals(), OPTIONS, tmp_path / f"run{place}")
        assert dataset.task.classes == ("u", "v")


def test_columns_of_one_name_are_told_apart_everywhere(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [[i * 0.5, i * 0.25, "uv"[i % 2]] for i in range(40)]
    names = ["a", "a", "label"]
    frame = pandas.DataFrame(rows, columns=names)
    arrow = pa.Table.from_arrays([pa.array(values) for values in zip(*rows, strict=True)], names=names)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    with pa.ipc.new_file(str(tmp_path / "rows.arrow"), arrow.schema) as sink:
        sink.write_table(arrow)
    for place, source in enumerate((frame, arrow, str(tmp_path / "rows.csv"), str(tmp_path / "rows.arrow"))):
        opened = open_source(source, OPTIONS, tmp_path / f"{place}")
        assert opened.table.column_names == ["a", "a_2", "label"]
        assert any("'a_2'" in note for note in opened.notes)
        assert opened.table["a_2"].to_pylist() == [row[1] for row in rows]


def test_a_column_of_mixed_values_is_named_and_may_be_ignored(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    rows = {"n": [0.5, 1.5, 2.5] * 9, "odd": [1, "x", [2]] * 9, "label": ["u", "v", "u"] * 9}
    for place, source in enumerate((rows, pandas.DataFrame(rows))):
        with pytest.raises(UserError, match=r"the column 'odd' holds values of mixed types: .* --ignore odd"):
            read_source(source, OPTIONS)
        options = SourceOptions(target="label", ignore=("odd",))
        opened = open_source(source, options, tmp_path / f"{place}")
        assert opened.features == ("n",)
        dataset, _ = prepare(opened, Goals(), options, tmp_path / f"run{place}")
        assert open_again(source, dataset, tmp_path / f"again{place}").column("n").to_pylist() == rows["n"]
