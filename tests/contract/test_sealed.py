"""What the test rows' labels are lies in one folder, which no model opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.examples import Examples
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.profile.run import profile_data
from deepworth.registry import specs
from deepworth.store import RunFolder
from deepworth.types import Goals, SourceOptions


@pytest.mark.parametrize("modality", [name for name in specs("modalities") if name in ("tabular", "text")])
def test_no_view_of_the_rows_has_the_target(toys: Callable, modality: str) -> None:
    toy = toys(modality, "binary")
    for examples in (toy.train, toy.valid, toy.test):
        assert examples.dataset.task.target not in examples.table.column_names


def test_the_target_lies_under_sealed_alone(tmp_path: Path) -> None:
    """Its values are found in no file a trial can read, once that folder is gone; the profile needs none of it."""
    words = [("quokka" if i % 3 else "numbat") if i % 10 else None for i in range(300)]
    table = pa.table({"y": words, "x": np.random.default_rng(0).normal(size=300), "z": np.arange(300) % 7 * 1.5})
    options, run = SourceOptions(target="y"), RunFolder(tmp_path)
    opened = open_source(table, options, run.data)
    assert opened.table.column("y").to_pylist() == words
    assert opened.table.column_names == ["y", "x", "z"]
    prepare(opened, Goals(), options, run.path)
    holding = {
        p.parent.name for p in tmp_path.rglob("*") if p.suffix in (".arrow", ".npy") and b"quokka" in p.read_bytes()
    }
    assert holding == {"sealed"}
    for path in run.sealed.iterdir():
        path.unlink()
    profile_data(run.path)
    with pytest.raises(KeyError):
        Examples.open(run.path, "test").column("y")
