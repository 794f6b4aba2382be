"""Tables: columns of numbers, categories, dates and some text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepworth.registry import ModalitySpec
from deepworth.types import Column, TaskKind

if TYPE_CHECKING:
    import pyarrow as pa


def sniff(columns: tuple[Column, ...], table: pa.Table) -> bool:
    """Whether the columns are a table: some are neither image nor audio. Asked last, after the media and text."""
    return any(column.kind not in ("image", "audio") for column in columns)


def toy(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """A CSV file with numbers, categories, a date and missing values; `target` depends on most of them."""
    from deepworth.modalities._tabular import toy_table

    return toy_table(folder, rows, seed, task_kind)


SPECS = [
    ModalitySpec(
        name="tabular",
        summary="tables of numbers, categories and dates",
        reads=("number", "category", "boolean", "datetime", "text", "id"),
        sniff=f"{__name__}:sniff",
        workload="deepworth.modalities._text:workload",
        toy=f"{__name__}:toy",
        order=90,
    )
]
