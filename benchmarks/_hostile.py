"""Sources that should be refused or survived, made from a seed: strange tables, damaged files, packed traps."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _again import again
from _cells import cells, clash, words
from _mutants import mutant, mutants
from _places import liars, places
from _strange import FLAT, NAMES, VALUES, WORDS, WRITERS, arrow, columns, picture, sound, zipped

BOMB = 1 << 30  # bytes a packed trap unpacks to
FILES = ("rows", "my rows", "größe", "🦆", "a%20b", "a#b?c", "a'b", '"', "data", "x" * 150, "-rf", "a::b", "a.zip")

Family = Callable[[Random, Path], tuple[str, Any]]


@dataclass(frozen=True)
class Case:
    """A source, how it is asked for, and what is done with it."""

    name: str
    source: Any
    options: dict[str, Any] = field(default_factory=dict)
    way: str = "plan"  # plan, predict (with a saved model) or command (with `words`)
    words: list[str] = field(default_factory=list)


def make(seed: int, number: int, folder: Path) -> Case:
    """Case `number` of a seed, written below `folder`; equal for equal arguments."""
    rng = Random(f"{seed}-{number}")
    families = (table, text, damaged, frame, media, packed, edge, cells, clash, mutant, mutants, places, liars)
    family: Family = rng.choices(families, (14, 10, 10, 6, 6, 6, 3, 12, 5, 12, 6, 6, 2))[0]
    way = rng.choices(("plan", "predict", "command"), (88, 2, 10))[0]
    if rng.random() < 0.12:
        way, family = "predict", again
    name, source = family(rng, folder)
    if way == "command" and not isinstance(source, str):
        way = "plan"
    labelled = str(source)[-500:].endswith((".zip", "data", "photos", "/", "/.", "/p/.."))
    options = _options(rng, None if labelled else "y")
    return Case(f"{way} {family.__name__}:{name}", source, options, way, words(rng, None if labelled else "y"))


def _options(rng: Random, goal: str | None) -> dict[str, Any]:
    """What is said beside the source: mostly its target, if it must be named, and now and then nonsense."""
    said: dict[str, Any] = {}
    if rng.random() < 0.85:
        said |= {"target": goal} if goal else {}
    elif rng.random() < 0.5:
        said["target"] = rng.choice(("label", "a", rng.choice(NAMES)))
    for name, share in (("group", 0.05), ("time", 0.05), ("split", 0.04)):
        if rng.random() < share:
            said[name] = rng.choice(("a", "b", "x", "y", rng.choice(NAMES)))
    if rng.random() < 0.05:
        said["ignore"] = (rng.choice(("a", "b", "y", "nothing")),)
    if rng.random() < 0.08:
        kinds = ("number", "category", "boolean", "datetime", "text", "image", "audio", "id", "constant")
        said["kinds"] = {rng.choice(("a", "b", "y")): rng.choice(kinds)}
    if rng.random() < 0.06:
        said["task"] = rng.choice(("binary", "multiclass", "regression"))
    if rng.random() < 0.03:
        said["modality"] = rng.choice(("tabular", "text", "image", "audio"))
    return said


def table(rng: Random, folder: Path) -> tuple[str, str]:
    """A whole file of strange columns."""
    suffix = rng.choice((".csv", ".csv", ".jsonl", ".parquet", ".parquet", ".arrow", ".xlsx", ".db", ".json"))
    what, made = columns(rng, tuple(VALUES) if suffix in (".parquet", ".arrow", ".json", ".jsonl") else FLAT)
    path = folder / f"{rng.choice(FILES)}{suffix}"
    path.write_bytes(WRITERS[suffix](rng, made))
    return f"{suffix} {what}", str(path)


def text(rng: Random, folder: Path) -> tuple[str, str]:
    """Lines that are hardly a table."""
    rows = [f"{rng.gauss(0, 1):.3f},{rng.choice(WORDS)},{rng.choice('pq')}" for _ in range(rng.choice((1, 12, 60)))]
    lines = ["a,b,y", *rows]
    at = rng.randrange(len(lines))
    tricks: dict[str, Callable[[str], str]] = {
        "open quote": lambda line: '"' + line,
        "quote within": lambda line: line.replace(",", '",', 1),
        "more values": lambda line: line + ",1" * rng.choice((1, 3, 5000)),
        "fewer values": lambda line: line.partition(",")[0],
        "NUL": lambda line: line + "\0",
        "long field": lambda line: "x" * 2_000_000 + line,
        "blank": lambda line: "",
        "comment": lambda line: "# a remark",
        "merge marks": lambda line: "<<<<<<< HEAD",
        "lone surrogate": lambda line: line + "\ud800",
        "other mark": lambda line: line.replace(",", rng.choice(";\t|:")),
        "emoji": lambda line: line + "🦆" * 50,
        "returns": lambda line: line + "\r\r",
        "html": lambda line: "<html><body>404</body></html>",
        "escape": lambda line: line.replace(",", "\\,"),
        "end of file": lambda line: line + "\x1a",
    }
    trick = rng.choice(tuple(tricks))
    for place in {at, *(rng.randrange(len(lines)) for _ in range(rng.choice((0, 0, 3))))}:
        lines[place] = tricks[trick](lines[place])
    strictly = trick == "lone surrogate" and rng.random() < 0.5
    encoding = "utf-8" if strictly else rng.choice(("utf-8", "utf-8", "utf-16-le", "cp1252"))
    body = "\n".join(lines).encode(encoding, "surrogatepass" if strictly else "replace")
    suffix = rng.choice((".csv", ".csv", ".tsv", ".txt", ".jsonl", ".csv.gz", ".csv.bz2", ".psv"))
    body = gzip.compress(body) if suffix.endswith("gz") else bz2.compress(body) if suffix.endswith("bz2") else body
    path = folder / f"{rng.choice(FILES)}{suffix}"
    path.write_bytes(body)
    return f"{suffix} {trick}", str(path)


def damaged(rng: Random, folder: Path) -> tuple[str, str]:
    """A file that was sound, cut, flipped, doubled or called something else."""
    suffix = rng.choice(tuple(WRITERS))
    what, made = columns(rng, FLAT)
    data = bytearray(WRITERS[suffix](rng, made))
    if not data:
        data = bytearray(b"\n")
    how = rng.choice(("cut", "flip", "flip", "zeros", "double", "insert", "rename", "swap", "compress", "noise"))
    at = rng.randrange(len(data))
    if how == "cut":
        del data[at:]
    elif how == "flip":
        for _ in range(rng.choice((1, 3, 30))):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif how == "zeros":
        data[at : at + 64] = bytes(len(data[at : at + 64]))
    elif how == "double":
        data = data * 2
    elif how == "insert":
        data[at:at] = rng.randbytes(rng.choice((1, 17, 300)))
    elif how == "rename":
        suffix = rng.choice((*WRITERS, ".txt", ".xls", ".ods", ".xlsb", ".feather", ".zip", ".csv.gz", ".pdf", ""))
    elif how == "swap":
        data[: len(data) // 2], data[len(data) // 2 :] = data[len(data) // 2 :], data[: len(data) // 2]
    elif how == "compress" and suffix in (".csv", ".jsonl", ".json"):
        data = bytearray(gzip.compress(bytes(data)))[: rng.choice((None, -9))]
        suffix += rng.choice((".gz", ".bz2", ".zst"))
    elif how == "noise":
        data = bytearray(rng.randbytes(rng.choice((1, 100, 5000))))
    path = folder / f"{rng.choice(FILES)}{suffix}"
    path.write_bytes(data)
    return f"{suffix} {how} of {what}", str(path)


def frame(rng: Random, folder: Path) -> tuple[str, Any]:
    """An object in memory."""
    what, made = columns(rng)
    kind = rng.choice(("dict", "pandas", "arrow", "arrow", "list", "odd"))
    if kind == "dict":
        return f"dict {what}", dict(made)
    if kind == "pandas":
        import pandas as pd

        made_frame = pd.DataFrame(dict(enumerate(values for _, values in made)), dtype=object)
        made_frame.columns = pd.Index(
            [rng.choice((name, name, 3, None, ("a", 1), 2.5)) for name, _ in made], dtype=object
        )
        return f"pandas {what}", made_frame if rng.random() < 0.5 else made_frame.infer_objects()
    if kind == "arrow":
        return f"arrow {what}", arrow(rng, made)
    if kind == "list":
        return f"list {what}", [values for _, values in made]
    return "odd", rng.choice(
        (None, 5, b"x", "", "no/such", "http://x.y/z.csv", Path("/dev/null"), "\0", {}, {"a": 1}, "." * 5000)
    )


def media(rng: Random, folder: Path) -> tuple[str, str]:
    """A folder of pictures or recordings, some of which are none; or a table of their paths."""
    root, image = folder / "photos", rng.random() < 0.6
    suffix = rng.choice((".png", ".jpg", ".bmp", ".tif", ".webp") if image else (".wav", ".flac", ".mp3", ".ogg"))
    tricks = ("fine", "cut", "empty", "mislabelled", "noise", "huge", "link", "mode", "folder", "pipe link")
    trick = rng.choice(tricks)
    good = picture() if image else sound(rng, rng.choice((1, 8000, 384_000)))
    classes = rng.choice((("p", "q"), ("p",), ("train", "test"), ("🦆", "a b"), ("p", "q", "r")))
    for i in range(rng.choice((1, 4, 24, 24, 24))):
        place = root / classes[i % len(classes)]
        if classes[0] == "train":
            place = place / "pq"[i // 2 % 2]
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{i}{suffix}"
        if trick == "link" and rng.random() < 0.3:
            path.symlink_to(rng.choice(("/etc/hostname", "/nowhere", str(path), "..")))
        elif trick == "folder" and rng.random() < 0.2:
            path.mkdir()
        elif trick == "pipe link" and rng.random() < 0.2:
            path.symlink_to("/dev/zero")
        else:
            bad = {
                "cut": good[: rng.randrange(len(good))],
                "empty": b"",
                "mislabelled": sound(rng) if image else picture(),
                "noise": rng.randbytes(300),
                "huge": _enormous(),
                "mode": picture(mode=rng.choice(("1", "LA", "RGBA", "I", "F", "CMYK")), form="TIFF"),
            }
            path.write_bytes(bad.get(trick, good) if rng.random() < 0.5 else good)
    if rng.random() < 0.4:
        files = sorted(root.rglob(f"*{suffix}"))
        lines = [f"{path.relative_to(root)},{'pq'[i % 2]}" for i, path in enumerate(files)]
        lines += rng.choice(([], [f"gone{suffix},p"], [f"../../{suffix},q"] * 30))
        (root / "labels.csv").write_text("\n".join(["a,y", *lines]))
        return f"paths {suffix} {trick}", str(root / "labels.csv")
    return f"folder {suffix} {trick}", str(root)


@functools.cache
def _enormous() -> bytes:
    """A picture of a few bytes that says it is 60,000 pixels wide and high."""
    data = bytearray(picture())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    return bytes(data)


@functools.cache
def _trap(what: str) -> bytes:
    """A gibibyte, packed to a thousandth."""
    member = {"rows.csv": b"a,b,y\n" + b"1,2,p\n" * 100, "p/0.png": bytes(4096)}[what]
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(what, "w", force_zip64=True) as file,
    ):
        block = member * (max(1, (1 << 22) // len(member)))
        for _ in range(BOMB // len(block)):
            file.write(block)
    return out.getvalue()


@functools.cache
def _packed_trap() -> bytes:
    block = gzip.compress(b"a,b,y\n" * ((1 << 24) // 6), 1)
    return block * (BOMB >> 24)


def packed(rng: Random, folder: Path) -> tuple[str, str]:
    """An archive with something in it that no archive should have."""
    path = folder / f"{rng.choice(FILES)}.zip"
    pictures: dict[str, str | bytes] = {f"{'pq'[i % 2]}/{i}.png": picture() for i in range(24)}
    trick = rng.choice(
        (
            "fine",
            "up",
            "absolute",
            "backslash",
            "link",
            "within",
            "twice",
            "tables",
            "csv",
            "cut",
            "flip",
            "names",
            "checksum",
            "encrypted",
            "empty",
            "method",
            *(("trap", "gzip") if rng.random() < 0.1 else ()),
        )
    )
    if trick == "trap":
        path.write_bytes(_trap(rng.choice(("rows.csv", "p/0.png"))))
        return trick, str(path)
    if trick == "gzip":
        path = folder / "rows.csv.gz"
        path.write_bytes(_packed_trap())
        return trick, str(path)
    out = "escaped-from-a-zip"
    extra: dict[str, dict[str, str | bytes]] = {
        "up": {f"../../{out}.png": picture(), f"p/../../../{out}.png": picture()},
        "absolute": {f"/tmp/{out}.png": picture()},
        "backslash": {f"..\\..\\{out}.png": picture()},
        "within": {"p/inner.zip": zipped({"q/1.png": picture()})},
        "names": {"p/" + "x" * 400 + ".png": picture(), "q/a\u202eb.png": picture(), "r/\n.png": picture()},
    }
    content = {**pictures, **extra.get(trick, {})}
    if trick in ("csv", "tables"):
        names = ("../rows.csv", "rows.csv", "deep/rows.parquet") if trick == "csv" else ("a.csv", "b.csv")
        body = "a,y\n" + "".join(f"{rng.random()},{rng.choice('pq')}\n" for _ in range(40))
        content = dict.fromkeys(names if trick == "tables" else (rng.choice(names),), body)
    data = bytearray(zipped({} if trick == "empty" else content))
    if trick == "link":
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as archive:
            info = zipfile.ZipInfo("p/link.png")
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
        data = bytearray(buffer.getvalue())
    elif trick == "twice":
        buffer = io.BytesIO(data)
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr("p/0.png", b"other")
        data = bytearray(buffer.getvalue())
    elif trick == "cut":
        del data[rng.randrange(len(data)) :]
    elif trick == "flip":
        for _ in range(5):
            data[rng.randrange(len(data))] ^= 255
    elif trick in ("checksum", "encrypted", "method"):  # in the directory at the end of the archive
        at = data.find(b"PK\1\2")
        place, value = {"checksum": (16, 0x55), "encrypted": (8, 1), "method": (10, 99)}[trick]
        while at >= 0:
            data[at + place] = value
            at = data.find(b"PK\1\2", at + 1)
    path.write_bytes(data)
    return trick, str(path)


def edge(rng: Random, folder: Path) -> tuple[str, str]:
    """Sizes at their ends."""
    path = folder / "rows.csv"
    trick = rng.choice(
        (
            "wide",
            "wide parquet",
            "one row",
            "header",
            "nothing",
            "blank",
            "one column",
            "one class",
            "many classes",
            "folder",
            "hidden",
        )
    )
    if trick == "wide":
        width, rows = 10_000, rng.choice((1, 12))
        lines = [",".join(f"c{i}" for i in range(width)) + ",y"]
        lines += [",".join([str(rng.random())[:4]] * width) + f",{rng.choice('pq')}" for _ in range(rows)]
        path.write_text("\n".join(lines))
    elif trick == "wide parquet":
        path = path.with_suffix(".parquet")
        values = np.random.default_rng(0).random(20)
        made = {f"c{i}": values for i in range(10_000)} | {"y": ["p", "q"] * 10}
        pq.write_table(pa.table(made), path)
    elif trick == "folder":
        path = folder / "photos"
        (path / "p").mkdir(parents=True)
    elif trick == "hidden":
        path = folder / ".rows.csv"
        path.write_text("a,y\n1,p\n")
    else:
        body = {
            "one row": "a,y\n1,p\n",
            "header": "a,b,y\n",
            "nothing": "",
            "blank": "\n \n\t\n",
            "one column": "y\n" + "p\nq\n" * 20,
            "one class": "a,y\n" + "1,p\n2,p\n" * 20,
            "many classes": "a,y\n" + "".join(f"{i},c{i}\n" for i in range(500)),
        }
        path.write_text(body[trick])
    return trick, str(path)
