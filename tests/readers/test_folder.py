"""Folders and archives: classes, splits, what is left out, and what is refused."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from deepworth.data.media import read_bytes
from deepworth.data.open import open_source
from deepworth.errors import UserError
from deepworth.readers._folder import read_folder, read_zip
from deepworth.readers.result import Read
from deepworth.types import SourceOptions

PNG = b"\x89PNG and some more"


def fill(root: Path, *names: str, content: bytes = PNG) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def pack(root: Path) -> Path:
    target = root.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.write(path, path.relative_to(root.parent))
    return target


def rows(read: Read) -> set[tuple[str, ...]]:
    """(file name, label, split) of each row."""
    columns = [[Path(p).name for p in read.table.column(0).to_pylist()]]
    columns += [read.table[name].to_pylist() for name in ("label", "split") if name in read.table.column_names]
    return set(zip(*columns, strict=True))


@pytest.mark.parametrize("packed", [False, True])
def test_classes_and_splits(packed: bool, tmp_path: Path) -> None:
    root = fill(
        tmp_path / "pets",
        "all/train/cat/1.PNG", "all/train/dög/2.jpeg", "all/val/cat/deep/3.webp", "all/test/dög/4.tiff",
        "all/README.md", ".hidden/cat/5.png", "__MACOSX/cat/6.png", "all/train/.DS_Store",
    )  # fmt: skip
    read = read_zip(pack(root), SourceOptions()) if packed else read_folder(root, SourceOptions())
    assert rows(read) == {
        ("1.PNG", "cat", "train"), ("2.jpeg", "dög", "train"), ("3.webp", "cat", "valid"), ("4.tiff", "dög", "test")
    }  # fmt: skip
    assert (read.target, read.split, read.kinds) == ("label", "split", {"image": "image"})
    assert read.notes == ("1 other file is left out: 1 .md",)
    assert all(read_bytes(path) == PNG for path in read.table["image"].to_pylist())


def test_classes_alone(tmp_path: Path) -> None:
    read = read_folder(fill(tmp_path / "x", "a/1.wav", "b/2.flac", "b/3.mp3", "4.wav"), SourceOptions())
    assert rows(read) == {("1.wav", "a"), ("2.flac", "b"), ("3.mp3", "b")}
    assert read.split is None
    assert "without a class folder" in read.notes[0]


def test_train_and_test_beside_another_folder(tmp_path: Path) -> None:
    root = tmp_path / "reviews"
    fill(root, "train/pos/1.txt", "train/neg/2.txt", "test/pos/3.txt", "unsup/all/4.txt", content=b"fine")
    read = read_folder(root, SourceOptions())
    assert sorted(read.table["split"].to_pylist()) == ["test", "train", "train"]
    assert "outside test, train" in read.notes[0]


def test_texts_in_other_encodings(tmp_path: Path) -> None:
    root = tmp_path / "t"
    for name, data in (
        ("a/1.txt", "schön".encode()),
        ("a/2.txt", "schön".encode("cp1252")),
        ("b/3.txt", "schön".encode("utf-16")),
    ):
        fill(root, name, content=data)
    assert read_folder(root, SourceOptions()).table["text"].to_pylist() == ["schön"] * 3


def test_linked_class_folders_are_followed_once(tmp_path: Path) -> None:
    fill(tmp_path / "store", "cat/1.png")
    root = fill(tmp_path / "links", "dog/2.png")
    (root / "cat").symlink_to(tmp_path / "store" / "cat")
    (root / "cat" / "loop").symlink_to(root)
    assert rows(read_folder(root, SourceOptions())) == {("1.png", "cat"), ("2.png", "dog")}


def test_folder_around_one_table(tmp_path: Path) -> None:
    root = fill(tmp_path / "adult", "data.csv", content=b"a,b\n1,x\n2,y\n")
    read = read_folder(root, SourceOptions())
    assert (read.reader, read.name, read.table.num_rows) == ("csv", "adult", 2)


def test_zip_around_one_table(tmp_path: Path) -> None:
    root = fill(tmp_path / "adult", "data.csv", content=b"a,b\n1,x\n2,y\n")
    read = read_zip(pack(root), SourceOptions())
    assert (read.reader, read.table.to_pydict()) == ("csv", {"a": [1, 2], "b": ["x", "y"]})


def test_table_and_its_files_in_one_zip(tmp_path: Path) -> None:
    root = fill(tmp_path / "set", "img/1.png", "img/2.png", "img/3.png")
    fill(root, "labels.csv", content=b"file,label\nimg/1.png,a\nimg/2.png,b\nimg/3.png,b\n")
    opened = open_source(str(pack(root)), SourceOptions(target="label"), tmp_path / "out")
    assert opened.modality == "image"
    assert all(read_bytes(path) == PNG for path in opened.table["file"].to_pylist())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "no files"),
        (("a.bin", "b.bin"), "2 .bin"),
        (("1.png", "2.png"), "without class folders"),
        (("a.csv", "b.csv"), "holds 2 tables"),
    ],
)
def test_folders_nothing_can_be_learned_from(files: tuple[str, ...], said: str, tmp_path: Path) -> None:
    root = tmp_path / "x"
    root.mkdir()
    with pytest.raises(UserError, match=said):
        open_source(str(fill(root, *files)), SourceOptions(), tmp_path / "out")


def test_cut_archive(tmp_path: Path) -> None:
    archive = pack(fill(tmp_path / "x", "a/1.png", "b/2.png"))
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(UserError, match="cut or damaged"):
        open_source(str(archive), SourceOptions(), tmp_path / "out")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", "cat/1.png", "dog/2.png")
    (Path(os.fsdecode(os.fsencode(root) + b"/cat/\xe9.png"))).write_bytes(PNG)
    with pytest.raises(UserError, match=r"photos holds a file whose name is not UTF-8, .*xe9.png.*: rename it"):
        read_folder(root, SourceOptions())


@pytest.mark.parametrize("suffix", [".txt", ".png"])
def test_a_pipe_among_files_is_no_file(suffix: str, tmp_path: Path) -> None:
    root = fill(tmp_path / "notes", f"cat/1{suffix}", f"dog/2{suffix}", content=b"a note")
    os.mkfifo(root / "dog" / f"3{suffix}")
    with pytest.raises(UserError, match=rf"3{suffix}"):
        open_source(str(root), SourceOptions(), tmp_path / "out")


def test_every_file_is_a_row_where_no_label_is_read(tmp_path: Path) -> None:
    names = ("1.png", "cat/2.png", "cat/deep/3.png", "train/dog/4.png", "notes.txt")
    root = fill(tmp_path / "photos", *names)
    read = read_folder(root, SourceOptions(ignore=("label",)))
    assert read.table.column_names == ["image"]
    assert read.table["image"].to_pylist() == [str(root / name) for name in names[:4]]
    assert read.left_out == ("1 other file is left out: 1 .txt",)
