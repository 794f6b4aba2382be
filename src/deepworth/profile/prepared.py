"""A source opened, divided and profiled into a run folder once: what lies there whole, and is as it was, stays."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepworth.data.examples import open_table
from deepworth.data.open import MEDIA, open_source
from deepworth.data.prepare import prepare
from deepworth.errors import UserError
from deepworth.profile.run import profile_data
from deepworth.readers._files import parts_of
from deepworth.store import RunFolder, write
from deepworth.types import Goals, SourceOptions, dump, load, record


@record
class Prepared:
    """`data/prepared.json`, written last: a folder that has it holds the whole of what was read."""

    source: str  # state of the files of the source before they were read; empty for what is no file
    media: str  # state of the files that its columns name
    seconds: float  # it took


def prepare_run(run: RunFolder, source: Any, options: SourceOptions, goals: Goals) -> None:
    """Open, divide and profile a source into a run folder, unless that is done already.

    A source that is not at hand (None, or no longer there) is not needed where all of it was read. Raises UserError for
    one that cannot be used, and for one that is not what it was: what is done here was done with something else.
    """
    before = prepared(run)
    if before is None:
        began, state = time.monotonic(), source_state(source)
        _prepare(run, source, options, goals)
        _keep(run, Prepared(source=state, media=media_state(run), seconds=time.monotonic() - began))
    elif not _as_it_was(run, source, before):
        if source is None:
            raise UserError(f"files that {run.path} was begun with have changed or are gone: put them back")
        state = source_state(source)
        with tempfile.TemporaryDirectory(prefix=".again-", dir=run.path) as folder:
            again = RunFolder(Path(folder))
            _prepare(again, source, options, goals)
            if _content(again) != _content(run):
                raise UserError(
                    f"{run.dataset.source} is not what it was when {run.path} was begun: put it back as it was, or "
                    "begin a new run with another --out"
                )
        _keep(run, replace(before, source=state, media=media_state(run)))  # touched or copied: its content is the same


def prepared(run: RunFolder) -> Prepared | None:
    """What was prepared in this folder; None where that was not done, or not to its end."""
    path = run.data / "prepared.json"
    return load(Prepared, path) if path.exists() else None


def _prepare(run: RunFolder, source: Any, options: SourceOptions, goals: Goals) -> None:
    prepare(open_source(source, options, run.data), goals, options, run.path)
    run.save("profile", profile_data(run.path))


def _keep(run: RunFolder, made: Prepared) -> None:
    write(run.data / "prepared.json", dump(made))


def _as_it_was(run: RunFolder, source: Any, before: Prepared) -> bool:
    if not isinstance(source, str | Path | None):
        return False  # in memory: only reading it tells
    state = source_state(source)
    return state in ("", before.source) and media_state(run) == before.media


def _content(run: RunFolder) -> tuple[Any, ...]:
    return run.dataset.fingerprint, run.dataset.task, run.splits.fingerprint


def source_state(source: Any) -> str:
    """The state of the file, or of all files below the folder, that a source names; empty where there is none."""
    if not isinstance(source, str | Path):
        return ""
    path = parts_of(os.path.expanduser(source))[0]
    if not os.path.exists(path):  # nor where the system does not take the name
        return ""
    return _state(_below(path) if path.is_dir() else [str(path)])


def media_state(run: RunFolder) -> str:
    """The state of the files that the media columns of a prepared folder name; of packed ones, that of the archive."""
    dataset = run.dataset
    columns = [column.name for column in dataset.feature_columns if column.kind in MEDIA]
    if not columns:
        return ""
    table = open_table(dataset.table)
    named = {path for name in columns for path in table.column(name).unique().drop_null().to_pylist()}
    return _state({path.partition(".zip/")[0] + ".zip" if ".zip/" in path else path for path in named})


def _below(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder, followlinks=False):
        yield from (os.path.join(place, name) for name in names)


def _state(paths: Iterable[str]) -> str:
    """A hash of the names, sizes and times of files: no byte of them is read."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        try:
            stat = os.stat(path)
            told = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:  # a broken link, no permission: told by who reads it
            told = "unreadable"
        digest.update(f"{path}|{told}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]
