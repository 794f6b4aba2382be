"""Features computed once for every row of a dataset, kept on disk by content hash and shared by trials and runs."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from deepworth.data.examples import Examples
from deepworth.errors import UserError

Encode = Callable[[Examples], Iterator[tuple[np.ndarray, np.ndarray]]]
MOST_GB, MOST_SHARE = 10.0, 0.1  # all features together take no more, the share being of the disk
SUFFIX = ".features"
ALIGNED = 64  # bytes


def cache_folder() -> Path:
    """Where features and converted networks are kept: `DEEPWORTH_CACHE`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("DEEPWORTH_CACHE") or platformdirs.user_cache_dir("deepworth"))


class FeatureCache:
    """One float32 row of features for each row of a dataset, filled as rows are asked for.

    One file holds a byte for each row, which says whether its features are there, and then the features; rows that
    nobody asked for take no space. A killed trial loses at most the chunk it was computing, and the next trial, split
    or seed reads what is there. The files used least recently go when all together grow too large; a process that has
    one open keeps it until it closes it.
    """

    def __init__(self, folder: Path, name: str, width: int) -> None:
        self.folder, self.name, self.width = folder, name, width

    def features(self, examples: Examples, encode: Encode) -> np.ndarray:
        """The (len(examples), width) float32 features of `examples`.

        `encode(missing)` yields (positions in `missing`, features at them) in chunks, in whatever order is fastest.
        Raises UserError when the cache cannot be written.
        """
        rows = len(examples.table)
        start = -(-rows // ALIGNED) * ALIGNED  # of the features
        key = hashlib.sha256(f"{self.name}|{self.width}|{examples.dataset.fingerprint}".encode()).hexdigest()[:16]
        path = self.folder / f"{key}{SUFFIX}"
        with self._opened(path, start + 4 * rows * self.width) as file:
            done = np.memmap(file, dtype=np.bool_, mode="r", shape=(rows,))
            todo = np.flatnonzero(~done[examples.rows])
            if len(todo):
                wanted = examples.take(todo)
                for positions, block in encode(wanted):
                    self._keep(file, start, wanted.rows[positions], block)
                make_room(self.folder, path)
            return np.memmap(file, dtype=np.float32, mode="r", offset=start, shape=(rows, self.width))[examples.rows]

    def _opened(self, path: Path, size: int) -> IO[bytes]:
        """The file at its full size. Two processes may start it at once: both make the same empty one."""
        with self._written():
            self.folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            file = os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
            if os.fstat(file.fileno()).st_size < size:
                file.truncate(size)
            with suppress(FileNotFoundError):  # removed by another process in this moment; this one has it still
                os.utime(path)  # used now
        return file

    def _keep(self, file: IO[bytes], start: int, rows: np.ndarray, block: np.ndarray) -> None:
        """Write features, and after them the flags: a row that is flagged is whole. Not through a memory map: on a full
        disk that ends the process instead of raising an error."""
        order = np.argsort(rows)
        rows, values = rows[order], np.asarray(block, dtype=np.float32)[order]
        runs = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1)
        with self._written():
            for run in runs:
                _write(file, start + 4 * self.width * int(rows[run[0]]), values[run].tobytes())
            for run in runs:
                _write(file, int(rows[run[0]]), b"\x01" * len(run))

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"cannot keep features in {self.folder}: {error.strerror or error}; make room there, or name another "
                "folder in the environment variable DEEPWORTH_CACHE"
            ) from error


def make_room(folder: Path, keep: Path) -> None:
    """Remove the feature files used least recently, `keep` never, until all together are within the bound."""
    most = min(MOST_GB * 1e9, MOST_SHARE * shutil.disk_usage(folder).total)
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):  # another process makes room too
            status = path.stat()
            taken = 512 * status.st_blocks if hasattr(status, "st_blocks") else status.st_size
            found.append((status.st_mtime, taken, path))
    total = sum(taken for _, taken, _ in found)
    for _, taken, path in sorted(found):
        if total <= most:
            return
        if path != keep:
            with suppress(OSError):  # gone already, or open elsewhere on Windows
                path.unlink()
                total -= taken


def _write(file: IO[bytes], start: int, content: bytes) -> None:
    file.seek(start)
    done = file.write(content)
    if done < len(content):  # an unbuffered file may take less; what is left says why
        _write(file, start + done, content[done:])
