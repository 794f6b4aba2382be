"""No file grows without bound, and none is a drawer for odds and ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 500  # lines; 300 is the aim
FILES = [
    path for folder in ("src", "tests", "examples", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_of_a_size_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LIMIT


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_say_what_is_inside(path: Path) -> None:
    assert not re.search(r"util|helper|manager|misc", path.stem)
    assert not re.search(r"^class \w*(Manager|Helper|Util)", path.read_text(), re.MULTILINE)
