"""Places where files should not be, files that are no files, and media whose headers lie."""

from __future__ import annotations

import functools
import io
import os
import socket
import struct
import tarfile
import zlib
from contextlib import suppress
from pathlib import Path
from random import Random

from _mutants import PICTURES, SOUNDS, picture_file, sound_file
from _strange import zipped

PATHS = (
    "/etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/mem", "/", "..", ".", "", "~/x.png", "file:///etc/passwd",
    "../../../../etc/hostname", "p/../../../etc/passwd", "C:\\p\\0.png", "\\\\server\\x.png", "//x/y.png", "*.png",
    "http://127.0.0.1:1/x.png", "data:image/png;base64,AAAA", "x" * 300 + ".png", "p/" * 900 + "0.png", "a\0.png",
    "pipe.png", "socket.png", "loop.png", "closed.png", "folder.png", "zero.png", "photos.zip/p/0.png", "%70/0.png",
    "photos.zip/../0.png", ".zip/", "x.zip/y.zip/z.png", "p/0.png\n", " p/0.png ", "P/0.PNG", "p//0.png", "./p/0.png",
)  # fmt: skip
ODD_NAMES = (
    b"a\nb",
    b"\xff\xfe",
    b"\xe9t\xe9",
    b"-rf",
    b"'",
    b'"',
    b"%s",
    b"\xf0\x9f\xa6\x86",
    b"a\rb",
    b"x" * 240,
    b"\x01",
)


def places(rng: Random, folder: Path) -> tuple[str, str]:
    """A folder with pipes, sockets, loops and odd names among its files, or a table of paths to such things."""
    root = folder / "data"
    suffix = rng.choice((".png", ".png", ".wav", ".txt"))
    _good(root, suffix, rng.choice((4, 24, 24)))
    odd = rng.sample(
        ("pipe", "socket", "loop", "zero", "closed", "folder", "names", "up", "deep", "zip"), rng.randint(1, 4)
    )
    for what in odd:
        _plant(rng, root if rng.random() < 0.3 else root / "p", what, suffix)
    trick = rng.choice(("folder", "folder", "folder", "paths", "paths", "one"))
    if trick == "folder":
        return f"{suffix} {' '.join(odd)}", str(root) + rng.choice(("", "/", "/.", "/p/.."))
    if trick == "paths":
        good = [f"{'pq'[i % 2]}/{i}{suffix}" for i in range(24)]
        share = rng.choice((0.03, 0.5, 1.0))
        paths = [rng.choice(PATHS).replace(".png", suffix) if rng.random() < share else path for path in good]
        quoted = [path.replace('"', '""') for path in paths]
        lines = ["file,y", *(f'"{path}",{"pq"[i % 2]}' for i, path in enumerate(quoted))]
        (root / "labels.csv").write_text("\n".join(lines))
        return f"paths {suffix} {share}", str(root / "labels.csv")
    source = rng.choice((
        "/dev/zero", "/dev/stdin", "/dev/full", "/proc/self/environ", "/proc/self/mem", "/proc/self/fd", "", ".", "..",
        "/dev",
        str(root / "pipe.csv"), str(root / "zero.csv"), str(root / "loop"), str(root / "p" / f"0{suffix}"),
        "~nobody/x.csv",
        str(root / "q") + "::t", str(root) + "\0", "s3://bucket/x.csv", "-", "rows.csv\n", str(root / "socket.parquet"),
        str(root / "pipe.zip"), str(root / "zero.db"), str(root / "pipe.xlsx::a"), str(root / "pipe.jsonl"),
    ))  # fmt: skip
    name = Path(source.partition("::")[0]).name
    with suppress(OSError, ValueError):
        if source.startswith(str(root)) and name.startswith("pipe"):
            os.mkfifo(root / name)
        elif source.startswith(str(root)) and name.startswith("zero"):
            (root / name).symlink_to("/dev/zero")
        elif source.startswith(str(root)) and name.startswith("socket"):
            _listen(root / name)
    return f"one {source[:30]!r}", source


def _good(root: Path, suffix: str, count: int) -> None:
    for i in range(count):
        place = root / "pq"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        data = (
            picture_file(suffix, i % 6)
            if suffix in PICTURES
            else sound_file(suffix, 0)
            if suffix in SOUNDS
            else b"word"
        )
        (place / f"{i}{suffix}").write_bytes(data)


def _listen(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # the name of a socket has 108 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def _plant(rng: Random, place: Path, what: str, suffix: str) -> None:
    path = place / f"{what}{suffix}"
    if path.exists() or path.is_symlink():
        return
    if what == "pipe":
        os.mkfifo(path)
    elif what == "socket":
        _listen(path)
    elif what == "loop":
        path.symlink_to(path.name)
        (place / "loop").symlink_to(rng.choice((".", "..", "loop")))
    elif what == "zero":
        path.symlink_to(rng.choice(("/dev/zero", "/dev/urandom", "/proc/kcore")))
    elif what == "closed":
        path.write_bytes(b"closed")
        path.chmod(0)
        (place / "shut").mkdir()
        (place / "shut" / f"1{suffix}").write_bytes(b"x")
        (place / "shut").chmod(0)
    elif what == "folder":
        (path / "inside").mkdir(parents=True)
    elif what == "names":
        for name in rng.sample(ODD_NAMES, 4):
            Path(os.fsdecode(os.fsencode(place) + b"/" + name + suffix.encode())).write_bytes(_content(suffix))
        if rng.random() < 0.4:
            odd = Path(os.fsdecode(os.fsencode(place.parent) + b"/" + rng.choice(ODD_NAMES)))
            odd.mkdir(exist_ok=True)
            for i in range(8):
                (odd / f"{i}{suffix}").write_bytes(_content(suffix))
    elif what == "up":
        path.symlink_to("../..")
    elif what == "deep":
        deep = place / "/".join("d" * 200)
        with suppress(OSError):
            deep.mkdir(parents=True)
            (deep / f"0{suffix}").write_bytes(_content(suffix))
    else:
        inner = zipped({"p/0.png": picture_file(".png", 0)})
        for _ in range(rng.choice((1, 5))):
            inner = zipped({"inner.zip": inner})
        (place / "inner.zip").write_bytes(inner)
        with tarfile.open(place / "photos.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo("../up.png"), io.BytesIO())


def _content(suffix: str) -> bytes:
    return picture_file(suffix, 1) if suffix in PICTURES else sound_file(suffix, 1) if suffix in SOUNDS else b"word"


def liars(rng: Random, folder: Path) -> tuple[str, str]:
    """Class folders of media of which some say of themselves what cannot be, or what nobody should unpack."""
    name = rng.choice(tuple(_liars()))
    suffix, bad = _liars()[name]
    share, root = rng.choice((0.1, 0.5, 1.0)), folder / "data"
    rows = 24 if len(bad) < 1e6 else 6
    for i in range(rows):
        place = root / "pq"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        good = picture_file(suffix, i % 6) if suffix in PICTURES else sound_file(suffix, i % 4)
        (place / f"{i}{suffix}").write_bytes(bad if rng.random() < share else good)
    return f"{name} {share}", str(root)


@functools.cache
def _liars() -> dict[str, tuple[str, bytes]]:
    from PIL import Image

    def png(width: int, height: int, text: int = 0) -> bytes:
        """A one-bit picture, its black rows packed to a thousandth."""

        def block(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        packer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
        rows = b"".join(packer.compress(row * 64) for _ in range(height // 64)) + packer.compress(row * (height % 64))
        head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        said = block(b"zTXt", b"a\0\0" + zlib.compress(bytes(text), 9)) if text else b""
        return (
            b"\x89PNG\r\n\x1a\n"
            + block(b"IHDR", head)
            + said
            + block(b"IDAT", rows + packer.flush())
            + block(b"IEND", b"")
        )

    def wav(rate: int, channels: int = 1, bits: int = 16, claims: int | None = None, samples: int = 800) -> bytes:
        body = bytes(samples * 2)
        size = len(body) if claims is None else claims
        step = channels * bits // 8
        form = struct.pack("<HHIIHH", 1, channels, rate, min(rate * step, 2**32 - 1), step % 65536, bits)
        head = b"RIFF" + struct.pack("<I", min(size + 36, 2**32 - 1)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        return head + b"data" + struct.pack("<I", size) + body

    frames = io.BytesIO()
    few = [Image.new("P", (8, 8), i % 256) for i in range(3000)]
    few[0].save(frames, "GIF", save_all=True, append_images=few[1:])
    return {
        "13,000 by 13,000": (".png", png(13_000, 13_000)),
        "one by 100 million": (".png", png(1, 100_000_000 // 8)),
        "millions by one": (".png", png(8_000_000, 1)),
        "30,000 by 30,000": (".png", png(30_000, 30_000)),
        "a gigabyte of remarks": (".png", png(8, 8, 1 << 28)),
        "3,000 frames": (".gif", frames.getvalue()),
        "vector": (".png", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1/x"/></svg>'),
        "no samples": (".wav", wav(8000, samples=0)),
        "a billion a second": (".wav", wav(1_000_000_000)),
        "four billion a second": (".wav", wav(2**32 - 1)),
        "no rate": (".wav", wav(0)),
        "one a second": (".wav", wav(1)),
        "prime rate": (".wav", wav(999_983)),
        "no channels": (".wav", wav(8000, channels=0)),
        "60,000 channels": (".wav", wav(8000, channels=60_000)),
        "no bits": (".wav", wav(8000, bits=0)),
        "says four gigabytes": (".wav", wav(8000, claims=2**32 - 1)),
        "one sample": (".wav", wav(8000, samples=1)),
    }
