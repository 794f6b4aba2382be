"""Run folders for tests, from a table in memory: what `open_source` gives, made by hand."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
import pytest

from deepworth.data.examples import open_table
from deepworth.data.prepare import prepare
from deepworth.readers.result import Read
from deepworth.types import Column, Dataset, Goals, Kind, Modality, Roles, SourceOptions, Splits

DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[2] / "shared" / "data")


def real(name: str) -> Path:
    """A folder of real data, or a skipped test."""
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not there: set DEEPWORTH_DATA")
    return DATA / name


def opened(
    table: pa.Table,
    target: str,
    folder: Path,
    *,
    kinds: dict[str, Kind] | None = None,
    features: tuple[str, ...] | None = None,
    modality: Modality = "tabular",
    roles: Roles | None = None,
) -> SimpleNamespace:
    """An opened source; kinds follow from the Arrow types unless said."""
    roles = roles or Roles()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    seen = table.drop_columns([target])  # as `open_source` does: the target lies in no file a model reads
    with pa.ipc.new_file(str(folder / "data" / "table.arrow"), seen.schema) as writer:
        writer.write_table(seen)
    columns = tuple(_column(table, name, (kinds or {}).get(name)) for name in table.column_names)
    out = {target, roles.group, roles.time, roles.split}
    usable = tuple(c.name for c in columns if c.name not in out and c.kind not in ("id", "constant"))
    return SimpleNamespace(
        read=Read(table=table, name="made", reader="frame", source="made"),
        table=open_table(folder / "data" / "table.arrow").append_column(target, table.column(target)),
        columns=columns,
        modality=modality,
        features=usable if features is None else features,
        roles=roles,
        target=target,
        fingerprint="f",
        lists=(),
        notes=(),
    )


def prepared(
    table: pa.Table,
    target: str,
    folder: Path,
    *,
    goals: Goals | None = None,
    options: SourceOptions | None = None,
    **how,
) -> tuple[Dataset, Splits]:
    """A run folder with data and splits."""
    return prepare(opened(table, target, folder, **how), goals or Goals(), options or SourceOptions(), folder)


def _column(table: pa.Table, name: str, kind: Kind | None) -> Column:
    values = table.column(name)
    missing = pc.sum(pc.is_null(values, nan_is_null=True)).as_py() or 0
    distinct = 0 if pt.is_nested(values.type) else pc.count_distinct(values).as_py()
    return Column(
        name=name, kind=kind or _kind(values.type, distinct), missing=missing / max(len(values), 1), distinct=distinct
    )


def _kind(kind: pa.DataType, distinct: int) -> Kind:
    if distinct <= 1:
        return "constant"
    if pt.is_temporal(kind):
        return "datetime"
    if pt.is_boolean(kind):
        return "boolean"
    return "number" if pt.is_integer(kind) or pt.is_floating(kind) else "category"
