"""Features on disk: computed once, bounded in size, whole when the disk is full or two processes are at work."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.data import cache
from deepworth.data.cache import FeatureCache
from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.types import Dataset, Task

WIDTH = 3


def examples(rows: int, some: np.ndarray | None = None, fingerprint: str = "x") -> Examples:
    dataset = Dataset(
        name="t", source="", reader="", modality="text", task=Task(kind="regression", target="y"), rows=rows,
        columns=(), features=(), fingerprint=fingerprint, table="",
    )  # fmt: skip
    return Examples(
        dataset=dataset, table=pa.table({"i": np.arange(rows)}), rows=np.arange(rows) if some is None else some
    )


class Encoder:
    """Row i has the features i, i + 0.25, i + 0.5; told in two chunks, the second half of the rows first."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, missing: Examples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        self.asked += missing.rows.tolist()
        positions = np.arange(len(missing))[::-1]
        for part in np.array_split(positions, 2):
            if len(part):
                yield part, expected(missing.rows[part])


def expected(rows: np.ndarray) -> np.ndarray:
    return rows[:, None] + np.linspace(0, 0.5, WIDTH)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), unique=True), min_size=1, max_size=5))
def test_any_rows_in_any_order_are_encoded_once(
    tmp_path_factory: pytest.TempPathFactory, asked: list[list[int]]
) -> None:
    kept, encode = FeatureCache(tmp_path_factory.mktemp("cache"), "n", WIDTH), Encoder()
    for rows in asked:
        some = np.array(rows, dtype=np.int64)
        assert np.array_equal(kept.features(examples(100, some), encode), expected(some).reshape(-1, WIDTH))
    assert sorted(encode.asked) == sorted({row for rows in asked for row in rows})


def test_other_names_widths_and_data_have_their_own(tmp_path: Path) -> None:
    encode = Encoder()
    FeatureCache(tmp_path, "a", WIDTH).features(examples(5), encode)
    FeatureCache(tmp_path, "b", WIDTH).features(examples(5), encode)
    FeatureCache(tmp_path, "a", WIDTH).features(examples(5, fingerprint="y"), encode)
    assert len(encode.asked) == 15


def test_what_was_not_used_for_long_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 50_000  # 600 kB
    for i, name in enumerate("abc"):
        FeatureCache(tmp_path, name, WIDTH).features(examples(rows), Encoder())
        for path in tmp_path.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10 * (3 - i)))
    FeatureCache(tmp_path, "a", WIDTH).features(examples(rows), Encoder())  # used again: b is the oldest now
    monkeypatch.setattr(cache, "MOST_GB", 2e-3)
    FeatureCache(tmp_path, "d", WIDTH).features(examples(rows), Encoder())
    left = {name: Encoder() for name in "acdb"}
    monkeypatch.setattr(cache, "MOST_GB", 1.0)
    for name, encode in left.items():
        FeatureCache(tmp_path, name, WIDTH).features(examples(rows), encode)
    assert [name for name, encode in left.items() if encode.asked] == ["b"]


def test_a_file_larger_than_the_bound_is_kept_while_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_GB", 1e-6)
    kept, encode = FeatureCache(tmp_path, "a", WIDTH), Encoder()
    kept.features(examples(1000), encode)
    kept.features(examples(1000), encode)
    assert len(encode.asked) == 1000


def test_removed_while_it_is_written(tmp_path: Path) -> None:
    """Another process makes room: what is under way ends well, and nothing false is left behind."""

    def encode(missing: Examples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for path in tmp_path.iterdir():
            path.unlink()
        yield from Encoder()(missing)

    kept = FeatureCache(tmp_path, "a", WIDTH)
    assert np.array_equal(kept.features(examples(10), encode), expected(np.arange(10)))
    assert np.array_equal(kept.features(examples(10), Encoder()), expected(np.arange(10)))


SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from deepworth.data.cache import FeatureCache
from tests.data.test_cache import WIDTH, examples, expected
def slow(missing):
    for i in range(len(missing)):
        time.sleep(0.002)
        yield np.array([i]), expected(missing.rows[[i]])
for start in range(0, 200, 20):
    some = np.random.default_rng(start).permutation(200)[:100]
    found = FeatureCache(Path(sys.argv[1]), "a", WIDTH).features(examples(200, some), slow)
    assert np.array_equal(found, expected(some))
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(list(tmp_path.iterdir())) == 1


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file can grow past `most` bytes: the system answers as on a full disk, with an error of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    kept = FeatureCache(tmp_path, "a", WIDTH)
    some = examples(1000, np.arange(10))
    kept.features(some, Encoder())
    with full_disk(2000), pytest.raises(UserError, match="DEEPWORTH_CACHE"):
        kept.features(examples(1000), Encoder())
    encode = Encoder()
    assert np.array_equal(kept.features(examples(1000), encode), expected(np.arange(1000)))
    assert min(encode.asked) == 10


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot keep features in"):
        FeatureCache(tmp_path / "file" / "cache", "a", WIDTH).features(examples(10), Encoder())
