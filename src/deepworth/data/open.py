"""From a source of any kind to one memory-mapped Arrow file with known column kinds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from deepworth.data import forms
from deepworth.data.absent import unknown
from deepworth.data.drift import doubled, guessed, lost
from deepworth.data.embedded import holds_media, unpack
from deepworth.data.examples import Examples, open_table
from deepworth.data.kinds import find_form, find_kind, share_missing, take_sample
from deepworth.data.locate import FEW, locate
from deepworth.data.roles import check_names, choose_features, choose_roles, guess_target, name_parts
from deepworth.data.tidy import is_embedded, plain, tidy
from deepworth.data.write import form_table, truths, write_table
from deepworth.errors import UserError, naming, nearest
from deepworth.readers._files import DAMAGED
from deepworth.readers.result import Read
from deepworth.registry import resolve, specs
from deepworth.types import Column, Dataset, Kind, Modality, Roles, SourceOptions
from deepworth.words import are, count

TABLE = "table.arrow"
TARGET = "sealed/target.arrow"
MEDIA: tuple[Kind, ...] = ("image", "audio")
FILE = "file of the row"  # a column beside those a model reads
LABELS = ("label", "split")  # what a folder of class folders calls its classes and parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A source whose content lies in `folder/table.arrow`, its target in `folder/sealed/target.arrow` alone.

    One that is only looked at lies in memory.
    """

    read: Read  # its table is `table`
    table: pa.Table  # memory-mapped, the target included
    columns: tuple[Column, ...]  # all, the target and the roles included
    modality: Modality
    features: tuple[str, ...]
    roles: Roles
    target: str | None
    fingerprint: str  # of the content of the features; of media: of the content of the files, wherever they lie
    notes: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()  # columns of them, left out: no model reads them


def open_source(source: Any, options: SourceOptions, folder: Path, looking: bool = False) -> Opened:
    """Read a source, find what its columns are, and write them to `folder/table.arrow`, all but the target.

    `looking`: the table stays in memory, is not told by a fingerprint, and needs no target. Raises UserError for a
    source that is not there, unknown, empty or damaged; for a column that is named but not there; when many media files
    are missing; and when no target is named.
    """
    read = read_source(source, options)
    with naming(read.source):
        return _opened(read, options, folder, looking)


def _opened(read: Read, options: SourceOptions, folder: Path, looking: bool) -> Opened:
    table, notes, lists = tidy(read.table)
    check_names(options, table.column_names)
    table, kinds = _unpacked(table, folder, options)
    kinds = {**read.kinds, **kinds, **options.kinds}
    target = options.target or read.target
    if target is None and not looking:
        target, told = guess_target(read, table)
        notes += told
    with ThreadPoolExecutor(2) as pool:  # Arrow works outside Python's lock
        columns = tuple(pool.map(lambda name: _column(name, table.column(name), kinds), table.column_names))
    if not read.table.column_names[0].strip() and columns[0].kind == "number" and columns[0].name not in kinds:
        columns = (replace(find_kind("", table.column(0)), name=columns[0].name), *columns[1:])
    roles, folds, told = choose_roles(read, options, table, target, columns)
    notes += told
    if roles.split:
        place = table.column_names.index(roles.split)
        table = table.set_column(place, roles.split, name_parts(table.column(roles.split)))
    taken = {target, roles.group, roles.time, roles.split, *options.ignore, *folds}
    modality, features, told = choose_features(columns, table, options, taken, none_will_do=looking)
    if options.ignore:
        notes += (f"left out as asked: {', '.join(options.ignore)}",)
    notes += told
    chosen = frozenset(features)
    columns = tuple(replace(c, kind="text") if c.name in chosen and c.kind == "id" else c for c in columns)
    table, stamps, told = _located(table, [c for c in columns if c.name in chosen and c.kind in MEDIA], read.base)
    notes += told
    typed = [name for name in (target, roles.group, roles.split) if name]
    hashes: tuple[str, ...] = ()
    if looking:
        written, infinite = form_table(table, columns, typed)
    else:
        beside = [column for column in columns if column.name != target]
        media = {column.name for column in columns if column.kind in MEDIA}  # paths are no content: stamps tell it
        hashed = [name for name in features if name not in media]
        hashes, infinite = write_table(table, beside, typed, hashed, folder / TABLE)
        written = open_table(folder / TABLE)
        if target is not None:
            written = _with_target(written, table, columns, target, folder / TARGET)
    if infinite:
        worst = ", ".join(f"{name} ({count:,})" for name, count in list(infinite.items())[:5])
        notes += (f"infinite values are read as missing: {worst}",)
    columns = tuple(_counted(column, written.column(column.name), column.name in typed) for column in columns)
    return Opened(
        read=replace(read, table=written),
        table=written,
        columns=columns,
        modality=modality,
        features=features,
        roles=roles,
        target=target,
        fingerprint=hashlib.sha256("|".join([modality, *hashes, *stamps]).encode()).hexdigest()[:16],
        notes=(*read.notes, *notes, *_guesses(columns)),
        lists=lists,
    )


def open_again(source: Any, dataset: Dataset, folder: Path, notes: list[str] | None = None) -> Examples:
    """The rows of a new source as a model of `dataset` reads them: its features, of the same kinds, and no labels.

    Other columns are ignored, the target may be missing. A media file that is not there leaves its row without a path.
    What is no value of its column's kind is read as missing, and told in `notes`; where rows are files, the table names
    them in `FILE`. Raises UserError naming the features
    the source lacks, and where most values of a column are none of its kind.
    """
    # Types are not guessed where words were learned: else the rows beside a row would say how it is read.
    words: dict[str, Kind] = {
        c.name: "text" for c in dataset.feature_columns if c.form or c.kind in ("category", "text", *MEDIA)
    }
    beside = (dataset.task.target, *LABELS, *(column.name for column in dataset.columns))
    unread = tuple(name for name in beside if name not in dataset.features)
    read = read_source(source, SourceOptions(kinds=words, ignore=unread))
    with naming(read.source):
        return _reopened(read, dataset, folder, [] if notes is None else notes)


def _reopened(read: Read, dataset: Dataset, folder: Path, notes: list[str]) -> Examples:
    notes += [*read.left_out, *doubled(dataset.features, read.table.column_names)]
    table, _, _ = tidy(read.table)
    table = _renamed(table, read, dataset)
    lacking = [name for name in dataset.features if name not in table.column_names]
    if lacking:
        near = nearest(lacking[0], table.column_names) if len(table.column_names) < 50 else ""
        raise UserError(
            f"{read.source} lacks {count(len(lacking), 'column')} the model reads: {', '.join(lacking[:10])}{near}; "
            "add what is lacking, empty where nothing is known, or train a model without"
        )
    table, _ = _unpacked(table.select(list(dataset.features)), folder, SourceOptions())
    columns = [_formed(column, table.column(column.name)) for column in dataset.feature_columns]
    for column in columns:
        _refuse_type(column, table.column(column.name))
    notes += [told for c in dataset.feature_columns if (told := guessed(c, table.column(c.name)))]
    media = [column for column in columns if column.kind in MEDIA]
    table, _, _ = _located(table, media, read.base, keep=True)
    beside = [Column(name=FILE, kind="id")] if read.files else []
    table = table.append_column(FILE, pa.array(read.files)) if beside else table
    write_table(table, [*columns, *beside], (), (), folder / TABLE)
    written = open_table(folder / TABLE)
    typed = [column for column in columns if column.kind in ("number", "boolean", "datetime")]
    for column in typed:
        given = pa.chunked_array([plain(chunk) for chunk in table.column(column.name).chunks])
        if told := lost(column, given, written.column(column.name), forms.MISSING):
            notes.append(told)
    return Examples(dataset=dataset, table=written, rows=np.arange(len(written), dtype=np.int64))


def read_source(source: Any, options: SourceOptions) -> Read:
    """What the first reader that accepts the source reads. Raises UserError when there is none, or no rows."""
    source = os.path.expanduser(source) if isinstance(source, str | Path) else source
    for spec in specs("readers").values():
        try:
            if not resolve(spec.accepts)(source):
                continue
            read: Read = resolve(spec.read)(source, options)
        except OSError as error:  # no permission, a broken disk, a packed file that is cut, a name that is too long
            raise UserError(f"{str(source)[:500]} cannot be read: {error}; {DAMAGED}") from error
        if not read.table.num_columns or not read.table.num_rows:
            names = ", ".join(map(repr, read.table.column_names[:10]))
            raise UserError(f"{read.source} has no rows: " + (f"only the names {names}" if names else "it is empty"))
        return read
    raise unknown(source)


def _unpacked(table: pa.Table, folder: Path, options: SourceOptions) -> tuple[pa.Table, dict[str, Kind]]:
    """The table with embedded media written to files; columns of other bytes are read as text where they are some."""
    kinds: dict[str, Kind] = {}
    for place, field in enumerate(table.schema):
        if not is_embedded(field.type) or field.name in options.ignore:
            continue
        values = table.column(field.name)
        if holds_media(values):
            values, kinds[field.name] = unpack(field.name, values, folder / "media" / f"{place}")
        else:
            try:
                values = values.cast(pa.string())
            except pa.ArrowInvalid as error:
                raise UserError(
                    f"the column {field.name!r} holds bytes that are neither text nor media: "
                    f"leave it out with --ignore {field.name}"
                ) from error
        table = table.set_column(place, field.name, values)
    ignored = [f.name for f in table.schema if is_embedded(f.type)]
    return table.drop_columns(ignored), kinds


def _column(name: str, values: pa.ChunkedArray, kinds: Mapping[str, Kind]) -> Column:
    """What the user or the reader says of the column, else what is found."""
    if name not in kinds:
        return find_kind(name, values)
    kind = kinds[name]
    form, distinct = find_form(kind, values), len(take_sample(values).unique())
    column = Column(name=name, kind=kind, missing=share_missing(values), distinct=distinct, why="as told", form=form)
    _refuse_type(column, values)
    return column


def _formed(column: Column, values: pa.ChunkedArray) -> Column:
    """The column with the form of its strings here, where the values it was learned from were typed."""
    return column if column.form else replace(column, form=find_form(column.kind, values))


def _refuse_type(column: Column, values: pa.ChunkedArray) -> None:
    """Raise UserError where values cannot be what their column's kind says."""
    kind = plain(pa.array([], values.type)).type
    typed = pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind)
    if column.kind in MEDIA and not (pt.is_string(kind) or pt.is_null(kind)):
        raise UserError(f"the column {column.name!r} should hold paths of {column.kind} files, but holds {kind}")
    if column.kind == "datetime" and typed:
        raise UserError(f"the column {column.name!r} should hold dates, but holds {kind}: write them like 2026-11-21")
    if column.kind == "number" and pt.is_timestamp(kind):
        raise UserError(f"the column {column.name!r} should hold numbers, but holds dates")
    if column.kind == "boolean" and pt.is_timestamp(kind):
        raise UserError(f"the column {column.name!r} should hold truth values, but holds dates")
    if column.kind != "boolean" and not (pt.is_string(kind) and column.kind in ("number", "datetime")):
        return
    head = plain(values.slice(0, 10_000).combine_chunks())
    if column.kind == "boolean":
        forms.refuse_strange(column.name, head.cast(pa.string()), truths(head), "truth values")
    elif column.kind == "number":
        forms.refuse_strange(column.name, head, forms.numbers(head, column.form), "numbers")
    else:
        forms.refuse_strange(column.name, head, forms.dates(head, column.form), "dates")


def _located(
    table: pa.Table, media: list[Column], base: str | None, keep: bool = False
) -> tuple[pa.Table, list[str], tuple[str, ...]]:
    """The table with absolute paths in its media columns; rows without their file are dropped, or kept with a null."""
    stamps, notes = [], []
    present = np.ones(len(table), dtype=bool)
    for column in media:
        found = locate(column.name, table.column(column.name), base, spare=1.0 if keep else FEW)
        table = table.set_column(table.column_names.index(column.name), column.name, found.paths)
        present &= np.asarray(found.paths.is_valid())
        told = "|".join([column.name, column.kind, *found.stamps.to_pylist()])
        stamps.append(hashlib.sha256(told.encode()).hexdigest())
        if found.turned:
            notes.append(f"the backslashes in {column.name!r} are read as slashes: {count(found.turned, 'file')} there")
        if found.missing:
            notes.append(
                f"{found.missing:,} of {count(len(table), 'row')} {are(found.missing)} left out: {column.name!r} is "
                "missing or empty there"
            )
    if not keep and not present.all():
        table = table.filter(pa.array(present))
    return table, stamps, tuple(notes)


def _with_target(written: pa.Table, table: pa.Table, columns: tuple[Column, ...], target: str, path: Path) -> pa.Table:
    """The target in a file of its own, so that no reader of the table meets a test label; both as one mapped table."""
    place = next(place for place, column in enumerate(columns) if column.name == target)
    write_table(table, [columns[place]], [target], (), path)
    return written.add_column(place, target, open_table(path).column(0))


def _counted(column: Column, written: pa.ChunkedArray, typed: bool) -> Column:
    """The column with the shares of what was written: text that is no number has become a missing value, too."""
    distinct = column.distinct
    if pt.is_dictionary(written.type) and written.num_chunks:
        distinct = len(written.chunk(0).dictionary)
    missing = column.missing if typed else written.null_count / len(written)
    return replace(column, missing=missing, distinct=distinct)


def _guesses(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Columns whose kind is a guess a person should see."""
    return tuple(
        f"{c.name!r}: {c.why}" for c in columns if "guess" in c.why or c.why.startswith("numbers written like")
    )


def _renamed(table: pa.Table, read: Read, dataset: Dataset) -> pa.Table:
    """A folder's only media column under the name the model knows it by."""
    features = dataset.feature_columns
    if len(features) == 1 and features[0].name not in table.column_names:
        same = [name for name, kind in read.kinds.items() if kind == features[0].kind]
        if len(same) == 1:
            return table.rename_columns({same[0]: features[0].name})
    return table
