"""Features computed once for every row of a dataset, kept on disk by content hash and shared by trials and runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from deepworth.data.examples import Examples

Encode = Callable[[Examples], Iterator[tuple[np.ndarray, np.ndarray]]]


def cache_folder() -> Path:
    """Where features and converted networks are kept: `DEEPWORTH_CACHE`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("DEEPWORTH_CACHE") or platformdirs.user_cache_dir("deepworth"))


class FeatureCache:
    """One float32 row of features for each row of a dataset, filled as rows are asked for.

    The array is a memory-mapped .npy file beside a .npy of flags, so a killed trial loses at most the chunk it was
    computing, and the next trial, split or seed reads what is there.
    """

    def __init__(self, folder: Path, name: str, width: int) -> None:
        self.folder, self.name, self.width = folder, name, width

    def features(self, examples: Examples, encode: Encode) -> np.ndarray:
        """The (len(examples), width) float32 features of `examples`.

        `encode(missing)` yields (positions in `missing`, features at them) in chunks, in whatever order is fastest.
        """
        values, done = self._open(examples)
        todo = np.flatnonzero(~done[examples.rows])
        if len(todo):
            wanted = examples.take(todo)
            for positions, block in encode(wanted):
                rows = wanted.rows[positions]
                values[rows] = block
                done[rows] = True  # after the values: a row flagged done is whole
            values.flush()
            done.flush()
        return np.asarray(values[examples.rows])

    def _open(self, examples: Examples) -> tuple[np.memmap, np.memmap]:
        rows = len(examples.table)
        key = hashlib.sha256(f"{self.name}|{self.width}|{examples.dataset.fingerprint}".encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        return (
            self._array(self.folder / f"{key}.features.npy", np.float32, (rows, self.width)),
            self._array(self.folder / f"{key}.done.npy", np.bool_, (rows,)),
        )

    @staticmethod
    def _array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
        if path.exists():
            return np.lib.format.open_memmap(path, mode="r+")
        fresh = path.with_suffix(f".{os.getpid()}.tmp")  # two processes may start at once: rename is atomic
        np.lib.format.open_memmap(fresh, mode="w+", dtype=dtype, shape=shape).flush()
        os.replace(fresh, path)
        return np.lib.format.open_memmap(path, mode="r+")
