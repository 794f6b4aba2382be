"""Writes images and recordings that a table carries as bytes into files, which is what models read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.types as pt

from deepworth.errors import UserError
from deepworth.store import write
from deepworth.types import Kind

SIGNATURES: tuple[tuple[bytes, str, Kind], ...] = (
    (b"\x89PNG", ".png", "image"),
    (b"\xff\xd8\xff", ".jpg", "image"),
    (b"GIF8", ".gif", "image"),
    (b"BM", ".bmp", "image"),
    (b"II*\0", ".tif", "image"),
    (b"MM\0*", ".tif", "image"),
    (b"fLaC", ".flac", "audio"),
    (b"OggS", ".ogg", "audio"),
    (b"ID3", ".mp3", "audio"),
    (b"\xff\xfb", ".mp3", "audio"),
    (b"\xff\xf3", ".mp3", "audio"),
)


def unpack(name: str, values: pa.ChunkedArray, folder: Path) -> tuple[pa.ChunkedArray, Kind]:
    """The column with its bytes replaced by paths of files written under `folder`, and the kind of file.

    Values without bytes keep their own path. Raises UserError for bytes that are no known image or recording.
    """
    paths: list[str | None] = []
    kinds: set[Kind] = set()
    for chunk in values.chunks:
        for scalar in chunk:  # one value at a time: a file each is written anyway, and bytes are never held twice
            value = scalar.as_py()
            data, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
            if data:
                suffix, kind = _signature(name, data)
                kinds.add(kind)
                path = str((folder / f"{len(paths):08d}{suffix}").absolute())
                write(Path(path), data)
            paths.append(path)
    if len(kinds) > 1:
        raise UserError(
            f"the column {name!r} holds images and recordings: divide it, or leave it out with --ignore {name}"
        )
    if not kinds:
        kinds = {"audio" if any(str(p).lower().endswith((".wav", ".flac", ".ogg", ".mp3")) for p in paths) else "image"}
    return pa.chunked_array([pa.array(paths, pa.string())]), kinds.pop()


def _signature(name: str, data: bytes) -> tuple[str, Kind]:
    if data[:4] == b"RIFF":
        return (".wav", "audio") if data[8:12] == b"WAVE" else (".webp", "image")
    for start, suffix, kind in SIGNATURES:
        if data.startswith(start):
            return suffix, kind
    raise UserError(
        f"the column {name!r} holds bytes that are no image or recording (they start with {data[:8]!r}): "
        f"leave it out with --ignore {name}, or write text or numbers instead"
    )


def holds_media(values: pa.ChunkedArray) -> bool:
    """Whether a column of bytes starts with those of an image or a recording; of structs: always."""
    if pt.is_struct(values.type):
        return True
    first = next((v.as_py() for chunk in values.chunks for v in chunk.slice(0, 20) if v.is_valid), b"")
    return first.startswith((b"RIFF", *(start for start, _, _ in SIGNATURES)))
