"""Small generated media examples with something to learn, and a fit of a learner on them."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from deepworth.data.examples import Examples
from deepworth.modalities._toys import toy_clips, toy_images
from deepworth.models.learner import Context
from deepworth.types import Column, Dataset, Task

GOOD, BAD = ("a wonderful lovely film", "great fun and joy"), ("a dreadful boring film", "awful waste of time")


def examples(
    modality: str, kind: str, folder: Path, rows: int = 48, seed: int = 0
) -> tuple[Examples, Examples, Examples]:
    """Train (2/3), valid and test examples of a generated task."""
    values, targets = (_texts if modality == "text" else _files)(modality, kind, folder, rows, seed)
    classes = () if kind == "regression" else tuple(sorted(set(targets)))
    labels = np.array(targets, dtype=np.float64) if not classes else np.array([classes.index(t) for t in targets])
    column = Column(name="what", kind=modality)
    dataset = Dataset(
        name="toy",
        source=str(folder),
        reader="made",
        modality=modality,
        task=Task(kind=kind, target="y", classes=classes),
        rows=rows,
        columns=(column,),
        features=("what",),
        fingerprint=f"{modality}{kind}{rows}{seed}",
        table="",
    )
    table = pa.table({"what": values})
    order = np.random.default_rng(seed).permutation(rows)
    cuts = np.split(order, [2 * rows // 3, 5 * rows // 6])
    return tuple(Examples(dataset=dataset, table=table, rows=np.sort(c), labels=labels[np.sort(c)]) for c in cuts)


def fitted(learner: type, parts: tuple[Examples, ...], folder: Path, seconds: float = 300.0, **params):
    """A learner fitted on the first two parts, and its context."""
    folder.mkdir(parents=True, exist_ok=True)
    train, valid, test = parts
    context = Context(
        folder=folder, cache=folder, deadline=time.monotonic() + seconds, predict_rows=len(test), memory_gb=4.0
    )
    made = learner(train.dataset.task, train.dataset.feature_columns, params)
    made.fit(train, valid, context)
    return made, context


def unlabelled(part: Examples) -> Examples:
    return replace(part, labels=None)


def _texts(modality: str, kind: str, folder: Path, rows: int, seed: int) -> tuple[list[str], list]:
    rng = np.random.default_rng(seed)
    signs = rng.integers(0, 2, rows)
    texts = [f"{rng.choice(GOOD if sign else BAD)} {'so ' * rng.integers(0, 6)}{rng.integers(100)}" for sign in signs]
    if kind == "regression":
        return texts, (10.0 + 5.0 * signs + rng.normal(0, 0.1, rows)).tolist()
    return texts, [("bad", "good")[sign] for sign in signs]


def _files(modality: str, kind: str, folder: Path, rows: int, seed: int) -> tuple[list[str], list]:
    found = (toy_images if modality == "image" else toy_clips)(folder, rows, seed, kind)
    if kind == "regression":
        with found.open(newline="") as file:
            lines = list(csv.DictReader(file))
        return [str(folder / line["file"]) for line in lines], [float(line["target"]) for line in lines]
    paths = sorted(path for path in found.rglob("*") if path.is_file())
    return [str(path) for path in paths], [path.parent.name for path in paths]
