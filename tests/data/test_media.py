"""Bytes of files and of members of archives, also after a fork."""

from __future__ import annotations

import multiprocessing
import zipfile
from pathlib import Path

import pytest

from deepworth.data.media import read_bytes
from deepworth.errors import UserError

MEMBERS = {f"{i}.bin": bytes([i]) * 200_000 for i in range(8)}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as file:
        for name, content in MEMBERS.items():
            file.writestr(name, content)
    return tmp_path / "some.zip"


def damaged(path: str, times: int) -> int:
    """How many reads of a member went wrong."""
    return sum(read_bytes(f"{path}/{name}") != content for _ in range(times) for name, content in MEMBERS.items())


def test_forked_processes_read_an_archive_that_is_open_already(archive: Path) -> None:
    assert damaged(str(archive), 1) == 0
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.starmap(damaged, [(str(archive), 20)] * 4) == [0] * 4


def test_what_is_not_there_is_named(archive: Path) -> None:
    for path in (archive / "9.bin", archive.with_name("other.zip") / "0.bin", archive.with_name("no.bin")):
        with pytest.raises(UserError, match=path.name):
            read_bytes(str(path))
