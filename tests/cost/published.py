"""Published measurements of hardware, where a checkout has them: `hardware` beside the folder of DEEPWORTH_DATA."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[3] / "shared" / "data")
FOLDER = DATA.parent / "hardware"


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one table; skips the test where it is not there."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is not there: set DEEPWORTH_DATA")
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))
