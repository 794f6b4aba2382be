"""Predictions as files: Parquet, CSV or JSON lines, whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from deepworth.errors import UserError
from deepworth.store import whole

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".parquet", ".csv", ".jsonl")


def check_format(path: Path | None) -> None:
    """Raises UserError when predictions cannot be written where and as what the name of `path` says."""
    if path is None:
        return
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"cannot write {path}: its name must end in one of {', '.join(FORMATS)}")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {folder}; make it first")
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; name a file in it")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; name another place with --out") from error


def write_table(table: pa.Table, path: Path | None) -> None:
    """Write a table as Parquet, CSV or JSON lines, by the name of the file; to the standard output as CSV if None.

    A file is there whole or not at all. Raises UserError where it cannot be written.
    """
    import pyarrow.csv
    import pyarrow.parquet

    if path is None:
        try:
            pyarrow.csv.write_csv(table, sys.stdout.buffer)
            sys.stdout.flush()
        except BrokenPipeError:  # `| head` has seen enough; what is still buffered goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise UserError(
                f"cannot write to the standard output: {error.strerror or error}; name a file with --out"
            ) from error
        return
    suffix = path.suffix.lower()
    with whole(path.resolve()) as half:  # resolved: a link stays one
        if suffix == ".parquet":
            pyarrow.parquet.write_table(table, half)
        elif suffix == ".csv":
            pyarrow.csv.write_csv(table, half)
        else:
            _write_lines(table, half)


def _write_lines(table: pa.Table, path: Path) -> None:
    import msgspec

    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for batch in table.to_batches(max_chunksize=10_000):
            file.write(encoder.encode_lines(batch.to_pylist()))
