"""Reads class folders of media or text files, on disk or in a zip archive, and folders or archives around one table."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from stat import S_ISREG

import pyarrow as pa

from deepworth.data.media import BROKEN, refuse_trap
from deepworth.data.parts import part_of
from deepworth.errors import UserError
from deepworth.readers._files import AUDIO, DAMAGED, IMAGES, TABLES, TEXTS, name_of, suffix_of
from deepworth.readers.result import Read
from deepworth.registry import resolve, specs
from deepworth.types import Kind, SourceOptions
from deepworth.words import are, count

KINDS: dict[Kind, tuple[str, ...]] = {"image": IMAGES, "audio": AUDIO, "text": TEXTS}
JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a folder or in an archive."""

    path: Path
    files: tuple[PurePosixPath, ...]  # relative, sorted, without hidden ones
    content: Callable[[PurePosixPath], bytes]

    def full(self, file: PurePosixPath) -> str:
        """The path under which `deepworth.data.media.read_bytes` finds a file."""
        return f"{self.path.absolute()}/{file}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of one kind lie: the class and the split of each, None where there are none."""

    files: tuple[PurePosixPath, ...]
    labels: tuple[str, ...] | None
    splits: tuple[str, ...] | None
    notes: tuple[str, ...] = ()


def read_folder(source: str | Path, options: SourceOptions) -> Read:
    """The files of a folder with their classes; a single image or recording as a folder that holds nothing else.

    Raises UserError when there is nothing a model could read.
    """
    path = Path(source)
    root, files = (path.parent, [PurePosixPath(path.name)]) if path.is_file() else (path, sorted(_walk(path)))
    tree = Tree(root, tuple(files), lambda file: _content(root / file))
    media = _media(tree, "folder", options) if _has_classes(tree) else None
    read = media or _only_table(tree, root, options) or _media(tree, "folder", options)
    if read is None:
        raise UserError(_nothing(tree, "folder"))
    return replace(read, source=str(path)) if path.is_file() else read


def _content(path: Path) -> bytes:
    """The bytes of a file. Raises UserError for a pipe, which may never end, and OSError where it cannot be read."""
    if not S_ISREG(path.stat().st_mode):
        raise UserError(f"{path} is no file, but a pipe, a socket or a device: take it out of the folder")
    return path.read_bytes()


def read_zip(source: str | Path, options: SourceOptions) -> Read:
    """The members of an archive with their classes; they stay in the archive."""
    path = Path(source)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            refuse_trap(path, sum(info.file_size for info in members))
            if any(info.flag_bits & 1 for info in members):
                raise UserError(f"{path} is encrypted: unpack it and give the folder")
            files = (PurePosixPath(info.filename) for info in members)
            tree = Tree(path, tuple(sorted(f for f in files if _shown(f.parts))), lambda file: archive.read(str(file)))
            media = _media(tree, "zip", options) if _has_classes(tree) else None
            read = media or _packed_table(tree, options) or _media(tree, "zip", options)
    except (*BROKEN, OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a zip archive: {error}; {DAMAGED}") from error
    if read is None:
        raise UserError(_nothing(tree, "zip archive"))
    return read


def _walk(root: Path) -> Iterator[PurePosixPath]:
    """The files below `root`; links to folders are followed, once each."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if _shown((name,))]
        base = PurePosixPath(Path(folder).relative_to(root).as_posix())
        for name in (name for name in files if _shown((name,))):
            _refuse_name(root, base / name)
            yield base / name


def _refuse_name(root: Path, file: PurePosixPath) -> None:
    """Raise UserError for a name that is no text: no table can hold it."""
    try:
        str(file).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{root} holds a file whose name is not UTF-8, {os.fsencode(str(file))!r}: rename it or take it out"
        ) from error


def _shown(parts: tuple[str, ...]) -> bool:
    return not any(part.startswith(".") or part in JUNK for part in parts)


def _kind(files: tuple[PurePosixPath, ...]) -> Kind | None:
    """The kind most files are of; images before audio before text."""
    counts = {kind: sum(suffix_of(file) in suffixes for file in files) for kind, suffixes in KINDS.items()}
    best = max(counts, key=lambda kind: counts[kind])
    return best if counts[best] else None


def _has_classes(tree: Tree) -> bool:
    kind = _kind(tree.files)
    labels = _layout(tree.files, KINDS[kind]).labels if kind else None
    return labels is not None and len(set(labels)) > 1


def _media(tree: Tree, reader: str, options: SourceOptions) -> Read | None:
    """The files of the commonest kind as a column of paths or texts, with `label` and `split` where folders say so.

    Who ignores `label` has every file, in the order of their paths, wherever it lies.
    """
    kind = _kind(tree.files)
    if kind is None:
        return None
    layout = _layout(tree.files, KINDS[kind], "label" not in options.ignore)
    values = (
        [_decode(tree.content(f)) for f in layout.files] if kind == "text" else [tree.full(f) for f in layout.files]
    )
    columns = {str(kind): pa.array(values, pa.string())}
    if layout.labels is not None:
        columns["label"] = pa.array(layout.labels)
    if layout.splits is not None:
        columns["split"] = pa.array(layout.splits)
    return Read(
        table=pa.table(columns),
        name=name_of(tree.path),
        reader=reader,
        source=str(tree.path),
        kinds={str(kind): kind},
        target="label" if layout.labels is not None else None,
        split="split" if layout.splits is not None else None,
        base=str(tree.path.absolute()),
        notes=layout.notes,
        files=tuple(map(str, layout.files)),
        left_out=layout.notes,
    )


def _layout(files: tuple[PurePosixPath, ...], suffixes: tuple[str, ...], classed: bool = True) -> Layout:
    """Class and split of each file from its folders.

    A folder around everything is looked through. Folders named train, valid or test on the first level that is left are
    splits, the next level are classes, and what lies deeper belongs to its class. Files beside class folders are left
    out.
    """
    wanted = [file for file in files if suffix_of(file) in suffixes]
    left = Counter(suffix_of(file) or file.name for file in files if suffix_of(file) not in suffixes)
    notes = [_left_out(left)] if left else []
    if not classed:
        return Layout(tuple(wanted), None, None, tuple(notes))
    parts = [file.parts for file in wanted]
    while len({p[0] for p in parts}) == 1 and min(map(len, parts)) > 2 and part_of(parts[0][0]) is None:
        parts = [p[1:] for p in parts]
    tops = {p[0] for p in parts if len(p) > 1}
    named = {top: part for top in tops if (part := part_of(top))}
    divided = bool(named) and (len(named) == len(tops) or {"train", "test"} <= set(named.values()))
    rows = list(zip(wanted, parts, strict=True))
    if divided:
        rows, dropped = _keep(rows, lambda p: len(p) > 1 and p[0] in named)
        notes += (
            [f"{count(dropped, 'file')} outside {', '.join(sorted(named))} {are(dropped)} left out"] if dropped else []
        )
        splits = {file: named[p[0]] for file, p in rows}
        rows = [(file, p[1:]) for file, p in rows]
    classes = any(len(p) > 1 for _, p in rows)
    if classes:
        rows, dropped = _keep(rows, lambda p: len(p) > 1)
        notes += [f"{count(dropped, 'file')} without a class folder {are(dropped)} left out"] if dropped else []
    several = divided and len(set(splits.values())) > 1
    return Layout(
        tuple(file for file, _ in rows),
        tuple(p[0] for _, p in rows) if classes else None,
        tuple(splits[file] for file, _ in rows) if several else None,
        tuple(notes),
    )


Row = tuple[PurePosixPath, tuple[str, ...]]


def _keep(rows: list[Row], good: Callable[[tuple[str, ...]], bool]) -> tuple[list[Row], int]:
    kept = [(file, parts) for file, parts in rows if good(parts)]
    return kept, len(rows) - len(kept)


def _left_out(others: Counter[str]) -> str:
    shown = ", ".join(f"{number} {kind}" for kind, number in others.most_common(4))
    total = others.total()
    return f"{count(total, 'other file')} {are(total)} left out: {shown}{', ...' if len(others) > 4 else ''}"


def _decode(data: bytes) -> str:
    """Text of a file: UTF-8 or marked UTF-16, else Windows' western encoding, which takes nearly any byte."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _only_table(tree: Tree, path: Path, options: SourceOptions) -> Read | None:
    """The one table on the first level of a folder, or the one archive a folder holds."""
    top = [file for file in tree.files if len(file.parts) == 1]
    tables = [file for file in top if suffix_of(file) in TABLES]
    if not tables:
        tables = [file for file in top if file.suffix.lower() == ".zip"] if _kind(tree.files) is None else []
    if len(tables) != 1:
        return None
    read = _read(path / tables[0], options)
    return replace(read, name=name_of(path), notes=(f"{path} holds one table: {tables[0]}", *read.notes))


def _packed_table(tree: Tree, options: SourceOptions) -> Read | None:
    """The one table of an archive; it is unpacked for as long as it is read."""
    tables = [file for file in tree.files if suffix_of(file) in TABLES]
    if len(tables) != 1:
        return None
    with tempfile.TemporaryDirectory(prefix="deepworth-") as folder:
        unpacked = Path(folder) / tables[0].name
        unpacked.write_bytes(tree.content(tables[0]))
        try:
            read = _read(unpacked, options)
        except UserError as error:  # says where it lies for a moment
            raise UserError(str(error).replace(str(unpacked), tree.full(tables[0]))) from error
    inside = tables[0].parent
    base = str(tree.path.absolute()) if str(inside) == "." else tree.full(inside)
    return replace(read, name=name_of(tree.path), source=tree.full(tables[0]), base=base)


def _read(path: Path, options: SourceOptions) -> Read:
    spec = next(
        s for s in specs("readers").values() if s.name not in ("folder", "hub") and resolve(s.accepts)(str(path))
    )
    return resolve(spec.read)(str(path), options)


def _nothing(tree: Tree, what: str) -> str:
    tables = [str(file) for file in tree.files if suffix_of(file) in TABLES]
    if tables:
        return (
            f"{tree.path} holds {count(len(tables), 'table')} and no media files: name one of {', '.join(tables[:5])}"
        )
    found = Counter(suffix_of(file) or file.name for file in tree.files)
    shown = ", ".join(f"{number} {kind}" for kind, number in found.most_common(5)) or "no files"
    return f"the {what} {tree.path} holds {shown}: expected a folder for each class, with images, audio or .txt files"
