"""One line of JSON for every moment of a training, in a file that can be read while it grows."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any


class Jsonl:
    """Appends to `log.jsonl`; each line is whole before the next begins, so a killed run leaves a readable file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.jsonl"

    def see(self, moment: Any) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(moment)) + "\n")
