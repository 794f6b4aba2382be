"""Markdown, JSON and the command that writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deepworth.cli import app
from deepworth.errors import MissingPackage
from deepworth.report import formats
from deepworth.report.build import write_as
from deepworth.store import RunFolder
from tests.made_run import make_run
from tests.report.full_run import full_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return full_run(tmp_path / "a")


def test_markdown_says_what_the_page_says(folder: Path) -> None:
    _, text = write_as(folder, "md", None)
    document = json.loads(write_as(folder, "json", None)[1])
    plain = text.replace("\\", "")
    for lines in document["sentences"].values():
        for line in lines:
            assert line in plain
    assert text.startswith("# adult: not worth it\n") and "\n## " in text
    for example in document["explained"]["examples"]:
        assert f"row {example['row']:,} is {example['true']}, said {example['said']}" in plain
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


def test_json_is_the_whole_record(folder: Path) -> None:
    made = json.loads(write_as(folder, "json", None)[1])
    assert made["verdict"]["winner"] == RunFolder(folder).verdict.winner
    assert {"quality", "explained", "sentences", "command", "card", "versions"} <= set(made)
    assert len(made["explained"]["examples"]) == 6 and "picture" not in made["explained"]["examples"][0]


def test_names_are_no_markdown(tmp_path: Path) -> None:
    _, text = write_as(make_run(tmp_path / "adult", evil=True), "md", None)
    assert "<script>" not in re.sub(r"\\<", "", text)


def test_without_a_browser_a_pdf_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackage, match="install one"):
        write_as(folder, "pdf", None)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    run = CliRunner()
    done = run.invoke(app, ["report", str(folder), "--time", "1s"])
    assert done.exit_code == 0 and "report.html" in done.stderr and not done.stdout
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".png"}
    shown = run.invoke(app, ["report", str(folder), "--format", "json", "--time", "1s"])
    assert json.loads(shown.stdout)["dataset"]["name"] == "adult"
    out = tmp_path / "b" / "r.md"
    assert run.invoke(app, ["report", str(folder), "-f", "md", "-o", str(out), "--time", "1s"]).exit_code == 0
    assert out.read_text().startswith("# adult")


def test_a_page_elsewhere_leaves_the_run_as_it_is(folder: Path, tmp_path: Path) -> None:
    before = sorted(folder.rglob("*"))
    path, _ = write_as(folder, "html", tmp_path / "elsewhere.html")
    assert path == tmp_path / "elsewhere.html" and "<svg" in path.read_text()
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("given", [["nowhere"], [".", "--time", "soon"]])
def test_what_cannot_be_reported_is_said(given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["report", *given])
    assert done.exit_code == 2 and done.stderr.startswith("error: ")
