"""Concern about media files: missing, empty, cut off, or not what their first bytes should say, on a sample."""

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
    """Files of a sample of the training rows that cannot be what they are taken for, by their first and last bytes.

    Nothing is decoded: that would take as long as a first epoch. Damage in the middle of a file is met in training.
    """
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
    if not content.startswith(starts):
        return f"it starts with {content[:4]!r}"
    return "it is cut off" if _cut_off(content) else ""


def _cut_off(content: bytes) -> bool:
    """Whether the end is missing, for formats that mark it; what follows the mark is of no matter."""
    if content.startswith(b"\xff\xd8"):  # JPEG: its thumbnail, in the first half, has an end mark too
        return content.rfind(b"\xff\xd9") < len(content) // 2
    if content.startswith(b"\x89PNG"):
        return b"IEND" not in content
    if content.startswith(b"RIFF"):  # WAV and WebP say how long they are; a stream says 0 or the most there is
        size = int.from_bytes(content[4:8], "little")
        return 0 < size < 0xFFFFFF00 and size + 8 > len(content) + 1
    if content.startswith(b"OggS"):  # the last page says that it is the last
        last = content.rfind(b"OggS")
        return len(content) < last + 6 or not content[last + 5] & 4
    return False
