"""Prepared toy runs, one for each modality and kind of task, made when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from deepworth.data.examples import Examples
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.registry import find, resolve
from deepworth.store import RunFolder
from deepworth.types import Goals, SourceOptions, Workload

ROWS = {"tabular": 400, "text": 240, "image": 90, "audio": 90}


@dataclass(frozen=True)
class Toy:
    """A prepared run folder without its test labels: whoever looks for them finds nothing."""

    train: Examples
    valid: Examples
    test: Examples
    truth: np.ndarray  # the test labels
    workload: Workload


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Toy]:
    made: dict[tuple[str, str], Toy] = {}

    def make(modality: str, kind: str) -> Toy:
        if (modality, kind) not in made:
            made[modality, kind] = _make(tmp_path_factory.mktemp(f"{modality}-{kind}"), modality, kind)
        return made[modality, kind]

    return make


def _make(folder: Path, modality: str, kind: str) -> Toy:
    spec = find("modalities", modality)
    source = resolve(spec.toy)(folder / "source", ROWS[modality], 0, kind)
    options = SourceOptions(target="target" if source.is_file() else None)
    run = RunFolder(folder / "run")
    _, splits = prepare(open_source(source, options, run.data), Goals(), options, run.path)
    truth = np.load(run.sealed / "labels_test.npy")
    rmtree(run.sealed)
    assert run.dataset.modality == modality and run.dataset.task.kind == kind
    return Toy(
        *(Examples.open(run.path, part) for part in ("train", "valid", "test")),
        truth=truth,
        workload=resolve(spec.workload)(run.dataset, splits),
    )
