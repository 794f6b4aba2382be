"""What a user says about a source, the same for every verb that opens one, as keywords and as a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from deepworth.registry import find
from deepworth.types import Kind, Modality, SourceOptions, TaskKind


class About(TypedDict, total=False):
    """Keywords of the verbs; everything left out is found."""

    task: TaskKind | None
    group: str | None  # column whose values must not be divided over the parts
    time_column: str | None  # column to split by, past to future
    split: str | None  # column that says train, valid or test
    kinds: dict[str, Kind] | None  # column -> kind, overrides what is found
    ignore: Sequence[str]
    modality: Modality | None


def source_options(
    target: str | None,
    *,
    task: TaskKind | None = None,
    group: str | None = None,
    time_column: str | None = None,
    split: str | None = None,
    kinds: dict[str, Kind] | None = None,
    ignore: Sequence[str] = (),
    modality: Modality | None = None,
) -> SourceOptions:
    """The record of what `About` says. Raises UserError for a modality that does not exist, before anything is read."""
    if modality:
        find("modalities", modality)
    return SourceOptions(
        target=None if target is None else str(target),  # columns of frames may be numbers; here they are names
        task=task,
        kinds=kinds or {},
        ignore=(ignore,) if isinstance(ignore, str) else tuple(map(str, ignore)),
        group=group,
        time=time_column,
        split=split,
        modality=modality,
    )
