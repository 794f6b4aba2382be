"""Sound files of every format that readers and decoders know, and what becomes of them when bytes change."""

from __future__ import annotations

import functools
import gzip
import io
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
from _strange import WRITERS, zipped
from PIL import Image

PICTURES = (".jpg", ".png", ".webp", ".gif", ".bmp", ".tif")
SOUNDS = (".wav", ".flac", ".mp3", ".ogg")
ROWS = 40
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1)
SIGNS = (
    b"\0",
    b"\xff",
    b"\xff\xd9",
    b"\r\n",
    b'"',
    b",",
    b"PAR1",
    b"ARROW1",
    b"PK\1\2",
    b"IDAT",
    b"data",
    b"\xef\xbb\xbf",
)


def mutated(rng: Random, data: bytes) -> tuple[str, bytes]:
    """How the bytes were changed, and what they are then."""
    made = bytearray(data or b"\n")
    how = rng.choice(("bits", "bytes", "cut", "head", "lengths", "out", "twice", "signs", "ends", "zeros", "much"))
    at, size = rng.randrange(len(made)), rng.choice((1, 4, 16, 200))
    if how == "bits":
        for _ in range(rng.choice((1, 1, 2, 8))):
            made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    elif how == "bytes":
        for _ in range(rng.choice((1, 5, 50))):
            made[rng.randrange(len(made))] = rng.randrange(256)
    elif how == "cut":
        del made[rng.choice((at, len(made) - size, min(len(made), 64))) :]
    elif how == "head":  # where formats say what follows
        for _ in range(rng.choice((1, 2, 4))):
            made[rng.randrange(min(len(made), 96))] = rng.randrange(256)
    elif how == "lengths":
        width, order = rng.choice((2, 4, 8)), rng.choice(("little", "big"))
        number = (rng.choice(NUMBERS) % 2 ** (8 * width)).to_bytes(width, "little" if order == "little" else "big")
        place = rng.choice((at, rng.randrange(min(len(made), 96)), max(0, len(made) - 1 - rng.randrange(96))))
        made[place : place + width] = number
    elif how == "out":
        del made[at : at + size]
    elif how == "twice":
        made[at:at] = made[at : at + size]
    elif how == "signs":
        made[at:at] = rng.choice(SIGNS)
    elif how == "ends":
        made = made[rng.randrange(min(len(made), 20)) :] if rng.random() < 0.5 else made + rng.randbytes(size)
    elif how == "zeros":
        made[at : at + size] = bytes(len(made[at : at + size]))
    else:
        for place in range(0, len(made), max(1, len(made) // 200)):
            made[place] = rng.randrange(256)
    return how, bytes(made)


def mutant(rng: Random, folder: Path) -> tuple[str, str]:
    """One table, archive or database of real content, mutated."""
    name = rng.choice(tuple(_tables()))
    how, data = mutated(rng, _tables()[name])
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        also, data = mutated(rng, data)
        how += f"+{also}"
    path = folder / name
    path.write_bytes(data)
    return f"{name} {how}", str(path)


def mutants(rng: Random, folder: Path) -> tuple[str, Any]:
    """Pictures or recordings of which some are mutated: in class folders, in a zip, or as bytes in a table."""
    family = PICTURES if rng.random() < 0.5 else SOUNDS
    suffix = rng.choice(family)
    share, rows = rng.choice((0.05, 0.3, 1.0)), rng.choice((12, 24))
    hows, files = set(), []
    for i in range(rows):
        data = sound_file(suffix, i % 4) if family is SOUNDS else picture_file(suffix, i % 6)
        if rng.random() < share:
            how, data = mutated(rng, data)
            hows.add(how)
        files.append(data)
    what = f"{suffix} {' '.join(sorted(hows)[:3])}"
    names = [f"{'pq'[i % 2]}/{i}{suffix}" for i in range(rows)]
    form = rng.choice(("folder", "folder", "folder", "zip", "bytes"))
    if form == "folder":
        for name, data in zip(names, files, strict=True):
            (folder / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "photos" / name).write_bytes(data)
        return f"folder {what}", str(folder / "photos")
    if form == "zip":
        (folder / "photos.zip").write_bytes(zipped(dict(zip(names, files, strict=True))))
        return f"zip {what}", str(folder / "photos.zip")
    rows_of = pa.table({"media": files, "y": [name[0] for name in names]})
    pq.write_table(rows_of, folder / "photos.parquet")
    return f"bytes {what}", str(folder / "photos.parquet")


@functools.cache
def picture_file(suffix: str, number: int) -> bytes:
    """A picture that has something on it, in a mode and with options that the format knows."""
    pixels = np.random.default_rng(number).integers(0, 256, (21, 30, 3)).astype(np.uint8)
    pixels[5:15] = 200
    image: Any = Image.fromarray(pixels)
    out = io.BytesIO()
    if suffix == ".jpg":
        modes = ("RGB", "L", "CMYK", "RGB", "RGB", "RGB")
        image.convert(modes[number]).save(
            out, "JPEG", progressive=number == 3, exif=_sideways() if number == 4 else b""
        )
    elif suffix == ".png":
        deep = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        made = (image, image.convert("P"), image.convert("RGBA"), deep, image.convert("1"), image.convert("LA"))[number]
        made.save(out, "PNG")
    elif suffix == ".webp":
        image.convert("RGBA" if number % 2 else "RGB").save(out, "WEBP", lossless=number > 3)
    elif suffix == ".gif":
        more = [image.rotate(90 * i) for i in range(number)]
        image.save(out, "GIF", save_all=bool(more), append_images=more)
    elif suffix == ".tif":
        packed = (None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg", None)[number]
        image.convert("CMYK" if number == 5 else "RGB").save(out, "TIFF", compression=packed)
    else:
        image.convert("L" if number % 2 else "RGB").save(out, "BMP")
    return out.getvalue()


def _sideways() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


@functools.cache
def sound_file(suffix: str, number: int) -> bytes:
    """A tone of a fifth of a second at one of four rates, mono or stereo."""
    import soundfile

    rate = (8000, 16000, 44100, 22050)[number]
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate // 5) / rate)
    wave = np.stack([wave, -wave / 2], axis=1) if number % 2 else wave
    subtype = ("PCM_16", "FLOAT", "PCM_24", "ULAW")[number] if suffix == ".wav" else None
    out = io.BytesIO()
    soundfile.write(out, wave, rate, format=suffix[1:].upper(), subtype=subtype)
    return out.getvalue()


@functools.cache
def _tables() -> dict[str, bytes]:
    """Name of a file -> its content: one table in every format and coding."""
    rng = Random(0)
    columns: list[tuple[str, list[Any]]] = [
        ("size", [None if i % 9 == 4 else round(rng.gauss(5, 2), 3) for i in range(ROWS)]),
        ("count", [rng.randint(0, 99) for _ in range(ROWS)]),
        ("city", [rng.choice(("Köln", "Zürich", "New York", "東京")) for _ in range(ROWS)]),
        ("day", [f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" for _ in range(ROWS)]),
        ("remark", [f'the "{i}th" guest, in short: it was fine here' for i in range(ROWS)]),
        ("y", [rng.choice("pq") for _ in range(ROWS)]),
    ]
    made = {f"rows{suffix}": write(Random(5), columns) for suffix, write in WRITERS.items()}
    table = pa.table(dict(columns))
    typed = table.set_column(3, "day", table["day"].cast(pa.date32())).set_column(
        2, "city", table["city"].dictionary_encode()
    )
    for name, options in {
        "plain.parquet": {"use_dictionary": False, "compression": "none"},
        "pages.parquet": {"data_page_version": "2.0", "compression": "zstd", "write_page_index": True},
        "groups.parquet": {"row_group_size": 7, "compression": "gzip", "write_statistics": False},
    }.items():
        out = io.BytesIO()
        pq.write_table(typed, out, **options)
        made[name] = out.getvalue()
    for name, packed in {"rows.feather": "lz4", "packed.feather": "zstd", "plain.feather": "uncompressed"}.items():
        out = io.BytesIO()
        pyarrow.feather.write_feather(typed, out, compression=packed)
        made[name] = out.getvalue()
    out = io.BytesIO()
    with pa.ipc.new_stream(out, typed.schema) as sink:
        sink.write_table(typed, max_chunksize=9)
    made["stream.arrows"] = out.getvalue()
    body = made["rows.csv"]
    made |= {"rows.csv.gz": gzip.compress(body), "rows.jsonl.gz": gzip.compress(made["rows.jsonl"])}
    made |= {"table.zip": zipped({"rows.csv": body}), "rows.tsv": body.replace(b",", b"\t")}
    made["photos.zip"] = zipped({f"{'pq'[i % 2]}/{i}.png": picture_file(".png", i % 6) for i in range(12)})
    return made
