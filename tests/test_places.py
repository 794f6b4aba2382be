"""Where a run happens: full disks, read-only folders, files nobody can read, another run at the same moment."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import deepworth
from deepworth.climb import workers
from deepworth.climb.watch import Watch
from deepworth.errors import DiskFull, UserError
from deepworth.registry import find, missing, resolve

TABLES = ("prior", "linear")


def toy(modality: str, folder: Path, rows: int) -> Path:
    return Path(resolve(find("modalities", modality).toy)(folder, rows, 0, "binary"))


def scores(verdict: Any) -> dict[str, Any]:
    trials = verdict["trials"] if isinstance(verdict, dict) else json.loads(deepworth.types.dump(verdict))["trials"]
    return {t["key"]: (t["status"], t["valid"], t["test"]) for t in trials}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`disk(options)` mounts, or mounts again, a disk of 4 MB; skips where that is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size=4m,{options}", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a disk needs more rights")
        return place

    yield mount
    workers.dismiss()
    subprocess.run(["umount", "-l", str(place)], capture_output=True)


def fill(place: Path) -> Path:
    """Leave no room."""
    ballast = place / "ballast"
    with ballast.open("ab", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4096)
            except OSError:
                return ballast


class FillsUp(Watch):
    """Somebody else's download ends while a trial runs."""

    def __init__(self, place: Path, model: str) -> None:
        self.place, self.model = place, model

    def started(self, candidate: Any, trial: Any, seconds_left: float) -> None:
        if candidate.model == self.model:
            fill(self.place)


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path, disk: Callable[[str], Path]) -> None:
    table, place = toy("tabular", tmp_path / "data", 1500), disk("rw")
    options = {"models": TABLES, "time": "2m"}
    alone = deepworth.fit(table, "target", out=tmp_path / "alone", **options)
    with pytest.raises(DiskFull, match=r"No space left|make room"):
        deepworth.fit(table, "target", out=place / "run", watch=FillsUp(place, "linear"), **options)
    (mark,) = (place / "run").glob("trials/*/DONE")
    before = mark.stat().st_mtime_ns
    with pytest.raises(UserError, match=r"cannot write .*No space left on device; make room"):
        deepworth.resume(place / "run")
    (place / "ballast").unlink()
    assert scores(deepworth.resume(place / "run").verdict) == scores(alone.verdict)
    assert mark.stat().st_mtime_ns == before


def test_a_full_disk_is_told_before_anything_is_done(tmp_path: Path, disk: Callable[[str], Path]) -> None:
    table, place = toy("tabular", tmp_path / "data", 1500), disk("rw")
    ballast = fill(place)
    with pytest.raises(UserError, match="No space left on device"):
        deepworth.fit(table, "target", out=place / "run", models=TABLES, time="1m")
    assert [path.name for path in place.iterdir()] == [ballast.name]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, disk: Callable[[str], Path]) -> None:
    table, place = toy("tabular", tmp_path / "data", 1500), disk("rw")
    run = deepworth.fit(table, "target", out=place / "run", models=("prior",), time="1m")
    disk("remount,ro")
    with pytest.raises(UserError, match=r"cannot make the run folder .*name another with --out"):
        deepworth.fit(table, "target", out=place / "other", models=TABLES, time="1m")
    with pytest.raises(UserError, match=r"cannot write in .*Read-only file system"):
        deepworth.fit(table, "target", out=place / "run", models=TABLES, time="1m")
    assert deepworth.open_run(place / "run").best.predict(table) is not None  # reading needs no writing
    assert run.verdict.winner.startswith("prior")


def test_a_file_that_may_not_grow_is_told(tmp_path: Path) -> None:
    """A limit on the size of files, as some clusters have it, needs no rights to be set."""
    table = toy("tabular", tmp_path / "data", 5000)
    done = subprocess.run(
        [sys.executable, "-m", "deepworth", "fit", str(table), "--target", "target", "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr and "File too large" in done.stderr
    assert not (tmp_path / "run").exists()


def test_files_nobody_can_read_in_the_middle_of_a_folder(tmp_path: Path) -> None:
    photos = toy("image", tmp_path / "photos", 120)
    broken = [*sorted(photos.rglob("*.png"))[::25]][:5]
    for path in broken:
        path.unlink()
    broken[0].symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(broken[1])
    broken[2].mkdir()
    broken[3].write_bytes(b"\x89PNG\r\n\x1a\n" + b"cut short")
    broken[4].write_bytes(b"")
    run = deepworth.fit(photos, out=tmp_path / "run", models=("prior", "hog-linear"), time="1m")
    assert {t.status for t in run.verdict.trials} == {"done"}
    told = " ".join(run.verdict.warnings)
    assert "left out" in told and "could not be" in told


BLOCKED = """
import os, socket
def _refuse(self, address, *more):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        with open(os.environ["DEEPWORTH_CALLS"], "a") as told:
            told.write(f"{address}\\n")
        raise OSError("blocked by a test")
    return _connect(self, address, *more)
_connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = _refuse
def _unknown(host, *more, **others):
    with open(os.environ["DEEPWORTH_CALLS"], "a") as told:
        told.write(f"{host}\\n")
    raise socket.gaierror("blocked by a test")
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = _unknown
"""


def command(source: Path, out: Path, *options: str) -> list[str]:
    target = () if source.is_dir() else ("--target", "target")
    return [sys.executable, "-m", "deepworth", "fit", str(source), *target, "--out", str(out), "--json", *options]


@pytest.mark.parametrize(
    "modality", ["tabular", *(pytest.param(name, marks=pytest.mark.slow) for name in ("text", "image", "audio"))]
)
def test_no_call_leaves_the_machine(modality: str, tmp_path: Path) -> None:
    """Neither of the command nor of its workers, whatever the models: a hook in every Python process sees to it."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(BLOCKED)
    path = os.pathsep.join(filter(None, [str(tmp_path / "hook"), os.environ.get("PYTHONPATH", "")]))
    calls = tmp_path / "calls"
    environment = {**os.environ, "PYTHONPATH": path, "DEEPWORTH_CALLS": str(calls)}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):  # nobody has to set them
        environment.pop(name, None)
    asked = subprocess.run(
        [sys.executable, "-c", "import urllib.request as r; r.urlopen('http://192.0.2.1/')"],
        env=environment,
        capture_output=True,
    )
    assert asked.returncode and calls.read_text()  # the hook is there
    calls.unlink()
    source = toy(modality, tmp_path / "data", 300 if modality in ("tabular", "text") else 60)
    options = ("--time", "2m", *(("--models", "prior,linear,lightgbm,mlp") if modality == "tabular" else ()))
    done = subprocess.run(command(source, tmp_path / "run", *options), env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert sum(trial["status"] == "done" for trial in trials) >= 3
    assert not calls.exists(), calls.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modality", "models"),
    [("image", "prior,hog-linear,image-backbone"), ("text", "prior,tfidf-linear,sentence-encoder")],
)
def test_two_runs_at_once_do_not_harm_each_other(modality: str, models: str, tmp_path: Path) -> None:
    for name in models.split(","):
        if lacking := missing(find("models", name)):
            pytest.skip(f"{name} needs {', '.join(lacking)}")
    source = toy(modality, tmp_path / "data", 300 if modality == "text" else 120)

    def begin(name: str, cache: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command(source, tmp_path / name, "--models", models, "--time", "5m", "--quiet"),
            env={**os.environ, "DEEPWORTH_CACHE": str(tmp_path / cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
        out, said = process.communicate(timeout=400)
        assert process.returncode == 0, said.decode()
        found: dict[str, Any] = json.loads(out)
        return found

    alone = ended(begin("alone", "own"))
    assert all(trial["status"] == "done" for trial in alone["trials"])
    for found in [ended(process) for process in [begin("one", "shared"), begin("other", "shared")]]:
        assert scores(found) == scores(alone)
    shutil.rmtree(tmp_path / "shared")
