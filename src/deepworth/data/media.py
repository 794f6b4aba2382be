"""Bytes of media files, wherever they lie: `read_bytes("photos.zip/cat/1.jpg")` reads a member of an archive."""

from __future__ import annotations

import functools
import os
import zipfile
from pathlib import Path

from deepworth.errors import UserError


@functools.lru_cache(maxsize=4)  # an archive's directory is read once a process, not once a file
def _archive(path: str, process: int) -> zipfile.ZipFile:
    """An archive open in one process: a fork shares the position in the file, and two would read each other's bytes."""
    return zipfile.ZipFile(path)


def read_bytes(path: str) -> bytes:
    """The content of a file or of a member of a zip archive. Raises UserError when it is not there."""
    head, zipped, member = path.partition(".zip/")
    try:
        if zipped:
            return _archive(head + ".zip", os.getpid()).read(member)
        return Path(path).read_bytes()
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"cannot read {path}: {error}") from error
