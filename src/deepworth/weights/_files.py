"""Files of installed packages and their digests."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from deepworth.errors import UserError


def package_folder(package: str) -> Path:
    """Where an installed package lies. It is not imported: some of them import what is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise UserError(f"the package {package} is not installed as a folder")
    return Path(found.submodule_search_locations[0])


def digest(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
