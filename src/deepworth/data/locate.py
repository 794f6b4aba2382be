"""Finds the files a column of paths names: beside the table, below its folder, or inside a zip that lies there."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import pyarrow as pa

from deepworth.data.media import refuse_trap
from deepworth.errors import UserError

FEW = 0.05  # share of missing files that is dropped with a note; more is an error
LARGE = 1 << 18  # bytes up to which a file is read whole for its stamp
BLOCK = 1 << 16  # bytes read at the start, the middle and the end of a larger one
PROBE = 200  # values that decide where to look first


@dataclass(frozen=True, slots=True)
class Found:
    """The files of one column: absolute paths, null where there is none, and a stamp of the content of each."""

    paths: pa.Array
    stamps: pa.Array
    missing: int
    where: str
    turned: int  # files whose path has backslashes, and lies where it has slashes


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere files may lie; `find` gives the absolute path for a value, and the stamp if it is at hand, or None."""

    name: str
    find: Callable[[str], tuple[str, str] | None]


def locate(column: str, values: pa.ChunkedArray, base: str | None, spare: float = FEW) -> Found:
    """The files named by `values`, looked for below `base` (a folder or an archive).

    Raises UserError when more than the share `spare` of them, or all, are missing.
    """
    unique = values.unique().drop_null().cast(pa.string()).to_pylist()
    places = _ordered(list(_places(base)), unique)
    files: dict[str, tuple[str, str]] = {}
    used: dict[str, int] = {}
    for value in unique:
        for place in places:
            if found := _found(place, value):
                files[value] = found
                used[place.name] = used.get(place.name, 0) + 1
                break
    lost = [value for value in unique if value not in files]
    if len(lost) > spare * len(unique) or not files:
        looked = ", ".join(place.name for place in places[:6])
        if not unique:
            raise UserError(f"the column {column!r} names no file in any row: it should hold paths")
        raise UserError(
            f"{len(lost):,} of the {len(unique):,} files named in the column {column!r} are not there or empty, "
            f"for example {lost[0]!r}; looked in {looked}. Put them there, take them out, or use --ignore {column}"
        )
    stamped = {value: stamp or file_stamp(path) for value, (path, stamp) in files.items()}
    column_values = values.cast(pa.string()).to_pylist()
    paths = [files[v][0] if v in files else None for v in column_values]
    stamps = [stamped.get(v, "") for v in column_values]
    turned = sum("\\" in value and "\\" not in path for value, (path, _) in files.items())
    missing = paths.count(None)
    return Found(pa.array(paths, pa.string()), pa.array(stamps, pa.string()), missing, ", ".join(used), turned)


def _found(place: Place, value: str) -> tuple[str, str] | None:
    """The file of a value as it is written, else with slashes where it has the backslashes of Windows."""
    path = value.strip()
    return place.find(path) or (place.find(path.replace("\\", "/")) if "\\" in path else None)


def _ordered(places: list[Place], values: list[str]) -> list[Place]:
    """The places, those first that have most of the first values: a miss costs a look at the disk."""
    probe = values[:: max(1, len(values) // PROBE)][:PROBE]
    hits = {id(place): sum(_found(place, value) is not None for value in probe) for place in places}
    return sorted(places, key=lambda place: -hits[id(place)])


def _places(base: str | None) -> Iterator[Place]:
    if base and zipfile.is_zipfile(base):
        yield _archive(Path(base), "")
        return
    if base and ".zip/" in base:
        archive, _, inside = base.partition(".zip/")
        yield _archive(Path(archive + ".zip"), f"{inside}/")
        yield _archive(Path(archive + ".zip"), "")
        return
    folder = Path(base or os.getcwd()).absolute()
    yield _folder(folder)
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield _folder(entry)
        elif entry.suffix.lower() == ".zip" and zipfile.is_zipfile(entry):
            yield _archive(entry, "")


def _folder(folder: Path) -> Place:
    base = str(folder)

    def find(value: str) -> tuple[str, str] | None:
        path = value if os.path.isabs(value) else os.path.normpath(os.path.join(base, value))
        return _stat(path) or _inside(path)

    return Place(base, find)


def _stat(path: str) -> tuple[str, str] | None:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):  # not there; a NUL in its name
        return None
    return (path, "") if stat.st_size and S_ISREG(stat.st_mode) else None


def file_stamp(path: str) -> str:
    """Size and hash of the content, of a large file of its start, middle and end; neither its name nor its time."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            for start in (0,) if size <= LARGE else (0, size // 2, size - BLOCK):
                file.seek(start)
                digest.update(file.read(LARGE if size <= LARGE else BLOCK))
    except OSError:  # no permission, a folder: there, but for no decoder to read, which is told where it is decoded
        return "unreadable"
    return f"{size} {digest.hexdigest()}"


def _inside(path: str) -> tuple[str, str] | None:
    """A member that is named with its archive: /abs/images.zip/cat/1.jpg."""
    head, zipped, member = path.partition(".zip/")
    if not zipped or not os.path.isfile(head + ".zip"):
        return None
    return _archive(Path(head + ".zip"), "").find(member)


_indexes: dict[tuple[str, int], dict[str, str]] = {}


def _members(archive: Path) -> dict[str, str]:
    """Stamp (size and checksum) by name of the members that hold something, read once for each state of an archive."""
    key = (str(archive), archive.stat().st_mtime_ns)
    if key not in _indexes:
        with zipfile.ZipFile(archive) as opened:
            refuse_trap(archive, sum(info.file_size for info in opened.infolist()))
            _indexes[key] = {i.filename: f"{i.file_size} {i.CRC}" for i in opened.infolist() if i.file_size}
    return _indexes[key]


def _archive(archive: Path, prefix: str) -> Place:
    """Members by their name, with or without a folder called like the archive."""
    members, stem, base = _members(archive), archive.stem + "/", str(archive.absolute())

    def find(value: str) -> tuple[str, str] | None:
        value = value.removeprefix(f"{base}/").replace("\\", "/").removeprefix("./")
        for name in (prefix + value, value, stem + value, value.removeprefix(stem)):
            if name in members:
                return f"{base}/{name}", members[name]
        return None

    return Place(base, find)
