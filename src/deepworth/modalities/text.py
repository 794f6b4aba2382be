"""Text: one or a few columns of it, with at most a few columns of other kinds beside."""

from __future__ import annotations

from pathlib import Path

from deepworth.registry import ModalitySpec
from deepworth.types import Column, Dataset, Splits, TaskKind, Workload

BESIDE = 2  # other columns a text column may have and still be what the data is about


def sniff(columns: tuple[Column, ...]) -> bool:
    """Whether text is what the columns are about; in a wide table it is one more column."""
    texts = sum(column.kind == "text" for column in columns)
    media = any(column.kind in ("image", "audio") for column in columns)
    return texts > 0 and not media and len(columns) - texts <= BESIDE * texts


def workload(dataset: Dataset, splits: Splits) -> Workload:
    """The sizes of the work; `chars` is the mean over some rows, summed over the text columns."""
    from deepworth.modalities._text import mean_chars

    kinds = [column.kind for column in dataset.feature_columns]
    categories = sum(kind in ("category", "id") for kind in kinds)
    return Workload(
        modality="text",
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


def toy(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """A CSV file of `review` and `target`: words of praise and blame among filler decide."""
    from deepworth.modalities._text import toy_reviews

    return toy_reviews(folder, rows, seed, task_kind)


SPECS = [
    ModalitySpec(
        name="text",
        summary="documents, reviews, messages",
        sniff=f"{__name__}:sniff",
        workload=f"{__name__}:workload",
        toy=f"{__name__}:toy",
        order=50,
    )
]
