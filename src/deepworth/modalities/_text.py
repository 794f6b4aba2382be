"""The sizes of data in columns, texts among them, and toy reviews."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from deepworth.data.examples import Examples, open_table
from deepworth.data.tidy import plain
from deepworth.types import Dataset, Splits, TaskKind, Workload

SAMPLE = 2_000  # rows whose texts are measured

SUBJECTS = [
    "the film",
    "this story",
    "the acting",
    "our evening",
    "the second half",
    "the music",
    "every scene",
    "the plot",
]
FILLER = [
    "and then",
    "on the whole",
    "as far as we saw",
    "with some friends",
    "in the old cinema",
    "for two hours",
    "once again",
]
PRAISE = ["was wonderful", "felt brilliant", "made me smile", "was a delight", "looked beautiful"]
BLAME = ["was dreadful", "felt boring", "made me angry", "was a waste", "looked cheap"]
PLAIN = ["was average", "felt ordinary", "left me unmoved", "was as expected", "looked usual"]


def workload(dataset: Dataset, splits: Splits) -> Workload:
    """The sizes of the work on texts and on tables; `chars` is the mean over some rows, summed over text columns."""
    kinds = [column.kind for column in dataset.feature_columns]
    categories = sum(kind in ("category", "id") for kind in kinds)
    return Workload(
        modality=dataset.modality,
        task=dataset.task.kind,
        classes=len(dataset.task.classes),
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        numbers=len(kinds) - categories - kinds.count("text"),
        categories=categories,
        texts=kinds.count("text"),
        chars=mean_chars(dataset),
    )


def mean_chars(dataset: Dataset) -> float:
    """Characters of text a row, over all text columns, from an even sample of rows."""
    names = [column.name for column in dataset.feature_columns if column.kind == "text"]
    if not names:
        return 0.0
    rows = np.unique(np.linspace(0, dataset.rows - 1, min(SAMPLE, dataset.rows)).astype(np.int64))
    few = Examples(dataset=dataset, table=open_table(dataset.table), rows=rows)
    return float(sum(len(text) for name in names for text in few.strings(name)) / max(len(rows), 1))


def head_chars(values: pa.ChunkedArray) -> float:
    """Mean number of bytes of the first values of a column."""
    head = plain(values.slice(0, SAMPLE).combine_chunks())
    return pc.mean(pc.binary_length(head.cast(pa.string()))).as_py() or 0.0


def toy_reviews(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """`folder/reviews.csv`: a review is two to six clauses of one mood; in a regression praise and blame mix."""
    rng = np.random.default_rng(seed)
    moods = {"binary": [BLAME, PRAISE], "multiclass": [BLAME, PLAIN, PRAISE], "regression": [BLAME, PRAISE]}[task_kind]
    names = ["bad", "good"] if task_kind == "binary" else ["bad", "fair", "good"]
    texts, targets = [], []
    for _ in range(rows):
        clauses = int(rng.integers(2, 7))
        if task_kind == "regression":
            picks = rng.random(clauses) < rng.random()
            targets.append(round(float(picks.mean() + 0.05 * rng.normal()), 4))
        else:
            picks = np.full(clauses, rng.integers(len(moods)))
            targets.append(names[picks[0]])
        said = [f"{rng.choice(SUBJECTS)} {rng.choice(moods[int(pick)])} {rng.choice(FILLER)}" for pick in picks]
        texts.append(", ".join(said).capitalize() + ".")
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(pa.table({"review": texts, "target": targets}), folder / "reviews.csv")
    return folder / "reviews.csv"
