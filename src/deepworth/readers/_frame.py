"""Reads tables that are in memory, and Hugging Face data sets, which are Arrow tables themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from deepworth.data.parts import part_of
from deepworth.errors import MissingPackage, UserError
from deepworth.readers.result import Read
from deepworth.types import SourceOptions


def read(source: Any, options: SourceOptions) -> Read:
    """The table of a pandas, polars or pyarrow object, a Hugging Face Dataset, a dict of columns, a list of dicts.

    A DatasetDict, as any dict of such tables, has the parts train, validation and test that its keys name. Columns of
    the same name stay side by side, as in a file. Raises UserError for a column of mixed types. Embedded images and
    recordings stay bytes until they are opened.
    """
    library = type(source).__module__.partition(".")[0]
    try:
        if library == "datasets" or _is_parts(source):
            return _dataset(source, type(source).__name__, options)
        table = _table(source, library, options)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UserError(
            f"this {type(source).__name__} is no table of plain columns: {str(error)[:300]}; "
            "give columns of one length, each of one type"
        ) from error
    what = f"{library} {type(source).__name__} of {table.num_rows:,} rows".removeprefix("builtins ")
    return Read(table=table, name="frame", reader="frame", source=what)


def read_hub(source: str, options: SourceOptions) -> Read:
    """The data set with this id, from the hub or the local cache of `datasets`."""
    try:
        import datasets
    except ImportError as error:
        raise MissingPackage(
            f"{source} is no file here; to read it from the Hugging Face hub: pip install datasets"
        ) from error
    name, _, configuration = source.partition("::")
    try:
        found = datasets.load_dataset(name, configuration or None)
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # missing, private, offline, several configurations, needs a script
        raise UserError(
            f"{source} is no file here, and cannot be had from the Hugging Face hub: {str(error)[:300]}; "
            "name a file or folder that is there"
        ) from error
    read = _dataset(found, source, options)
    return Read(**{**vars(read), "name": name.rpartition("/")[2], "reader": "hub", "source": source})


def _table(source: Any, library: str, options: SourceOptions) -> pa.Table:
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if isinstance(source, dict):
        return _from_columns(source.items(), options)
    if isinstance(source, list):
        return _from_rows(source, options)
    if library == "pandas":
        frame = source.to_frame() if source.ndim == 1 else source
        return _from_columns(frame.items(), options)
    if library == "polars" and hasattr(source, "collect"):
        source = source.collect()
    return pa.table(source)  # through __arrow_c_stream__, without a copy


def _is_parts(source: Any) -> bool:
    """Whether a dict holds tables, not columns: what has columns of its own, as every kind of table has."""
    return isinstance(source, dict) and any(
        isinstance(part, dict | pa.RecordBatch | pa.Table) or hasattr(part, "columns") or hasattr(part, "features")
        for part in source.values()
    )


def _from_rows(rows: list[Any], options: SourceOptions) -> pa.Table:
    """A dict a row; what a row lacks is missing. Raises UserError for a row that is no dict."""
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise UserError(f"row {place + 1} of a list of rows is {row!r:.40}, no dict: give a dict a row")
    names = dict.fromkeys(name for row in rows for name in row)
    return _from_columns(((name, [row.get(name) for row in rows]) for name in names), options)


def _from_columns(columns: Iterable[tuple[Any, Any]], options: SourceOptions) -> pa.Table:
    """One array a column: the one that cannot be had is named, and is empty where it is to be ignored."""
    names, arrays = [], []
    for name, values in columns:
        names.append(str(name))
        try:
            array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if names[-1] not in options.ignore:
                raise UserError(
                    f"the column {names[-1]!r} holds values of mixed types: {str(error)[:200]}; make them all text or "
                    f"all numbers, or leave the column out with --ignore {names[-1]}"
                ) from error
            array = pa.nulls(len(values))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, names=names)


def _dataset(source: Any, name: str, options: SourceOptions) -> Read:
    """A Dataset, or the tables of a dict under each other with their parts in `split`."""
    if not isinstance(source, dict):
        table, split = _part(source, options), None
    else:
        unknown = [part for part in source if part_of(str(part)) is None]
        if unknown and len(source) > 1:
            raise UserError(
                f"the data set has the parts {', '.join(map(str, source))}: {unknown[0]!r} is none of train, "
                "validation, test; name its parts so, or give one table"
            )
        parts = {part: _part(rows, options) for part, rows in source.items()}
        split = "split" if len(parts) > 1 else None
        table = pa.concat_tables(
            [
                rows.append_column("split", pa.array([part_of(str(part))] * len(rows))) if split else rows
                for part, rows in parts.items()
            ],
            promote_options="permissive",
        )
    return Read(table=table, name="dataset", reader="frame", source=f"{name} of {len(table):,} rows", split=split)


def _part(dataset: Any, options: SourceOptions) -> pa.Table:
    """The rows of one Dataset, selections applied, class numbers as names, images and audio as their stored bytes.

    Those of any other table as they are.
    """
    library = type(dataset).__module__.partition(".")[0]
    if library != "datasets":
        return _table(dataset, library, options)
    import datasets

    if not isinstance(dataset, datasets.Dataset):
        raise UserError(f"a {type(dataset).__name__} cannot be read: load it whole, without streaming")
    table = dataset.with_format("arrow")[:]
    for place, (name, feature) in enumerate(dataset.features.items()):
        if isinstance(feature, datasets.ClassLabel):
            codes = table.column(name).combine_chunks().cast(pa.int32())
            codes = pa.array([None if code is None or code < 0 else code for code in codes.to_pylist()], pa.int32())
            names = pa.DictionaryArray.from_arrays(codes, pa.array(feature.names))
            table = table.set_column(place, name, names)
    return table.replace_schema_metadata(None)
