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
REPEATS = 3  # divisions into five folds: a head differs more from fold to fold than the features do


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


def hits(features: np.ndarray, rows: Examples) -> np.ndarray:
    """(n,) share of REPEATS divisions into five folds in which a linear head is right about a row it did not see."""
    right = np.zeros(len(rows))
    for repeat in range(REPEATS):
        folds = np.array_split(np.random.default_rng(repeat).permutation(len(rows)), 5)
        for i, test in enumerate(folds):
            valid = folds[(i + 1) % 5]
            train = np.concatenate([fold for j, fold in enumerate(folds) if j not in (i, (i + 1) % 5)])
            head = LinearHead(rows.dataset.task)
            head.fit(features[train], rows.labels[train], features[valid], rows.labels[valid], threads=THREADS)
            right[test] += head.predict(features[test]).argmax(axis=1) == rows.labels[test]
    return right / REPEATS


def compare(name: str, ours: np.ndarray, theirs: np.ndarray, rows: Examples) -> None:
    """Print both accuracies and their difference with a 95 % interval, a bootstrap over the same rows."""
    one, other = hits(ours, rows), hits(theirs, rows)
    draws = np.random.default_rng(0).integers(0, len(rows), (4000, len(rows)))
    low, high = np.quantile((one - other)[draws].mean(axis=1), (0.025, 0.975))
    print(
        f"{name:34} ours {one.mean():.3f}, theirs {other.mean():.3f}, "
        f"difference {(one - other).mean():+.3f} [{low:+.3f} .. {high:+.3f}]"
    )


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The mean over the rows of the cosine of two (n, width) matrices."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.mean(np.sum(one * other, axis=1) / np.maximum(lengths, 1e-12)))


def headline(ratios: list[float], goal: float) -> None:
    print(f"\nmedian ratio {median(ratios):.2f} (rounds {', '.join(f'{r:.2f}' for r in ratios)}; goal >= {goal:g})")
