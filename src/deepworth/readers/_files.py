"""What the light reader files share: which paths a reader takes, and what to call them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

GENERIC = (
    "audio",
    "data",
    "dataset",
    "files",
    "images",
    "labels",
    "table",
    "train",
)  # such names say nothing: the folder's does
PACKED = (".gz", ".bz2", ".zst")

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
AUDIO = (".wav", ".flac", ".ogg", ".oga", ".mp3")
TEXTS = (".txt",)

DELIMITED = (".csv", ".tsv", ".tab", ".psv", ".txt")
JSON = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc", ".arrows")
EXCEL = (".xlsx", ".xls", ".xlsb", ".xlsm", ".ods")
SQLITE = (".db", ".sqlite", ".sqlite3", ".db3")
TABLES = (".csv", ".tsv", ".tab", ".psv", *JSON, *PARQUET, *ARROW, *EXCEL)

DAMAGED = "it may be cut or damaged, or something else than its name says: bring it again, or rename it"


def chunks(path: Path, size: int) -> Iterator[bytes]:
    """The content of a file, unpacked where it is packed. Raises UserError where it grows without measure."""
    import pyarrow as pa

    from deepworth.data.media import refuse_trap

    passed = 0
    with pa.input_stream(str(path), compression="detect") as stream:
        while chunk := stream.read(size):
            passed += len(chunk)
            refuse_trap(path, passed)
            yield chunk


def suffix_of(path: str | PurePath) -> str:
    """The lower-case suffix that says what is inside: `.csv` for `A.CSV` and for `a.csv.gz`."""
    path = PurePath(path)
    inner = PurePath(path.stem).suffix.lower()
    packed = path.suffix.lower() in PACKED and inner in (*DELIMITED, *JSON)
    return inner if packed else path.suffix.lower()


def is_file(source: Any, suffixes: tuple[str, ...]) -> bool:
    """Whether `source` names a file that is there and ends like one of these."""
    return isinstance(source, str | Path) and suffix_of(source) in suffixes and Path(source).is_file()


def parts_of(source: str | Path) -> tuple[Path, str]:
    """The file and the table or sheet of `file.db::table`; an empty name when none is given."""
    if os.path.isfile(source):  # such marks may stand in a name; false for one that the system does not take
        return Path(source), ""
    file, _, inside = str(source).partition("::")
    return Path(file), inside


def name_of(path: Path) -> str:
    """What to call a data set that lies at `path`."""
    path = path.absolute()
    name = path.name if path.is_dir() else path.name.partition(".")[0] or path.stem
    return path.parent.name or name if name.lower() in GENERIC else name
