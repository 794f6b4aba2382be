"""The commands as a person calls them: what is printed where, exit codes, and help for mistakes."""

from __future__ import annotations

import csv
import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deepworth import __version__, verbs
from deepworth.cli import app
from deepworth.errors import DiskFull, NothingTrained
from tests.made_run import make_run

KEYS = {"key", "model", "rung", "status", "valid", "test", "seconds", "peak_gb", "reason"}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})


def write_table(path: Path, rows: int = 400, seed: int = 0) -> Path:
    """A table whose class follows from two of its columns."""
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["age", "job", "noise", "bought"])
        for _ in range(rows):
            age, job = draw.uniform(18, 90), draw.choice(["baker", "nurse", "clerk"])
            bought = age + 30 * (job == "nurse") + draw.gauss(0, 8) > 60
            table.writerow([round(age, 2), job, round(draw.random(), 4), "yes" if bought else "no"])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("data") / "sales.csv")


@pytest.fixture(scope="module")
def run(table: Path) -> tuple[Path, Result]:
    """A real run, and what the command printed."""
    folder = table.parent / "run"
    done = call("fit", table, "--target", "bought", "--time", "40s", "--models", "linear", "--out", folder, "--json")
    return folder, done


def raising(error: BaseException) -> Any:
    def fit(*args: Any, **kwargs: Any) -> None:
        raise error

    return fit


def test_version() -> None:
    assert call("--version").stdout.strip() == __version__


def test_fit_prints_one_json_document(run: tuple[Path, Result]) -> None:
    folder, done = run
    assert done.exit_code == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict == json.loads((folder / "verdict.json").read_text())
    assert {"verdict", "metric", "gain", "winner", "trials", "limits"} <= set(verdict)
    assert verdict["trials"]
    for trial in verdict["trials"]:
        assert set(trial) >= KEYS
    winner = next(t for t in verdict["trials"] if t["key"] == verdict["winner"])
    assert winner["test"]["auc"] > 0.8
    assert (folder / "report.html").exists()


def test_fit_tells_its_progress_on_stderr(run: tuple[Path, Result]) -> None:
    _, done = run
    assert re.search(r"✓ linear +classical +[\d.]+ s", done.stderr)
    assert "judged by auc" in done.stderr


def test_fit_for_a_person_ends_in_a_table(table: Path, tmp_path: Path) -> None:
    done = call(
        "fit", table, "--target", "bought", "--time", "20s", "--rungs", "floor", "--out", tmp_path / "r", "--quiet"
    )
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    assert "verdict" in done.stdout and "cannot tell yet" in done.stdout


@pytest.mark.parametrize("name", ["p.csv", "p.parquet", "p.jsonl"])
def test_predict_writes_every_format(run: tuple[Path, Result], table: Path, tmp_path: Path, name: str) -> None:
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    readers = {"csv": pyarrow.csv.read_csv, "parquet": pyarrow.parquet.read_table, "jsonl": pyarrow.json.read_json}
    out = tmp_path / name
    done = call("predict", run[0], table, "-o", out)
    assert done.exit_code == 0, done.stderr
    read = readers[out.suffix[1:]](out)
    assert read.column_names == ["prediction", "p_no", "p_yes"]
    assert read.num_rows == 400
    assert done.stdout == ""


def test_predict_prints_csv_without_a_file(run: tuple[Path, Result], table: Path) -> None:
    done = call("predict", run[0], table)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].replace('"', "") == "prediction,p_no,p_yes"
    assert len(done.stdout.splitlines()) == 401


def test_a_reader_that_has_seen_enough_is_no_error(run: tuple[Path, Result], tmp_path: Path) -> None:
    many = write_table(tmp_path / "many.csv", rows=20_000)
    command = [sys.executable, "-c", "from deepworth.cli import app; app()", "predict", str(run[0]), str(many)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_show_prints_the_table_again(tmp_path: Path) -> None:
    done = call("show", make_run(tmp_path / "adult"))
    assert done.exit_code == 0
    assert "→ lightgbm" in done.stdout and "not worth it" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_show_json_is_the_verdict_file(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "adult")
    assert json.loads(call("show", folder, "--json").stdout) == json.loads((folder / "verdict.json").read_text())


def test_models_lists_what_is_registered() -> None:
    done = call("models", "--modality", "tabular")
    assert done.exit_code == 0
    assert "linear" in done.stdout and "classical" in done.stdout


MISTAKES = {
    "no such file": (["fit", "{tmp}/nothing.csv", "--target", "x"], "nothing.csv"),
    "no such target": (["fit", "{table}", "--target", "bougth"], "bought"),
    "no such rung": (["fit", "{table}", "--target", "bought", "--rungs", "clasical"], "classical"),
    "no such model": (["fit", "{table}", "--target", "bought", "--models", "linaer"], "linear"),
    "no such metric": (["fit", "{table}", "--target", "bought", "--metric", "acuracy"], "accuracy"),
    "a time that is none": (["fit", "{table}", "--target", "bought", "--time", "soon"], "5m"),
    "a memory that is none": (["fit", "{table}", "--target", "bought", "--memory", "lots"], "4GB"),
    "two kinds": (["fit", "{table}", "--target", "bought", "--text", "job", "--category", "job"], "keep one"),
    "a folder that is no run": (["show", "{tmp}"], "run.json"),
    "no such format": (["predict", "{tmp}", "{table}", "-o", "out.xls"], ".parquet"),
    "no such option": (["fit", "{table}", "--traget", "bought"], "--target"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(mistake: str, table: Path, tmp_path: Path) -> None:
    arguments, hint = MISTAKES[mistake]
    done = call(*(part.format(tmp=tmp_path, table=table) for part in arguments))
    assert done.exit_code == 2
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_debug_shows_the_traceback_of_a_mistake(tmp_path: Path) -> None:
    done = call("show", tmp_path, "--debug")
    assert done.exit_code == 2
    assert "Traceback" in done.stderr


def test_an_unexpected_error_is_one_line_and_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "fit", raising(RuntimeError("the disk is full")))
    done = call("fit", "x.csv", "--quiet")
    assert done.exit_code == 1
    assert "unexpected RuntimeError: the disk is full" in done.stderr
    assert "--debug" in done.stderr and "Traceback" not in done.stderr
    log = Path(re.search(r"The log is (\S+?);", done.stderr)[1])
    assert "RuntimeError: the disk is full" in log.read_text()
    log.unlink()


def test_debug_shows_an_unexpected_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "fit", raising(RuntimeError("the disk is full")))
    done = call("fit", "x.csv", "--debug")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr


def test_nothing_trained_has_its_own_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "fit", raising(NothingTrained("nothing could be trained")))
    assert call("fit", "x.csv", "--quiet").exit_code == 3


def test_an_interrupt_ends_in_a_verdict_on_what_is_done(tmp_path: Path) -> None:
    pytest.importorskip("tabm")
    table = write_table(tmp_path / "sales.csv", rows=5000)
    options = [
        "--target",
        "bought",
        "--time",
        "5m",
        "--models",
        "linear,tabm",
        "--json",
        "--out",
        str(tmp_path / "run"),
    ]
    command = [sys.executable, "-c", "from deepworth.cli import app; app()", "fit", str(table), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr and process.stdout
        told = []
        for line in process.stderr:
            told.append(line)
            if line.startswith("✓ linear"):
                break
        process.send_signal(signal.SIGINT)
        verdict = json.loads(process.stdout.read())
    assert process.returncode == 0, "".join(told)
    status = {trial["model"]: trial["status"] for trial in verdict["trials"]}
    assert status["linear"] == "done"
    assert status["tabm"] in ("stopped", "skipped")
    assert verdict["verdict"] == "cannot tell yet"


@pytest.mark.parametrize("moment", [0.1, 0.2, 0.3, 0.5])
def test_an_interrupt_while_it_starts_is_one_line(moment: float) -> None:
    waits = "import time, deepworth.__main__ as d, signal, os, threading; {}; d.main()"
    after = f"threading.Timer({moment}, os.kill, (os.getpid(), signal.SIGINT)).start()"
    done = subprocess.run([sys.executable, "-c", waits.format(after), "fit", "no.csv"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) in ((130, ""), (2, ""))  # or it had ended before
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith(("interrupted before", "error: "))


def test_a_page_that_fails_does_not_hide_the_verdict(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepworth.course.write_report", raising(TypeError("no such filter")))
    run = tmp_path / "run"
    options = ("--target", "bought", "--models", "prior", "--time", "40s", "--out", run)
    done = call("fit", table, *options)
    assert done.exit_code == 1
    assert "cannot tell yet" in done.stdout and "report.html" not in done.stdout
    told = done.stderr.splitlines()[-1]
    assert told.startswith("error: no report page (TypeError: no such filter); `deepworth report ")
    assert told.endswith(f"{run / 'report.log'} has the traceback")
    assert "TypeError: no such filter" in (run / "report.log").read_text()
    (run / "report.log").unlink()
    monkeypatch.setattr("deepworth.course.write", raising(DiskFull("the disk is full")))
    with pytest.warns(UserWarning, match=r"no report page .* makes it$") as noticed:  # and no word of a log
        verbs.resume(run)
    assert noticed[0].filename == __file__
    monkeypatch.undo()
    for again in (("fit", "--resume", run), ("report", run)):
        (run / "report.html").unlink(missing_ok=True)
        (run / "report.log").write_text("why there was no page")
        assert call(*again).exit_code == 0
        assert (run / "report.html").exists() and not (run / "report.log").exists()


def test_an_interrupt_before_any_result_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "fit", raising(KeyboardInterrupt()))
    done = call("fit", "x.csv", "--quiet")
    assert done.exit_code == 130
    assert "Traceback" not in done.stderr
