"""The run folder: named well, never over something else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deepworth.errors import UserError
from deepworth.store import Claim, RunFolder, whole, write
from deepworth.types import Goals, SourceOptions


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
    for name, fresh in (("fresh", True), ("again", False)):
        run = RunFolder.new(tmp_path / name, name)
        with pytest.raises(UserError), run.alone(), run.removed_if_it_fails(fresh):
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
    claim = Claim(source="/a.csv", options=SourceOptions(target="y"), goals=Goals())
    assert run.claim(claim) == "fresh"
    assert run.claim(claim) == "same"
    assert run.claimed == claim
    assert run.claim(replace(claim, goals=Goals(seconds=600.0))) == "other goals"
    for other, what in (
        (replace(claim, options=SourceOptions(target="z")), "another options"),
        (replace(claim, source="/b.csv"), "another source"),
        (replace(claim, goals=Goals(seed=1)), "another seed"),
    ):
        with pytest.raises(UserError, match=what):
            run.claim(other)
    assert run.claimed == claim


def test_a_run_of_a_newer_version_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    run = RunFolder.new(tmp_path / "run", "x")
    run.save("run", {"version": "999.0", "anything": "else"})
    with pytest.raises(UserError, match=r"made by deepworth 999\.0.*update"):
        _ = run.claimed
    for damaged in (b"", b'{"version": "0.1.0"', b'{"version": "0.1.0", "source": 3}', b"[1]", b"\xff"):
        write(run.path / "run.json", damaged)
        with pytest.raises(UserError, match="damaged"):
            _ = run.claimed


def test_what_a_killed_process_was_writing_is_swept_up(tmp_path: Path) -> None:
    run = RunFolder.new(tmp_path / "run", "x")
    halves = (
        ".run.json.12",
        "data/.table.arrow.7",
        "data/sealed/.target.arrow.7",
        "trials/a/.result.json.9",
        "trials/a/model/.model.json.9",
        "figures/.gain.png.9",
    )
    kept = ("run.json", "data/table.arrow", "trials/a/model/.hidden.txt", "trials/a/predictions_test.npy")
    for name in (
        *halves,
        *kept,
        "trials/a/checkpoint.tmp",
        "trials/a/.model.9/weights.json",
        ".again-x/data/table.arrow",
    ):
        write(run.path / name, "")
    with run.alone():
        left = {p.relative_to(run.path).as_posix() for p in run.path.rglob("*") if p.is_file()}
    assert left == {*kept, ".lock"}


def test_a_folder_whose_first_file_was_never_whole_is_begun_again(tmp_path: Path) -> None:
    write(tmp_path / "run" / ".run.json.123", "{")
    write(tmp_path / "run" / ".lock", "")
    assert RunFolder.new(tmp_path / "run", "x").path == tmp_path / "run"
    write(tmp_path / "run" / ".bashrc", "")
    with pytest.raises(UserError, match="no run folder"):
        RunFolder.new(tmp_path / "run", "x")
