"""How images, recordings and texts to predict may differ from those a model learned from, and what is done then."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from PIL import Image

from deepworth.modalities._audio import resample
from tests.contract.differences import EMPTY, FEW, FORMAT, GAPS, GONE, NONE, ORDER, REST, Difference

MODES = "images of another size or mode, animated, or turned by EXIF"
RATES = "recordings of another sampling rate, depth, codec or number of channels"
BROKEN = "an image or recording that is not there or cannot be decoded"
PLACES = "media in other folders, in an archive, in a table of paths or as bytes in a table"
OTHERS = "files of another kind among images, recordings or texts"

Files = list[Path]  # the clean rows: media files in the order of their paths
Save = Callable[[Path, Path], None]  # a clean file, where to write it


def copies(save: Save, suffix: str, few: bool = False) -> Callable[[Files, Path], str]:
    """The files written another way, the first one only if `few`, in one folder without class folders."""

    def change(files: Files, folder: Path) -> str:
        (folder / "new").mkdir()
        for i, file in enumerate(files):
            other = not few or i == 0
            place = folder / "new" / f"{i:03}{suffix if other else file.suffix}"
            if other:
                save(file, place)
            else:
                place.write_bytes(file.read_bytes())
        return str(folder / "new")

    return change


def same(file: Path, place: Path) -> None:
    place.write_bytes(file.read_bytes())


def image(mode: str, form: str, **options: Any) -> Save:
    """A grey picture in another mode and format, its values kept."""

    def save(file: Path, place: Path) -> None:
        grey = Image.open(file).convert("L")
        pixels = np.asarray(grey)
        other = {
            "L": lambda: grey,
            "LA": lambda: grey.convert("LA"),
            "P": lambda: _palette(pixels),
            "16": lambda: Image.fromarray(pixels.astype(np.uint16) << 8),
            "CMYK": lambda: Image.merge("CMYK", [Image.fromarray(255 - pixels)] * 3 + [Image.new("L", grey.size)]),
        }.get(mode, lambda: grey.convert("RGB").convert(mode))()
        other.save(place, form, **options)

    return save


def _palette(pixels: np.ndarray) -> Image.Image:
    made = Image.frombytes("P", pixels.shape[::-1], pixels.tobytes())
    made.putpalette([value for level in range(256) for value in (level, level, level)])
    return made


def animated(file: Path, place: Path) -> None:
    frame = _palette(np.asarray(Image.open(file).convert("L")))
    frame.save(place, "GIF", save_all=True, append_images=[frame.rotate(90), frame.rotate(180)])


def turned(file: Path, place: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by 90 degrees
    Image.open(file).transpose(Image.Transpose.ROTATE_90).save(place, "PNG", exif=exif)


def larger(file: Path, place: Path) -> None:
    made = Image.open(file)
    made.resize((made.width * 3, made.height * 3), Image.Resampling.NEAREST).save(place)


def sound(rate: int | None = None, channels: int = 1, **how: Any) -> Save:
    def save(file: Path, place: Path) -> None:
        wave, native = soundfile.read(file, dtype="float32")
        wave = wave if rate is None else resample(wave, native, rate).clip(-1, 1)
        soundfile.write(place, np.repeat(wave[:, None], channels, axis=1), rate or native, **how)

    return save


def bad(how: str) -> Save:
    def save(file: Path, place: Path) -> None:
        data = file.read_bytes()
        if how == "pipe":
            os.mkfifo(place)
            return
        place.write_bytes(
            {"cut": data[:30], "empty": b"", "text": b"no picture, no sound", "zeros": bytes(len(data))}[how]
        )

    return save


def table(files: Files, folder: Path, relative: bool = False, lost: bool = False) -> str:
    """A table of paths, in another folder than the files."""
    column = "image" if files[0].suffix == ".png" else "audio"
    paths = [os.path.relpath(file, folder) if relative else str(file) for file in files]
    if lost:
        paths[0] = "gone" + files[0].suffix
    (folder / "new.csv").write_text("\n".join([f"more,{column}", *(f"1,{path}" for path in paths)]) + "\n")
    return str(folder / "new.csv")


def zipped(files: Files, folder: Path) -> str:
    with zipfile.ZipFile(folder / "new.zip", "w") as archive:
        for i, file in enumerate(files):
            archive.write(file, f"deep/er/{i:03}{file.suffix}")
    return str(folder / "new.zip")


def in_bytes(files: Files, folder: Path, hub: bool = False) -> str:
    column = "image" if files[0].suffix == ".png" else "audio"
    data: list[Any] = [file.read_bytes() for file in files]
    if hub:
        data = [{"bytes": value, "path": None} for value in data]
    pq.write_table(pa.table({column: data}), folder / "new.parquet")
    return str(folder / "new.parquet")


def nested(files: Files, folder: Path) -> str:
    """Some files beside folders, some in folders of several depths."""
    for i, file in enumerate(files):
        place = folder / "new" / ("a/b" if i < 5 else "b" if i < 7 else "train/c") / f"{i:03}{file.suffix}"
        if i == len(files) - 1:
            place = folder / "new" / f"z{file.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        same(file, place)
    return str(folder / "new")


def among(other: str) -> Callable[[Files, Path], str]:
    def change(files: Files, folder: Path) -> str:
        source = copies(same, files[0].suffix)(files, folder)
        (Path(source) / other).write_bytes(b"something else")
        return source

    return change


def _media(modality: Any, suffix: str) -> tuple[Difference, ...]:
    def one(name: str, documented: str, change: Any, *rest: Any, **more: Any) -> Difference:
        return Difference(name, modality, documented, change, *rest, **more)

    return (
        one("no class folders", PLACES, copies(same, suffix)),
        one("folders of any depth", PLACES, nested),
        one("zip", PLACES, zipped),
        one("absolute paths", PLACES, table),
        one("relative paths", PLACES, lambda f, d: table(f, d, relative=True)),
        one("bytes", PLACES, in_bytes),
        one("bytes as the hub stores them", PLACES, lambda f, d: in_bytes(f, d, hub=True)),
        one("one file", FEW, lambda f, d: copies(same, suffix)(f[2:3], d), rows=slice(2, 3)),
        one("backwards", FEW, lambda f, d: copies(same, suffix)(f[::-1], d), rows=slice(None, None, -1)),
        *(one(f"one {how}", BROKEN, copies(bad(how), suffix, few=True), "told",
              "of 12 rows have no image or recording", REST) for how in ("cut", "empty", "text", "zeros", "pipe")),
        one("one lost", BROKEN, lambda f, d: table(f, d, lost=True), "told", "1 of 12 rows", REST),
        one("none there", BROKEN, lambda f, d: copies(bad("empty"), suffix)(f, d), "refused", "are not there or empty"),
        one("a document", OTHERS, among("list.pdf"), "told", "1 other file is left out: 1 .pdf"),
        one("an empty folder", EMPTY, lambda f, d: str((d / "new").mkdir() or d / "new"), "refused", "no files"),
        one("a table without paths", GONE, lambda f, d: pa.table({"a": [1]}), "refused", "lacks 1 column"),
    )  # fmt: skip


IMAGES = tuple(
    Difference(name, "image", MODES, copies(save, suffix), near=near)
    for name, save, suffix, near in (
        ("grey", image("L", "PNG"), ".png", 1e-6), ("grey with alpha", image("LA", "PNG"), ".png", 1e-6),
        ("rgba", image("RGBA", "PNG"), ".png", 1e-6), ("palette", image("P", "PNG"), ".png", 1e-6),
        ("16 bits", image("16", "PNG"), ".png", 1e-6), ("cmyk", image("CMYK", "TIFF"), ".tif", 0.02),
        ("bmp", image("RGB", "BMP"), ".bmp", 1e-6), ("webp", image("RGB", "WEBP", lossless=True), ".webp", 1e-6),
        ("gif", image("P", "GIF"), ".gif", 1e-6), ("animated", animated, ".gif", 1e-6),
        ("turned", turned, ".png", 1e-6),
        ("larger", larger, ".png", 0.1), ("another suffix", same, ".jpg", 1e-6),
        ("jpeg", image("L", "JPEG", quality=98), ".jpg", 0.1),
    )
)  # fmt: skip

SOUNDS = tuple(
    Difference(name, "audio", RATES, copies(save, suffix), near=near)
    for name, save, suffix, near in (
        ("floats", sound(subtype="FLOAT"), ".wav", 1e-6), ("24 bits", sound(subtype="PCM_24"), ".wav", 1e-6),
        ("flac", sound(), ".flac", 1e-6), ("stereo", sound(channels=2), ".wav", 1e-6),
        ("16 kHz", sound(16000), ".wav", 0.05), ("44.1 kHz", sound(44100), ".wav", 0.05),
        ("vorbis", sound(), ".ogg", 0.1), ("mp3", sound(16000), ".mp3", 0.1), ("another suffix", same, ".flac", 1e-6),
    )
)  # fmt: skip


def _lines(rows: dict[str, list[str]], folder: Path) -> str:
    (folder / "new.jsonl").write_text("\n".join(json.dumps({"more": 1, "review": text}) for text in rows["review"]))
    return str(folder / "new.jsonl")


def _files(encoding: str) -> Callable[..., str]:
    def change(rows: dict[str, list[str]], folder: Path) -> str:
        (folder / "new").mkdir()
        for i, text in enumerate(rows["review"]):
            (folder / "new" / f"{i:03}.txt").write_bytes(text.encode(encoding))
        return str(folder / "new")

    return change


def _csv(
    rows: dict[str, list[str]], folder: Path, mark: str = ",", encoding: str = "utf-8", name: str = "review"
) -> str:
    lines = [f"more{mark}{name}", *(f'1{mark}"{text}"' for text in rows["review"])]
    (folder / "new.csv").write_bytes("\n".join(lines).encode(encoding))
    return str(folder / "new.csv")


def _parquet(rows: dict[str, list[str]], folder: Path, kind: pa.DataType) -> str:
    values = pa.array(rows["review"])
    values = values.dictionary_encode() if pa.types.is_dictionary(kind) else values.cast(kind)
    pq.write_table(pa.table({"review": values}), folder / "new.parquet")
    return str(folder / "new.parquet")


TEXTS = tuple(
    Difference(name, "text", documented, change, *rest)  # type: ignore[arg-type]
    for name, documented, change, *rest in (
        ("json lines", FORMAT, _lines), ("in memory", FORMAT, lambda r, f: r),
        ("semicolons", FORMAT, lambda r, f: _csv(r, f, ";")),
        ("utf-16", FORMAT, lambda r, f: _csv(r, f, encoding="utf-16")),
        ("large strings", FORMAT, lambda r, f: _parquet(r, f, pa.large_string())),
        ("dictionary", FORMAT, lambda r, f: _parquet(r, f, pa.dictionary(pa.int32(), pa.string()))),
        ("bytes", FORMAT, lambda r, f: _parquet(r, f, pa.binary())),
        ("files", PLACES, _files("utf-8")), ("files in utf-16", PLACES, _files("utf-16")),
        ("more columns", ORDER, lambda r, f: {"a": r["review"], "review": r["review"], "prediction": r["review"]}),
        ("one text", FEW, lambda r, f: {"review": r["review"][4:5]}, "same", "", slice(4, 5)),
        ("another name", GONE, lambda r, f: _csv(r, f, name="reviews"), "refused", "did you mean 'reviews'?"),
        ("no text", GAPS, lambda r, f: {"review": [None] * len(r["review"])}, "told",
         "'review' is missing", NONE),
        ("a document", OTHERS, lambda r, f: among("x.pdf")(
            [Path(p) for p in sorted(map(str, Path(_files("utf-8")(r, f)).rename(f / "old").iterdir()))], f),
         "told", "1 other file is left out"),
        ("no rows", EMPTY, lambda r, f: {"review": []}, "refused", "has no rows"),
    )
)  # fmt: skip

MEDIA = (*_media("image", ".png"), *IMAGES, *_media("audio", ".wav"), *SOUNDS, *TEXTS)


def plain_files(modality: str, source: Path, folder: Path) -> Files:
    """Media files like those a model learned from, in the order of their paths; the images in shades of grey."""
    found = sorted(path for path in source.rglob("*.*") if path.is_file())[::5][:12]
    made = []
    for i, file in enumerate(found):
        place = folder / f"{i:03}{file.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        if modality == "image":
            out = io.BytesIO()
            Image.open(file).convert("L").convert("RGB").save(out, "PNG")
            place.write_bytes(out.getvalue())
        else:
            same(file, place)
        made.append(place)
    return made
