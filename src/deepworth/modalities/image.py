"""Images: one column of paths of picture files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from deepworth.registry import ModalitySpec
from deepworth.types import Column, Dataset, Splits, TaskKind, Workload

if TYPE_CHECKING:
    import pyarrow as pa


def sniff(columns: tuple[Column, ...], table: pa.Table) -> bool:
    """Whether a column holds images."""
    return any(column.kind == "image" for column in columns)


def workload(dataset: Dataset, splits: Splits) -> Workload:
    """The sizes of the work; pixels are the mean over the headers of a few files, summed over the image columns."""
    import numpy as np

    from deepworth.data.examples import Examples, open_table
    from deepworth.modalities._image import sample_sizes

    every = Examples(dataset=dataset, table=open_table(dataset.table), rows=np.arange(dataset.rows))
    sizes = [sample_sizes(every, column.name) for column in dataset.feature_columns if column.kind == "image"]
    return Workload(
        modality="image",
        task=dataset.task.kind,
        classes=len(dataset.task.classes),
        train=splits.train,
        valid=splits.valid,
        test=splits.test,
        pixels=float(sum(found.prod(axis=1).mean() for found in sizes if len(found))),
    )


def toy(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """A folder of class folders of small striped PNG files (the class is the direction), or for a regression a CSV file
    `labels.csv` of `file` and `target` (the brightness)."""
    from deepworth.modalities._toys import toy_images

    return toy_images(folder, rows, seed, task_kind)


SPECS = [
    ModalitySpec(
        name="image",
        summary="photographs and drawings, one file a row",
        reads=("image",),
        sniff=f"{__name__}:sniff",
        workload=f"{__name__}:workload",
        toy=f"{__name__}:toy",
        single=True,
        order=10,
    )
]
