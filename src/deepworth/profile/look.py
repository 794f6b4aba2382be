"""The look into a source: every column measured, and what looks wrong, with a target or without one."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from deepworth.data.about import About, source_options
from deepworth.data.duplicates import row_hashes
from deepworth.data.open import Opened, open_source
from deepworth.data.prepare import divide
from deepworth.data.split import TEST, VALID
from deepworth.profile.broken import broken_files
from deepworth.profile.measure import look_at
from deepworth.profile.near import near_duplicates
from deepworth.profile.noise import label_noise
from deepworth.profile.rows import duplicates
from deepworth.profile.run import profile_of
from deepworth.profile.structure import groups, times
from deepworth.profile.view import SAMPLE, View
from deepworth.types import Dataset, Goals, Look, Profile, SourceOptions, Splits, Task

UNTARGETED = (groups, times, duplicates, broken_files)  # the checks that need no label


def look(source: Any, target: str | None = None, **about: Unpack[About]) -> Look:
    """What is in a source, column by column, and what looks wrong; more of it can be told with a target.

    Nothing is trained, and nothing is kept. Raises UserError for what cannot be used.
    """
    options = source_options(target, **about)
    with tempfile.TemporaryDirectory(prefix="deepworth-look-") as folder:  # for media that a table holds within it
        return _look(source, options, Path(folder))


def _look(source: Any, options: SourceOptions, folder: Path) -> Look:
    opened = open_source(source, options, folder, looking=True)
    with ThreadPoolExecutor(1) as beside:
        measured = beside.submit(look_at, opened.table, opened.columns)
        if opened.target is None:
            view, task, splits, notes = _untargeted(opened), None, None, opened.notes
            profile = Profile(concerns=tuple(concern for check in UNTARGETED for concern in check(view)))
        else:
            divided = divide(opened, Goals(), options)
            task, splits = divided.dataset.task, divided.splits
            notes = (*divided.dataset.notes, *splits.notes)
            view = View.of(divided, opened.table.drop_columns([opened.target]))
            profile = profile_of(view)
            if not any(concern.id == "leak" for concern in profile.concerns):  # what makes the classes look plain
                profile = replace(profile, concerns=(*profile.concerns, *label_noise(view)))
        near = near_duplicates(view)
        columns = measured.result()
    return Look(
        name=opened.read.name,
        source=opened.read.source,
        reader=opened.read.reader,
        modality=opened.modality,
        rows=len(opened.table),
        columns=columns,
        task=task,
        splits=splits,
        profile=Profile(facts=profile.facts, concerns=(*profile.concerns, *near)),
        notes=notes,
    )


def _untargeted(opened: Opened) -> View:
    """The rows divided at random, for the checks of what a random split would tear apart."""
    rows = len(opened.table)
    order = np.random.default_rng(0).permutation(rows)
    test = int(rows * TEST)
    ends = [test, test + int((rows - test) * VALID)]
    parts = dict(zip(("test", "valid", "train"), (np.sort(part) for part in np.split(order, ends)), strict=True))
    dataset = Dataset(
        name=opened.read.name,
        source=opened.read.source,
        reader=opened.read.reader,
        modality=opened.modality,
        task=Task(kind="regression", target=""),
        rows=rows,
        columns=opened.columns,
        features=opened.features,
        fingerprint=opened.fingerprint,
        table="",
        roles=opened.roles,
    )
    return View(
        dataset=dataset,
        splits=Splits(
            protocol="random",
            seed=0,
            train=len(parts["train"]),
            valid=len(parts["valid"]),
            test=len(parts["test"]),
            fingerprint="",
        ),
        table=opened.table,
        rows=parts,
        labels=np.zeros(len(parts["train"])),
        has_target=np.ones(rows, bool),
        hashes=row_hashes(opened.table, dataset.feature_columns),
        sample=np.arange(len(parts["train"]))[:: -(-len(parts["train"]) // SAMPLE) or 1],
    )
