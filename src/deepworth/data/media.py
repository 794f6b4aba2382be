"""Bytes of media files, wherever they lie: `read_bytes("photos.zip/cat/1.jpg")` reads a member of an archive."""

from __future__ import annotations

import functools
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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


_listener: ContextVar[set[str] | None] = ContextVar("listener", default=None)


@contextmanager
def unreadable_files() -> Iterator[set[str]]:
    """The paths that decoders have given up on while the body ran; an empty path for a file that is not there."""
    found: set[str] = set()
    token = _listener.set(found)
    try:
        yield found
    finally:
        _listener.reset(token)


def listener() -> set[str] | None:
    """Where a decoder tells the paths it gives up on, if somebody asks; to be called in the thread of who asks."""
    return _listener.get()
