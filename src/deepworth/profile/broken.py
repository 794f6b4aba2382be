"""Concern about media files: missing, empty, or not what their first bytes should say, on a sample."""

from __future__ import annotations

from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.profile.view import View
from deepworth.types import Concern
from deepworth.words import count

LOOKED_AT = 200
STARTS = {
    "image": (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8"),
    "audio": (
        b"RIFF",
        b"RIFX",
        b"RF64",
        b"FORM",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\xff\xfb",
        b"\xff\xf3",
        b"\xff\xf2",
        b"\xff\xfa",
    ),
}


def broken_files(view: View) -> list[Concern]:
    """Files of a sample of the training rows that no decoder can open."""
    found = []
    for column in view.dataset.feature_columns:
        if column.kind in STARTS:
            paths = [path for path in view.sampled(column, LOOKED_AT).to_pylist() if path]
            bad = [(path, why) for path in paths if (why := _wrong(path, STARTS[column.kind]))]
            if bad:
                first = "; ".join(f"{path}: {why}" for path, why in bad[:3])
                found.append(
                    Concern(
                        id="broken",
                        message=f"{len(bad)} of {count(len(paths), 'file')} looked at cannot be {column.kind} files: "
                        f"{first}",
                        columns=(column.name,),
                        rows=len(bad),
                        examples=tuple(path for path, _ in bad[:20]),
                    )
                )
    return found


def _wrong(path: str, starts: tuple[bytes, ...]) -> str:
    try:
        content = read_bytes(path)
    except UserError:
        return "it cannot be read"
    if not content:
        return "it is empty"
    return "" if content.startswith(starts) else f"it starts with {content[:4]!r}"
