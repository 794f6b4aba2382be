"""A source becomes one Arrow file with kinds, roles and a modality; and again for a prediction."""

from __future__ import annotations

import datetime
import gzip
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
import pytest

from deepworth import registry
from deepworth.data.open import Opened, open_again, open_source
from deepworth.data.prepare import prepare
from deepworth.errors import UserError
from deepworth.types import Column, Dataset, Goals, SourceOptions, Task

N = 60
NUMBERS = [0.25 + i * 1.5 for i in range(N)]
LABELS = [("a", "b", "c")[i % 3] for i in range(N)]
TEXTS = [f"the {i}th visit was as good as the one before it" for i in range(N)]


def opened(source: Any, folder: Path, **options: Any) -> Opened:
    return open_source(source, SourceOptions(**{"target": "label", **options}), folder / "data")


def dataset_of(found: Opened) -> Dataset:
    roles = (found.target, found.roles.group, found.roles.split, found.roles.time)
    return Dataset(
        name="x", source="x", reader="x", modality=found.modality, task=Task(kind="binary", target=found.target or ""),
        rows=len(found.table), columns=tuple(c for c in found.columns if c.name not in roles), features=found.features,
        fingerprint=found.fingerprint, table="table.arrow", roles=found.roles,
    )  # fmt: skip


def kinds(found: Opened) -> dict[str, str]:
    return {column.name: column.kind for column in found.columns}


def messy() -> pa.Table:
    return pa.table(
        {
            "number": pa.array(
                [None if i == 3 else float("nan") if i == 4 else float("inf") if i == 5 else i / 4 for i in range(N)]
            ),
            "euro": [f"{i}.000,{i % 90:02d}" if i else "0,5" for i in range(N)],
            "word": pa.array(["" if i == 2 else "xyz"[i % 3] for i in range(N)], pa.large_string()),
            "yes": [("Yes", "no", None)[i % 3] for i in range(N)],
            "bit": pa.array([i % 2 for i in range(N)], pa.int8()),
            "day": [datetime.date(2024, 1, 1 + i % 28) for i in range(N)],
            "zoned": pa.array(
                [datetime.datetime(2024, 1, 1 + i % 28, 12) for i in range(N)], pa.timestamp("s", "Europe/Berlin")
            ),
            "clock": [datetime.time(i % 24, 30) for i in range(N)],
            "tags": [["red", "new"], ["old"]] * (N // 2),
            "place": [{"x": i * 0.5, "name": ("here", "there")[i % 2]} for i in range(N)],
            "vector": [[1.5, 2.5]] * N,
            "label": LABELS,
        }
    )


def test_one_form_whatever_the_source(tmp_path: Path) -> None:
    found = opened(messy(), tmp_path)
    assert kinds(found) == {
        "number": "number", "euro": "number", "word": "category", "yes": "boolean", "bit": "boolean", "day": "datetime",
        "zoned": "datetime", "clock": "number", "tags": "category", "place.x": "number", "place.name": "category",
        "label": "category",
    }  # fmt: skip
    table = found.table
    assert table["number"].to_pylist()[2:7] == [0.5, None, None, None, 1.5]
    assert table["euro"].to_pylist()[:3] == [0.5, 1000.01, 2000.02]
    assert pt.is_dictionary(table["word"].type)
    assert table["word"].to_pylist()[:4] == ["x", "y", None, "x"]
    assert table["yes"].to_pylist()[:3] == [True, False, None]
    assert table["bit"].type == pa.bool_()
    assert table["day"].type == table["zoned"].type == pa.timestamp("us")
    assert table["clock"].to_pylist()[1] == 5400.0
    assert table["tags"].to_pylist()[:2] == ["red, new", "old"]
    notes = " ".join(found.notes)
    assert "infinite values are read as missing: number (1)" in notes
    assert "vector (list" in notes
    assert "numbers written like 1.234,5" in notes
    missing = {column.name: round(column.missing * N) for column in found.columns}
    assert (missing["number"], missing["word"], missing["yes"]) == (3, 1, N // 3)


def test_target_keeps_its_values(tmp_path: Path) -> None:
    for values in ([0, 1] * 30, ["1", "2"] * 30, ["Yes", "no"] * 30, [True, False] * 30, ["x", "y"] * 30):
        found = opened(pa.table({"n": NUMBERS, "label": values}), tmp_path)
        assert found.table["label"].to_pylist() == values
    commas = opened(pa.table({"n": NUMBERS, "label": [f"{i},5" for i in range(N)]}), tmp_path)
    assert commas.table["label"].to_pylist() == [i + 0.5 for i in range(N)]
    infinite = opened(pa.table({"n": NUMBERS, "label": [float("inf"), *NUMBERS[1:]]}), tmp_path)
    assert infinite.table["label"][0].as_py() == float("inf")


def test_table_is_memory_mapped(tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    found = opened(pa.table({"n": np.arange(500_000) * 0.5, "label": ["a", "b"] * 250_000}), tmp_path)
    assert pa.total_allocated_bytes() - before < 100_000
    assert found.table.num_rows == 500_000
    assert found.read.table is found.table


@pytest.mark.parametrize(
    ("columns", "options", "modality", "features"),
    [
        ({"t": TEXTS}, {}, "text", ("t",)),
        ({"t": TEXTS, "n": NUMBERS}, {}, "text", ("t",)),
        ({"t": TEXTS, "n": NUMBERS}, {"modality": "tabular"}, "tabular", ("t", "n")),
        ({"t": TEXTS, "n": NUMBERS, "m": NUMBERS[::-1], "k": NUMBERS}, {}, "tabular", ("t", "n", "m", "k")),
        ({"t": TEXTS, "n": NUMBERS, "m": NUMBERS[::-1], "k": NUMBERS}, {"modality": "text"}, "text", ("t",)),
        ({"city": ["Berlin", "Ulm", "New York"] * 20}, {}, "tabular", ("city",)),
        ({"city": ["Berlin", "Ulm", "New York"] * 20}, {"kinds": {"city": "text"}}, "text", ("city",)),
        ({"name": [f"name{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(N)]}, {}, "text", ("name",)),
        ({"n": NUMBERS, "id": list(range(N)), "same": [1] * N}, {}, "tabular", ("n",)),
        ({"n": NUMBERS, "id": list(range(N))}, {"kinds": {"id": "number"}}, "tabular", ("n", "id")),
        ({"n": NUMBERS, "m": NUMBERS}, {"ignore": ("m",)}, "tabular", ("n",)),
        ({"n": NUMBERS, "g": [i % 5 for i in range(N)]}, {"group": "g"}, "tabular", ("n",)),
        ({"n": NUMBERS, "fold": [i % 5 for i in range(N)]}, {}, "tabular", ("n",)),
        ({"n": NUMBERS, "split": ["train", "dev", "test"] * 20}, {}, "tabular", ("n",)),
        ({"n": NUMBERS, "split": ["hair", "end"] * 30}, {}, "tabular", ("n", "split")),
    ],
)
def test_modality_and_features(
    columns: dict[str, Any], options: dict[str, Any], modality: str, features: tuple[str, ...], tmp_path: Path
) -> None:
    found = opened(pa.table({**columns, "label": LABELS}), tmp_path, **options)
    assert (found.modality, found.features) == (modality, features)


def all_dates(columns: tuple[Column, ...], table: pa.Table) -> bool:
    return all(column.kind == "datetime" for column in columns)


def test_a_modality_of_a_plugin_is_asked_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.specs("modalities")
    diary = replace(known["tabular"], name="diary", reads=("datetime",), sniff=f"{__name__}:all_dates", order=5)
    monkeypatch.setattr("deepworth.data.roles.specs", lambda kind: {"diary": diary, **known})
    days = [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)]
    assert opened(pa.table({"day": days, "label": LABELS}), tmp_path / "a").modality == "diary"
    assert opened(pa.table({"day": days, "n": NUMBERS, "label": LABELS}), tmp_path / "b").modality == "tabular"


def test_split_column_is_recognised_and_named_alike(tmp_path: Path) -> None:
    parts = ["Train", "dev", "TEST"] * 20
    found = opened(pa.table({"n": NUMBERS, "split": parts, "label": LABELS}), tmp_path)
    assert found.roles.split == "split"
    assert found.table["split"].to_pylist()[:3] == ["train", "valid", "test"]
    assert any("'split'" in note for note in found.notes)


def test_target_is_found_by_its_name(tmp_path: Path) -> None:
    found = opened(pa.table({"n": NUMBERS, "Class": LABELS}), tmp_path, target=None)
    assert found.target == "Class"
    assert any("for its name" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "lable"}, "there is no column 'lable'; did you mean 'label'"),
        ({"group": "nn"}, "there is no column 'nn'"),
        ({"ignore": ("q",)}, "there is no column 'q'"),
        ({"kinds": {"m": "text"}}, "there is no column 'm'"),
        ({"group": "label"}, "cannot be the group"),
        ({"modality": "image"}, "no image column was found among n"),
        ({"kinds": {"n": "datetime"}}, "should hold dates"),
        ({"kinds": {"w": "number"}}, "cannot be read as numbers"),
        ({"ignore": ("n", "w")}, "no feature is left"),
    ],
)
def test_wishes_that_cannot_be_met(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    table = pa.table({"n": NUMBERS, "w": ["x", "y"] * 30, "label": LABELS})
    with pytest.raises(UserError, match=said):
        opened(table, tmp_path, **options)


def test_a_first_column_without_a_name_that_numbers_the_rows_is_no_feature(tmp_path: Path) -> None:
    numbers = [7 * i % 601 for i in range(N)]
    found = opened(pa.table({"": numbers, "n": NUMBERS, "label": LABELS}), tmp_path / "index")
    assert found.features == ("n",)
    assert "columns that only name their rows are left out: column_1" in found.notes
    numbered = pa.table({"": numbers, "n": NUMBERS, "label": LABELS})
    wanted = opened(numbered, tmp_path / "wanted", kinds={"column_1": "number"})
    assert wanted.features == ("column_1", "n")
    second = opened(pa.table({"n": NUMBERS, "": numbers, "label": LABELS}), tmp_path / "second")
    assert second.features == ("n", "column_2")


def test_no_target(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--target; the columns are: n, w; likely ones: w"):
        opened(pa.table({"n": NUMBERS, "w": ["x", "y"] * 30}), tmp_path, target=None)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "adult.csv").write_text("a,b\n1,2\n")
    for source, said in (
        (tmp_path / "adlut.csv", "did you mean 'adult.csv'"),
        (tmp_path / "no" / "x.csv", "there is no folder"),
        ("nobody/here.csv", "there is no folder nobody"),
        ("https://somebody.example/rows.csv", "download it and name the file"),
        ("-", "- is the standard input, which is not read: write its content to a file"),
        ("/dev/null", "/dev/null is a pipe, a socket or a device"),
    ):
        with pytest.raises(UserError, match=said):
            opened(str(source), tmp_path)


def test_a_word_that_is_no_file_may_be_meant_for_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="is named owner/name, and read with deepworth\\[hub\\]"):
        opened("cifar10", tmp_path)


def test_cut_gzip(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(9999)))[:-3000])
    with pytest.raises(UserError, match=r"cut.csv.gz cannot be read"):
        opened(str(path), tmp_path, target="b")


def test_names_of_their_own(tmp_path: Path) -> None:
    arrays = [pa.array(NUMBERS), pa.array(NUMBERS[::-1]), pa.array(NUMBERS), pa.array(LABELS)]
    found = opened(pa.Table.from_arrays(arrays, names=["n", "n", "", "label"]), tmp_path)
    assert found.features == ("n", "n_2", "column_3")


def test_many_columns(tmp_path: Path) -> None:
    columns = {f"c{i}": pa.array(np.roll(NUMBERS, i)) for i in range(5000)}
    found = opened(pa.table({**columns, "label": LABELS}), tmp_path)
    assert len(found.features) == 5000


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A table of paths; the files lie in an archive beside it."""
    with zipfile.ZipFile(tmp_path / "audio.zip", "w") as archive:
        for i in range(N):
            archive.writestr(f"audio/{i}.wav", b"RIFF" + bytes([i]))
    lines = [f"{i}.wav,{LABELS[i]},{'mp'[i % 2]}" for i in range(N)]
    (tmp_path / "labels.csv").write_text("file,label,speaker\n" + "\n".join(lines) + "\n")
    return tmp_path / "labels.csv"


def test_paths_into_an_archive(clips: Path, tmp_path: Path) -> None:
    found = opened(str(clips), tmp_path, group="speaker")
    assert (found.modality, found.features, found.roles.group) == ("audio", ("file",), "speaker")
    assert found.table["file"][7].as_py() == f"{tmp_path}/audio.zip/audio/7.wav"
    again = opened(str(clips), tmp_path / "again")
    assert again.fingerprint == found.fingerprint
    with zipfile.ZipFile(tmp_path / "audio.zip", "w") as archive:
        for i in range(N):
            archive.writestr(f"audio/{i}.wav", b"RIFF" + bytes([i + 1]))
    assert opened(str(clips), tmp_path / "changed").fingerprint != found.fingerprint


def test_few_missing_files_are_left_out_many_are_an_error(clips: Path, tmp_path: Path) -> None:
    with clips.open("a") as file:
        file.write("gone.wav,a,m\n")
    found = opened(str(clips), tmp_path)
    assert len(found.table) == N
    assert any("1 of 61 rows is left out" in note for note in found.notes)
    with clips.open("a") as file:
        file.write("".join(f"gone{i}.wav,a,m\n" for i in range(30)))
    with pytest.raises(UserError, match=r"31 of the 91 files .* 'gone.wav'; looked in .*audio.zip"):
        opened(str(clips), tmp_path)


def test_predicting_without_target_with_other_types(tmp_path: Path) -> None:
    learned = pa.table(
        {"n": NUMBERS, "day": [f"{1 + i % 28:02d}/03/2024" for i in range(N)], "word": LABELS, "ok": ["yes", "no"] * 30,
         "label": LABELS}
    )  # fmt: skip
    dataset = dataset_of(opened(learned, tmp_path))
    new = pa.table(
        {
            "extra": [1, 2],
            "ok": [True, None],
            "word": ["a", "new"],
            "day": ["01/02/2024", "02/02/2024"],
            "n": ["1.5", "2"],
        }
    )
    examples = open_again(new, dataset, tmp_path / "again")
    assert examples.labels is None
    assert examples.table.column_names == ["n", "day", "word", "ok"]
    assert examples.column("n").to_pylist() == [1.5, 2.0]
    assert [d.month for d in examples.column("day").to_pylist()] == [2, 2]  # day first, as it was learned
    assert examples.strings("word") == ["a", "new"]
    assert examples.column("ok").to_pylist() == [True, None]
    with pytest.raises(UserError, match="lacks 2 columns the model reads: n, day"):
        open_again(new.select(["word", "ok"]), dataset, tmp_path / "again")
    with pytest.raises(UserError, match="cannot be read as numbers"):
        open_again(new.set_column(4, "n", pa.array(["x", "y"])), dataset, tmp_path / "again")


def test_paths_with_backslashes_are_found_and_told(tmp_path: Path) -> None:
    for i in range(N):
        (tmp_path / "clips" / LABELS[i]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / LABELS[i] / f"{i}.wav").write_bytes(b"RIFF" + bytes([i]))
    lines = [f"clips\\{LABELS[i]}\\{i}.wav,{LABELS[i]}" for i in range(N)]
    (tmp_path / "labels.csv").write_text("file,label\n" + "\n".join(lines) + "\n")
    found = opened(str(tmp_path / "labels.csv"), tmp_path / "run")
    assert found.table["file"][1].as_py() == f"{tmp_path}/clips/{LABELS[1]}/1.wav"
    assert f"the backslashes in 'file' are read as slashes: {N} files there" in found.notes


def test_places_named_by_numbers_are_the_same_places_again(tmp_path: Path) -> None:
    table = pa.table({"zip": [85000 + i % 7 for i in range(N)], "label": LABELS})
    found = opened(table, tmp_path / "run")
    assert found.table["zip"][1].as_py() == "85001"
    dataset, _ = prepare(found, Goals(), SourceOptions(target="label"), tmp_path / "run")
    for source in (table, pa.table({"zip": [str(85000 + i % 7) for i in range(N)]})):
        assert open_again(source, dataset, tmp_path / "again").column("zip")[8].as_py() == "85001"


def test_predicting_files_of_a_folder_without_classes(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(b"\x89PNG")
    columns = (Column(name="photo", kind="image"),)
    dataset = Dataset(
        name="x", source="x", reader="csv", modality="image", task=Task(kind="binary", target="label"), rows=2,
        columns=columns, features=("photo",), fingerprint="x", table="table.arrow",
    )  # fmt: skip
    examples = open_again(str(folder), dataset, tmp_path / "out")
    assert examples.strings("photo") == [str(folder / f"{i}.png") for i in range(3)]
    assert open_again(str(folder / "1.png"), dataset, tmp_path / "one").strings("photo") == [str(folder / "1.png")]
    named = pa.table({"photo": [str(folder / "0.png"), str(folder / "1.png")] * 20 + [str(folder / "none.png")]})
    assert open_again(named, dataset, tmp_path / "out").strings("photo")[-1] == ""  # its row stays


def test_the_batches_of_a_source_do_not_show(tmp_path: Path) -> None:
    whole = messy()
    parts = pa.concat_tables([whole.slice(0, 7), whole.slice(7, 20), whole.slice(27)])
    one, other = opened(whole, tmp_path / "one"), opened(parts, tmp_path / "other")
    assert one.fingerprint == other.fingerprint
    assert one.table.to_pydict() == other.table.to_pydict()


@pytest.mark.parametrize("target", ["label", None])
def test_what_is_only_looked_at_is_the_same_and_lies_in_no_file(tmp_path: Path, target: str | None) -> None:
    looked = open_source(messy(), SourceOptions(target=target), tmp_path / "look", looking=True)
    written = opened(messy(), tmp_path / "fit")
    assert not (tmp_path / "look").exists()
    assert looked.table.column_names == written.table.column_names
    for name in set(written.features):
        assert looked.table.column(name).to_pylist() == written.table.column(name).to_pylist(), name
        assert looked.table.schema.field(name).type == written.table.schema.field(name).type
    same = {c.name: c for c in written.columns if c.name != "label"}
    assert {c.name: c for c in looked.columns if c.name != "label"} == same


def test_columns_of_lists_that_are_left_out_are_on_record(tmp_path):
    edges = pa.array([[1, 2, 3]] * N)
    found = opened(pa.table({"size": NUMBERS, "edge_src": edges, "label": LABELS}), tmp_path)
    assert found.lists == ("edge_src",)
    assert prepare(found, Goals(), SourceOptions(target="label"), tmp_path)[0].lists == ("edge_src",)
