"""Text: one or a few columns of it, with at most a few columns of other kinds beside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepworth.registry import ModalitySpec
from deepworth.types import Column, TaskKind

if TYPE_CHECKING:
    import pyarrow as pa

BESIDE = 2  # other columns that may stand beside a text which the data is about
LONG = 20  # characters on average, which such a text has


def sniff(columns: tuple[Column, ...], table: pa.Table) -> bool:
    """Whether text is what the columns are about: there is nothing else, or little else and the text is long."""
    texts = [column.name for column in columns if column.kind == "text"]
    others = len(columns) - len(texts)
    if not texts or others > BESIDE:
        return False
    from deepworth.modalities._text import head_chars

    return not others or max(head_chars(table.column(name)) for name in texts) > LONG


def toy(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """A CSV file of `review` and `target`: words of praise and blame among filler decide."""
    from deepworth.modalities._text import toy_reviews

    return toy_reviews(folder, rows, seed, task_kind)


SPECS = [
    ModalitySpec(
        name="text",
        summary="documents, reviews, messages",
        reads=("text",),
        sniff=f"{__name__}:sniff",
        workload="deepworth.modalities._text:workload",
        toy=f"{__name__}:toy",
        order=50,
    )
]
