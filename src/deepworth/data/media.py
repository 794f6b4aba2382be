"""Bytes of media files, wherever they lie: `read_bytes("photos.zip/cat/1.jpg")` reads a member of an archive."""

from __future__ import annotations

import functools
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from lzma import LZMAError
from pathlib import Path

from deepworth.errors import UserError

# What opening an archive or a member raises where it is damaged, encrypted or packed in an unknown way.
BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, NotImplementedError, RuntimeError, EOFError)

LARGE = 1 << 28  # bytes up to which anything is unpacked
DENSE = 100  # times smaller: tables and texts pack to a third or a twentieth, a trap to a thousandth


def refuse_trap(path: str | Path, unpacked: int) -> None:
    """Raise UserError for a file that unpacks to far more than it holds, as one made to fill a memory does."""
    packed = os.path.getsize(path)
    if unpacked > max(LARGE, DENSE * packed):
        raise UserError(
            f"{path} holds {packed / 1e6:.1f} MB that unpack to {unpacked / 1e9:.1f} GB or more, as if it were made to "
            "fill the memory; if that is right, unpack it and give what was in it"
        )


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
    except (*BROKEN, OSError, KeyError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


_listener: ContextVar[dict[str, str] | None] = ContextVar("listener", default=None)


@contextmanager
def unreadable_files() -> Iterator[dict[str, str]]:
    """Path -> why decoders have given up on it while the body ran; an empty path for a file that is not there."""
    found: dict[str, str] = {}
    token = _listener.set(found)
    try:
        yield found
    finally:
        _listener.reset(token)


def listener() -> dict[str, str] | None:
    """Where a decoder tells what it gives up on, and why, if somebody asks; to be called in the thread of who asks."""
    return _listener.get()
