"""A run that was ended in any way goes on from its folder: nothing is repeated, nothing is silently used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pytest
from typer.testing import CliRunner

import deepworth
from deepworth.cli import app
from deepworth.climb import workers
from deepworth.climb.watch import Watch
from deepworth.errors import UserError
from deepworth.registry import find, resolve
from deepworth.store import RunFolder
from deepworth.types import Dataset, Plan, Profile, Splits, Trial, TrialResult

MODELS = ("prior", "linear")


class Killed(BaseException):
    """Ends a call as a kill would: nothing in the package knows it."""


class KilledAfter(Watch):
    """Dies when something is done, and remembers what was seen."""

    def __init__(self, what: str = "") -> None:
        self.what, self.seen = what, []

    def _see(self, name: str) -> None:
        self.seen.append(name)
        if name == self.what:
            raise Killed

    def opened(self, dataset: Dataset, splits: Splits, profile: Profile) -> None:
        self._see("opened")

    def planned(self, plan: Plan) -> None:
        self._see("planned")

    def started(self, candidate: Any, trial: Any, seconds_left: float) -> None:
        self._see(f"started {candidate.model}")

    def finished(self, result: TrialResult) -> None:
        self._see(f"finished {result.model}")

    def note(self, message: str) -> None:
        self._see(message)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    return Path(resolve(find("modalities", "tabular").toy)(folder, 1500, 0, "binary"))


@pytest.fixture(scope="module")
def undisturbed(table: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return outcome(begin(table, tmp_path_factory.mktemp("alone") / "run"))


def begin(source: Any, out: Path, watch: Watch | None = None, **options: Any) -> deepworth.Run:
    return deepworth.fit(source, "target", out=out, models=MODELS, time="2m", watch=watch, **options)


def killed(source: Any, out: Path, what: str, **options: Any) -> KilledAfter:
    watch = KilledAfter(what)
    with pytest.raises(Killed):
        begin(source, out, watch, **options)
    return watch


def outcome(run: deepworth.Run) -> dict[str, Any]:
    verdict = run.verdict
    return {"winner": verdict.winner, "trials": {t.key: (t.status, t.valid, t.test) for t in verdict.trials}}


@pytest.mark.parametrize("what", ["opened", "planned", "started prior", "finished prior", "started linear"])
def test_it_goes_on_where_it_stood(what: str, table: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    killed(table, tmp_path / "run", what)
    watch = KilledAfter()
    run = deepworth.resume(tmp_path / "run", watch=watch)
    assert outcome(run) == undisturbed
    assert ("started prior" in watch.seen) == (what in ("opened", "planned", "started prior"))
    assert run.report.exists()
    assert not list(run.folder.rglob("midway"))


def test_the_same_command_goes_on_too(table: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    killed(table, tmp_path / "run", "finished prior")
    watch = KilledAfter()
    assert outcome(begin(table, tmp_path / "run", watch)) == undisturbed
    assert "started prior" not in watch.seen


def test_a_run_with_a_verdict_is_left_as_it_is(table: Path, tmp_path: Path) -> None:
    run = begin(table, tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in run.folder.rglob("*") if p.is_file()}
    table.touch()
    watch = KilledAfter()
    assert outcome(deepworth.resume(run, watch=watch)) == outcome(run)
    assert watch.seen == [f"{run.folder} has its verdict: nothing is left to do"]
    assert {p: p.stat().st_mtime_ns for p in run.folder.rglob("*") if p.is_file()} == before
    run.report.unlink()  # killed while the page was made
    assert deepworth.resume(run).report.exists()


def test_the_plan_stays_and_the_time_it_had_used_counts(table: Path, tmp_path: Path) -> None:
    killed(table, tmp_path / "run", "finished prior")
    folder = RunFolder.open(tmp_path / "run")
    plan = (folder.path / "plan.json").read_bytes()
    claim = folder.claimed
    assert 0 < claim.used < 60  # of the wall
    folder.save("run", replace(claim, used=40.0))
    run = deepworth.resume(folder.path)
    assert (folder.path / "plan.json").read_bytes() == plan
    assert 40 < run.verdict.limits["seconds_used"] < 120
    linear = next(t for t in run.verdict.trials if t.model == "linear")
    assert linear.seconds_given < 80


def test_ctrl_c_while_trials_are_repeated_ends_with_a_verdict_that_more_can_be_made_for(
    table: Path, tmp_path: Path
) -> None:
    class Impatient(Watch):
        def repeating(self, trial: Trial, which: str, expected: float, seconds_left: float) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    options = {"models": ("linear", "mlp"), "time": "2m", "memory_gb": 8}
    run = deepworth.fit(table, "target", out=tmp_path / "run", watch=Impatient(), **options)
    folder = RunFolder.open(run.folder)
    assert not folder.is_over
    assert workers._idle == []  # where memory is limited none is kept beside the verdict
    before = len(folder.repeats)
    assert all(trial.status == "done" for trial in run.verdict.trials)
    deepworth.resume(run)
    assert folder.is_over
    assert len(folder.repeats) > before


def test_other_limits_begin_a_new_plan_on_what_is_done(table: Path, tmp_path: Path) -> None:
    killed(table, tmp_path / "run", "finished prior")
    watch = KilledAfter()
    run = deepworth.fit(table, "target", out=tmp_path / "run", models=("prior",), time="3m", watch=watch)
    assert [t.model for t in run.verdict.trials] == ["prior"]
    assert "started prior" not in watch.seen
    claim = RunFolder(run.folder).claimed
    assert claim.goals.seconds == 180
    assert claim.used < run.verdict.limits["seconds_used"] < 60
    with pytest.raises(UserError, match="another seed"):
        begin(table, run.folder, seed=1)


def test_a_source_that_changed_is_told(table: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    source = tmp_path / "table.csv"
    source.write_bytes(table.read_bytes())
    killed(source, tmp_path / "run", "finished prior")
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[:-1]))
    with pytest.raises(UserError, match=r"table\.csv is not what it was"):
        deepworth.resume(tmp_path / "run")
    source.write_text("".join(lines))  # the same content, written at another time
    assert outcome(deepworth.resume(tmp_path / "run")) == undisturbed


def test_a_label_that_changed_is_told(table: Path, tmp_path: Path) -> None:
    source = tmp_path / "table.csv"
    source.write_bytes(table.read_bytes())
    killed(source, tmp_path / "run", "finished prior")
    text = source.read_text()
    (tmp_path / "other.csv").write_text(text)
    os.replace(tmp_path / "other.csv", source)
    labels = pa.csv.read_csv(source)
    column = labels.column_names.index("target")
    flipped = labels.column("target").to_pylist()
    flipped[0], other = flipped[-1], flipped[0]
    flipped[-1] = other
    if flipped[0] == other:
        flipped[0] = next(v for v in flipped if v != other)
    pa.csv.write_csv(labels.set_column(column, "target", pa.array(flipped)), source)
    with pytest.raises(UserError, match="not what it was"):
        deepworth.resume(tmp_path / "run")


def test_what_was_read_is_enough_where_the_source_is_gone(
    table: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    source = tmp_path / "table.csv"
    source.write_bytes(table.read_bytes())
    killed(source, tmp_path / "run", "finished prior")
    source.unlink()
    assert outcome(deepworth.resume(tmp_path / "run")) == undisturbed
    killed(table, tmp_path / "early", "opened")
    (tmp_path / "early" / "data" / "prepared.json").unlink()
    claim = json.loads((tmp_path / "early" / "run.json").read_text())
    (tmp_path / "early" / "run.json").write_text(json.dumps(claim | {"source": str(source)}))
    with pytest.raises(UserError, match=r"table\.csv is not there"):
        deepworth.resume(tmp_path / "early")
    assert (tmp_path / "early" / "run.json").exists()  # it may come back


def test_a_picture_that_changed_or_is_gone_is_told(tmp_path: Path) -> None:
    photos = Path(resolve(find("modalities", "image").toy)(tmp_path / "photos", 60, 0, "binary"))
    models = {"models": ("prior", "hog-linear"), "time": "2m"}
    with pytest.raises(Killed):
        deepworth.fit(photos, out=tmp_path / "run", watch=KilledAfter("finished prior"), **models)
    one = sorted(photos.rglob("*.png"))[3]
    content = one.read_bytes()
    one.unlink()
    with pytest.raises(UserError, match="not what it was"):
        deepworth.resume(tmp_path / "run")
    one.write_bytes(content)
    assert deepworth.resume(tmp_path / "run").verdict.trials[0].status == "done"


def test_a_frame_is_given_again_or_not_needed(table: Path, tmp_path: Path) -> None:
    frame = pa.csv.read_csv(table)
    killed(frame, tmp_path / "run", "finished prior")
    with pytest.raises(UserError, match="not what it was"):
        begin(frame.slice(5), tmp_path / "run")
    killed(frame, tmp_path / "run", "started linear")  # given again
    assert outcome(deepworth.resume(tmp_path / "run"))["winner"].startswith("linear")
    killed(frame, tmp_path / "early", "opened")
    (tmp_path / "early" / "data" / "prepared.json").unlink()
    with pytest.raises(UserError, match="in memory"):
        deepworth.resume(tmp_path / "early")


def test_a_relative_source_is_found_from_any_folder(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    monkeypatch.chdir(table.parent)
    killed(table.name, tmp_path / "run", "opened")
    monkeypatch.chdir(tmp_path)
    assert outcome(deepworth.resume("run")) == undisturbed


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["fit", *map(str, arguments)])


def test_what_cannot_go_on_is_refused(table: Path, tmp_path: Path) -> None:
    done = call("--resume", tmp_path)
    assert done.exit_code == 2 and "is no run folder" in done.stderr
    killed(table, tmp_path / "run", "opened")
    done = call("--resume", tmp_path / "run", "--time", "9m", "--jobs", "2")
    assert done.exit_code == 2 and "--resume reads --time, --jobs from the run" in done.stderr
    with RunFolder.open(tmp_path / "run").alone():
        done = call("--resume", tmp_path / "run")
    assert done.exit_code == 2 and "another fit is at work" in done.stderr
    done = call()
    assert done.exit_code == 2 and "name a SOURCE" in done.stderr


def test_kill_9_and_the_command_line(table: Path, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    run = tmp_path / "run"
    options = ["--target", "target", "--models", ",".join(MODELS), "--time", "2m", "--out", str(run)]
    command = [sys.executable, "-m", "deepworth", "fit", str(table), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while not list(run.glob("trials/prior-*/DONE")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    marks = {mark: mark.stat().st_mtime_ns for mark in run.glob("trials/*/DONE")}
    assert marks
    for told in ("", "has its verdict"):
        done = call("--resume", run, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["winner"] == undisturbed["winner"]
        assert told in done.stderr
        assert {mark: mark.stat().st_mtime_ns for mark in marks} == marks
