"""What the two frozen benchmarks share: rows of development data, one encoder, and a table of ratios."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from deepworth.data.examples import Examples
from deepworth.models._heads import LinearHead
from deepworth.models.frozen._choice import Choice, choose
from deepworth.models.frozen._encode import Encoder
from deepworth.models.learner import Context
from deepworth.types import Column, Dataset, Kind, Task

THREADS = len(os.sched_getaffinity(0))
ROUNDS = 3


def data_folder() -> Path | None:
    """The folder of development data: DEEPWORTH_DATA, or `shared/data` beside the repository."""
    found = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    return found if found.is_dir() else None


def examples(values: list[str], labels: list[Any], kind: Kind) -> Examples:
    """All the rows as one view with labels."""
    classes = tuple(sorted(set(labels)))
    column = Column(name="value", kind=kind)
    dataset = Dataset(
        name="benchmark",
        source="",
        reader="",
        modality=kind,
        task=Task(kind="binary" if len(classes) == 2 else "multiclass", target="label", classes=classes),
        rows=len(values),
        columns=(column,),
        features=("value",),
        fingerprint="benchmark",
        table="",
    )
    codes = np.array([classes.index(label) for label in labels])
    return Examples(dataset=dataset, table=pa.table({"value": values}), rows=np.arange(len(values)), labels=codes)


def chosen(encoder: Encoder, digest: str, rows: Examples, context: Context) -> tuple[Choice, float]:
    """What a fit would choose for ten times these rows, and the seconds of choosing with an empty cache of networks."""
    many = Examples(
        dataset=rows.dataset, table=rows.table, rows=np.tile(rows.rows, 10), labels=np.tile(rows.labels, 10)
    )
    start = time.perf_counter()
    return choose(
        encoder, digest, rows.dataset.task, many, rows.take(np.arange(0)), context
    ), time.perf_counter() - start


def fresh_context() -> Context:
    """No deadline, and a cache that starts empty."""
    folder = Path(tempfile.mkdtemp(prefix="deepworth-benchmark-"))
    return Context(folder=folder, cache=folder, threads=THREADS)


def alternate(
    ours: Callable[[], np.ndarray], theirs: Callable[[], np.ndarray]
) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Ratios (their seconds / ours) of neighbouring rounds, and both feature sets. Prints each round."""
    ratios = []
    for round_ in range(ROUNDS):
        start = time.perf_counter()
        one = ours()
        middle = time.perf_counter()
        other = theirs()
        our_seconds, their_seconds = middle - start, time.perf_counter() - middle
        ratios.append(their_seconds / our_seconds)
        print(f"round {round_ + 1}: ours {our_seconds:6.2f} s   theirs {their_seconds:6.2f} s   ratio {ratios[-1]:.2f}")
    return ratios, one, other


def accuracy(features: np.ndarray, rows: Examples) -> float:
    """Of a linear head, mean over five folds in random order."""
    folds = np.array_split(np.random.default_rng(0).permutation(len(rows)), 5)
    hits = []
    for i, test in enumerate(folds):
        valid = folds[(i + 1) % 5]
        train = np.concatenate([fold for j, fold in enumerate(folds) if j not in (i, (i + 1) % 5)])
        head = LinearHead(rows.dataset.task)
        head.fit(features[train], rows.labels[train], features[valid], rows.labels[valid], threads=THREADS)
        hits.append((head.predict(features[test]).argmax(axis=1) == rows.labels[test]).mean())
    return float(np.mean(hits))


def report(ratios: list[float], goal: float, ours: float, theirs: float) -> None:
    print(f"\nmedian ratio {median(ratios):.2f} (rounds {', '.join(f'{r:.2f}' for r in ratios)}; goal >= {goal:g})")
    print(f"accuracy of a linear head, five folds: ours {ours:.3f}, theirs {theirs:.3f}")
