"""The run folder: named well, never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepworth.errors import UserError
from deepworth.store import RunFolder, write


def test_writing_leaves_one_file(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b.json", "{}")
    write(tmp_path / "a" / "b.json", b"[]")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").read_text() == "[]"


def test_a_folder_with_other_things_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="no run folder"):
        RunFolder.new(tmp_path, "x")


def test_a_new_name_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len({RunFolder.new(None, "adult").path for _ in range(3)}) == 3


def test_a_folder_that_came_to_nothing_is_removed(tmp_path: Path) -> None:
    for name, planned in (("fresh", False), ("again", True)):
        run = RunFolder.new(tmp_path / name, name)
        if planned:
            run.save("plan", {})
        with pytest.raises(UserError), run.kept_if_planned():
            run.save("run", {})
            write(run.data / "table.arrow", b"")
            raise UserError("no such column")
    assert [path.name for path in tmp_path.iterdir()] == ["again"]
    assert (tmp_path / "again" / "run.json").exists()


def test_opening_what_is_none_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "adult-1" / "run.json", "{}")
    with pytest.raises(UserError, match="adult-1"):
        RunFolder.open(tmp_path / "adult-2")


def test_a_folder_is_claimed_for_one_question(tmp_path: Path) -> None:
    run = RunFolder.new(tmp_path / "run", "x")
    run.claim({"source": "a.csv", "options": {"target": "y"}})
    run.claim({"source": "a.csv", "options": {"target": "y"}})
    with pytest.raises(UserError, match="another options"):
        run.claim({"source": "a.csv", "options": {"target": "z"}})
