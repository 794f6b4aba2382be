"""What stands for the content of media files in a data set's fingerprint."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.locate import LARGE, file_stamp
from deepworth.data.open import open_source
from deepworth.types import SourceOptions

PNG = b"\x89PNG"


def fingerprint(root: Path) -> str:
    return open_source(str(root), SourceOptions(), root.parent / f"out-{root.name}").fingerprint


def test_a_copied_folder_is_the_same_data(tmp_path: Path) -> None:
    here = tmp_path / "here"
    for i in range(8):
        (here / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        (here / "ab"[i % 2] / f"{i}.png").write_bytes(PNG + bytes([i]))
    first = fingerprint(here)
    there = shutil.copytree(here, tmp_path / "there", copy_function=shutil.copyfile)  # other times
    assert fingerprint(there) == first
    stat = (there / "a" / "0.png").stat()
    (there / "a" / "0.png").write_bytes(PNG + b"\xff")  # as long, and as old
    os.utime(there / "a" / "0.png", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint(there) != first


def test_embedded_pictures_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    def opened(name: str, last: bytes) -> str:
        cells = [PNG + bytes([i]) for i in range(9)] + [PNG + last]
        table = pa.table({"photo": cells, "label": ["a", "b"] * 5})
        return open_source(table, SourceOptions(target="label"), tmp_path / name).fingerprint

    assert opened("one", b"x") == opened("two", b"x") != opened("three", b"y")


@pytest.mark.parametrize("place", [0, LARGE, -1])
def test_a_large_file_is_known_by_its_start_middle_and_end(place: int, tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(2 * LARGE + 1)
    changed = bytearray(content)
    changed[place] ^= 1
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(content)
    (tmp_path / "c").write_bytes(changed)
    assert file_stamp(str(tmp_path / "a")) == file_stamp(str(tmp_path / "b")) != file_stamp(str(tmp_path / "c"))
    assert file_stamp(str(tmp_path)) == "unreadable"
