"""The docs cannot drift: help is generated, commands and names in them exist, every plug-in point has its heading.

`python -m tests.test_docs` (or `make docs`) writes docs/cli.md anew.
"""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import deepworth
from deepworth.cli import app

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cli.md"
COMMANDS = ("", "data", "plan", "estimate", "hardware", "fit", "predict", "show", "report", "models")
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REGISTRIES = ("models", "readers", "modalities", "weights")


def help_of(command: str) -> str:
    """What `deepworth COMMAND --help` prints, 80 columns wide and without colours."""
    arguments = [command, "--help"] if command else ["--help"]
    plain = {"COLUMNS": "80", "TERMINAL_WIDTH": "80", "TERM": "dumb", "NO_COLOR": "1"}
    text = CliRunner().invoke(app, arguments, prog_name="deepworth", env=plain).stdout
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def page() -> str:
    parts = ["# The command line\n\nGenerated from the program by `make docs`; a test compares the two.\n"]
    for command in COMMANDS:
        name = f"deepworth {command}".strip()
        parts.append(f"## {name}\n\n```text\n{help_of(command)}\n```\n")
    return "\n".join(parts)


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


def called(path: Path) -> list[list[str]]:
    """Every `deepworth ...` line in the shell blocks of a page, as words."""
    lines = [line for block in blocks(path, "sh") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.strip().startswith("deepworth ")]


def test_help_page_is_what_the_program_prints() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_commands_in_the_docs_exist(path: Path) -> None:
    for command, *words in called(path):
        assert command in COMMANDS
        known = help_of(command)
        for word in words:
            if word.startswith("-"):
                assert re.search(rf"{re.escape(word)}\b", known), f"{path.name}: deepworth {command} has no {word}"


def test_the_readme_shows_commands() -> None:
    assert {command for command, *_ in called(ROOT / "README.md")} >= {"fit", "predict", "show"}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_python_in_the_docs_compiles_and_names_what_exists(path: Path) -> None:
    for block in blocks(path, "python"):
        for node in ast.walk(ast.parse(block)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in ("dw", "deepworth")
            ):
                assert node.attr in deepworth.__all__


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_plug_in_point_has_its_heading(kind: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert re.search(rf"^### .*`deepworth\.{kind}`", text, re.MULTILINE)


def test_the_tree_in_the_readme_names_every_folder() -> None:
    text = (ROOT / "README.md").read_text()
    for folder in (ROOT / "src" / "deepworth").iterdir():
        if folder.is_dir() and (folder / "__init__.py").exists():
            assert re.search(rf"^\s*(\S.*\s)?{folder.name}/", text, re.MULTILINE), (
                f"{folder.name}/ is missing in the README's tree"
            )


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_make_targets_in_the_docs_exist() -> None:
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCS:
        assert set(re.findall(r"`make ([a-z-]+)`", path.read_text())) <= rules, path.name


if __name__ == "__main__":
    PAGE.write_text(page())
