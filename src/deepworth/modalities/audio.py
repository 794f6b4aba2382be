"""Audio: one column of paths of sound files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepworth.registry import ModalitySpec
from deepworth.types import Column, Dataset, Splits, TaskKind, Workload

if TYPE_CHECKING:
    import pyarrow as pa


def sniff(columns: tuple[Column, ...], table: pa.Table) -> bool:
    """Whether a column holds recordings."""
    return any(column.kind == "audio" for column in columns)


def workload(dataset: Dataset, splits: Splits) -> Workload:
    """The sizes of the work; seconds are the mean over the headers of a few files, summed over the audio columns."""
    import numpy as np

    from deepworth.data.examples import Examples, open_table
    from deepworth.modalities._audio import sample_headers

    every = Examples(dataset=dataset, table=open_table(dataset.table), rows=np.arange(dataset.rows))
    headers = [sample_headers(every, column.name) for column in dataset.feature_columns if column.kind == "audio"]
    return Workload(
        modality="audio",
        task=dataset.task.kind,
        classes=len(dataset.task.classes),
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        clip_seconds=float(sum(found[:, 0].mean() for found in headers if len(found))),
    )


def toy(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """A folder of class folders of short WAV tones (the class is the pitch), or for a regression a CSV file
    `labels.csv` of `file` and `target` (the pitch in octaves)."""
    from deepworth.modalities._toys import toy_clips

    return toy_clips(folder, rows, seed, task_kind)


SPECS = [
    ModalitySpec(
        name="audio",
        summary="speech, music and sounds, one clip a row",
        reads=("audio",),
        sniff=f"{__name__}:sniff",
        workload=f"{__name__}:workload",
        toy=f"{__name__}:toy",
        single=True,
        order=20,
    )
]
