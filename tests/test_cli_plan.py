"""`deepworth plan`: answers without torch, without training; asks for what is missing, or leaves with exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import deepworth as dw
from deepworth.cli import app
from deepworth.types import Plan, load
from tests.preparing import real

WORDS = ("good", "bad", "fine", "poor", "quick", "slow", "clean", "dirty", "room", "staff", "food", "price", "view")
HEAVY = {"torch", "transformers", "timm", "openvino", "polars", "datasets", "lightgbm", "xgboost"}


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    words = np.array(WORDS)
    lines = ["text,when,label"]
    for row in range(400):
        text = " ".join(words[rng.integers(0, len(words), 12)])
        lines.append(f"{text},2024-{1 + row // 40:02d}-{1 + row % 28:02d},{'good' if row % 2 else 'bad'}")
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["plan", *map(str, words)], env={"COLUMNS": "200"})


def test_a_plan_has_everything_a_person_asks_for(reviews: Path) -> None:
    said = run(reviews, "--weeks", 1).stdout
    for part in (
        "1 data",
        "2 amount",
        "3 hardware",
        "4 iterations",
        "1 week, so a run may take 8 hours",
        "sentence-encoder",
    ):
        assert part in said
    assert "sentence-encoder" in said
    assert "rule" in said
    assert said.index("in short") < said.index("1 data")
    assert "three-steps: " in said and "(framework)" in said
    assert "The task is label (2 classes) from texts" in " ".join(said.split())


def test_the_machine_form(reviews: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    result = run(reviews, "--target", "label", "--hardware", "2x T4", "--worth", "2%", "--json", "-o", out)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document == json.loads(out.read_text())
    assert document["hardware"]["name"] == "T4"
    assert document["hardware"]["count"] == 2
    assert document["not_ready"] == []
    assert len(document["answers"]) == 4
    assert "time on 2x T4" in run(reviews, "--target", "label", "--hardware", "2x T4").stdout
    again = dw.plan(reviews, "label", hardware="2x T4", worth="2%")
    assert [c.model for c in load(Plan, out).candidates] == [c.model for c in again.candidates]


def test_what_is_missing_is_an_error_with_its_flag(reviews: Path) -> None:
    reviews.write_text(reviews.read_text().replace("label", "stars", 1))
    result = run(reviews)
    assert result.exit_code == 2
    assert "not ready" in result.stderr
    assert "--target COL" in result.stderr
    assert "stars" in result.stderr
    assert not result.stdout
    document = json.loads(run(reviews, "--json").stdout)
    assert document["candidates"] == []
    assert document["not_ready"][0]["flag"] == "--target COL"
    assert document["not_ready"][0]["choices"][0] == "stars"


def test_in_a_terminal_it_is_asked(reviews: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reviews.write_text(reviews.read_text().replace("label", "stars", 1))
    monkeypatch.setattr(sys.modules["deepworth.cli.plan"], "_in_terminal", lambda: True)
    result = CliRunner().invoke(app, ["plan", str(reviews)], input="4\nstars\n", env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "How many weeks may the project iterate" in result.stderr
    assert "4 weeks, so a run may take 24 hours" in " ".join(result.stdout.split())
    assert "Which column is to be predicted?" in result.stderr
    assert "predict 'stars'" in result.stdout


@pytest.mark.parametrize(
    ("typed", "because"),
    [
        ("\n", "One run of 5 minutes"),
        ("2h\n", "One run of 2 hours"),
        ("1 week\n", "1 week, so"),
        ("2 weeks\n", "2 weeks, so"),
        ("12 W\n", "12 weeks, so"),
        ("soon\n.\n4\n", "4 weeks, so"),  # asked again
    ],
)
def test_in_a_terminal_the_budget_is_asked(
    reviews: Path, monkeypatch: pytest.MonkeyPatch, typed: str, because: str
) -> None:
    monkeypatch.setattr(sys.modules["deepworth.cli.plan"], "_in_terminal", lambda: True)
    result = CliRunner().invoke(app, ["plan", str(reviews), "--target", "label"], input=typed, env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert because in result.stdout
    assert ("'soon' is not a time limit" in result.stderr) == ("soon" in typed)
    asked = CliRunner().invoke(app, ["plan", str(reviews), "--target", "label", "--time", "2h"], input="")
    assert asked.exit_code == 0 and "How many weeks" not in asked.stderr, "it was said"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--weeks", "soon"), "'soon' is not a number of weeks"),
        (("--hardware", "L44"), "'L44'"),
        (("--worth", "900%"), "'900%' is more than the whole error"),
        (("--models", "sentence-encodr"), "did you mean 'sentence-encoder'"),
    ],
)
def test_wrong_words_are_answered(reviews: Path, words: tuple[str, str], said: str) -> None:
    result = run(reviews, *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_no_torch_and_nothing_trained(reviews: Path) -> None:
    code = (
        "import sys; from deepworth.verbs import plan\n"
        f"made = plan({str(reviews)!r}, hardware='none')\n"
        "assert made.candidates and not made.not_ready\n"
        f"found = {HEAVY!r} & {{m.partition('.')[0] for m in sys.modules}}\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fit_follows_the_plan(reviews: Path, tmp_path: Path) -> None:
    made = dw.plan(reviews, "label", time="20s", models=("tfidf-linear",))
    run = dw.fit(reviews, "label", time="20s", models=("tfidf-linear",), out=tmp_path / "run")
    assert [c.model for c in run.plan.candidates] == [c.model for c in made.candidates] == ["prior", "tfidf-linear"]
    assert [a.question for a in run.plan.answers] == ["data", "amount", "hardware", "iterations"]
    assert run.plan.justification.startswith("Do not rent a GPU: everything takes ")
    assert [t.model for t in run.verdict.trials] == ["prior", "tfidf-linear"]
    assert all(t.estimate == c.estimate for t, c in zip(run.verdict.trials, run.plan.candidates, strict=True))


@pytest.mark.parametrize(
    ("name", "file", "target", "words"),
    [
        (
            "nycflights13",
            "data.parquet",
            "arr_delay",
            ("dep_delay", "air_time", "(time_hour)"),
        ),
        ("etth1", "data.parquet", "OT", ("does not forecast", "--time-column date")),
        ("fsdd", "", "digit", ("--group speaker", "Whisper", "Trees cannot read a waveform")),
        ("bbbp", "data.parquet", "p_np", ("holds molecules",)),
        ("houses", "houses.csv", "price", ("no model here reads both yet", "--modality tabular")),
        ("imdb20k", "data.parquet", "label", ("stars alone predicts", "came with the data")),
    ],
)
def test_real_data_gets_the_right_warnings(name: str, file: str, target: str, words: tuple[str, ...]) -> None:
    source = real(name) / file if file else real(name)
    said = CliRunner().invoke(app, ["plan", str(source), "--target", target], env={"COLUMNS": "4000"}).stdout
    for word in words:
        assert word in said


def test_a_notebook_shows_it(reviews: Path) -> None:
    shown = dw.plan(reviews, "label")._repr_html_()
    assert shown.startswith("<pre")
    assert "renting a GPU" in shown or "rent a GPU" in shown
    reviews.write_text(reviews.read_text().replace("label", "<b>", 1))
    assert "--target COL" in dw.plan(reviews)._repr_html_()
