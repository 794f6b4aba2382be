"""The run folder: named well, never over something else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deepworth.errors import UserError
from deepworth.store import RunFolder, whole, write


def test_writing_leaves_one_file(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b.json", "{}")
    write(tmp_path / "a" / "b.json", b"[]")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").read_text() == "[]"


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "old")
    with (
        pytest.raises(UserError, match=r"a\.json.*No space left.*name another place"),
        whole(tmp_path / "a.json") as half,
    ):
        half.write_text("ne")
        raise OSError(28, os.strerror(28))
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a.json") as half:
        half.write_text("ne")
        raise KeyboardInterrupt
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "file" / "a.json", "{}")


def test_a_folder_is_for_one_fit_at_a_time(tmp_path: Path) -> None:
    run = RunFolder.new(tmp_path / "run", "x")
    for _ in range(2):  # a lock that was let go is taken again
        with run.alone():
            other = RunFolder.new(
                tmp_path / "run", "x"
            )  # nothing but the lock lies there: it is taken for no other thing
            with pytest.raises(UserError, match="another fit is at work"), other.alone():
                pass
    with RunFolder.new(tmp_path / "second", "x").alone(), run.alone():
        pass


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    script = (
        "import sys, time; from deepworth.store import RunFolder\n"
        "with RunFolder.new(sys.argv[1], 'x').alone(): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, tmp_path / "run"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    run = RunFolder.new(tmp_path / "run", "x")
    with pytest.raises(UserError, match="another fit"), run.alone():
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with run.alone():
        pass


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
        with pytest.raises(UserError), run.alone(), run.kept_if_planned():
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
