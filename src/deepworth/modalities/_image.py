"""Image files as uint8 arrays: decoding, and decoding many over threads."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from PIL import ExifTags, Image, ImageOps

from deepworth.data.examples import Examples
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.modalities._load import in_chunks, tolerant

GREY = 127  # stands for an image that cannot be read
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
# What Pillow's decoders raise for damaged files, besides OSError (which UnidentifiedImageError is).
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, Image.DecompressionBombError)


def decode_image(path: str, size: tuple[int, int] | None = None, mode: Literal["RGB", "L"] = "RGB") -> np.ndarray:
    """The uint8 pixels of an image, (height, width, 3) for "RGB" and (height, width) for "L".

    `size` is (height, width): the image is stretched to it, anti-aliased; a JPEG far larger is shrunk while decoding,
    for a fraction of the price. EXIF orientation is applied, transparency is laid on white, 16-bit samples keep their
    high byte. Raises UserError that names a file that is missing or broken.
    """
    data = io.BytesIO(read_bytes(path))
    try:
        with Image.open(data) as image:
            if size is not None and image.format == "JPEG":
                sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
                image.draft(mode, size if sideways else size[::-1])
            image.load()
            plain = _plain(ImageOps.exif_transpose(image), mode)
            if size is not None and plain.size != size[::-1]:
                plain = plain.resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)
            return np.array(plain)
    except BROKEN as error:
        raise _unreadable(path, data, error) from error


def image_size(path: str) -> tuple[int, int]:
    """(height, width) as the header says, before EXIF orientation; no pixel is decoded. Raises UserError."""
    data = io.BytesIO(read_bytes(path))
    try:
        with Image.open(data) as image:
            return image.height, image.width
    except BROKEN as error:
        raise _unreadable(path, data, error) from error


def load_images(
    examples: Examples,
    column: str,
    size: tuple[int, int],
    mode: Literal["RGB", "L"] = "RGB",
    *,
    threads: int = 1,
    chunk: int = 64,
    notes: dict[str, Any] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(positions, uint8 images (n, height, width, 3) or (n, height, width)) in order, `chunk` rows at a time.

    A file that cannot be read becomes plain grey and is counted in `notes["broken"]` (give `context.notes`).
    """
    shape = (*size, 3) if mode == "RGB" else size
    pixels = tolerant(lambda path: decode_image(path, size, mode), lambda: np.full(shape, GREY, dtype=np.uint8), notes)
    return in_chunks(
        examples, column, lambda paths: np.stack([pixels(path) for path in paths]), threads=threads, chunk=chunk
    )


def sample_sizes(examples: Examples, column: str, rows: int = 64) -> np.ndarray:
    """(n, 2) heights and widths in the headers of at most `rows` files spread evenly; broken ones are left out."""
    sizes = []
    for path in examples.take(np.unique(np.linspace(0, len(examples) - 1, rows).astype(int))).strings(column):
        try:
            sizes.append(image_size(path))
        except UserError:  # counted when it is decoded
            continue
    return np.array(sizes, dtype=np.float64).reshape(-1, 2)


def _unreadable(path: str, data: io.BytesIO, error: BaseException) -> UserError:
    reason = str(error).replace(repr(data), "it")  # Pillow names the buffer, not the file
    return UserError(f"cannot read the image {path}: {reason}; mend the file or take its row out")


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """The image in `mode` with 8 bits a channel and no transparency."""
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image), image.mode))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def _eight_bits(values: np.ndarray, mode: str) -> np.ndarray:
    """Grey values of more than 8 bits as uint8: the high byte of 16 bits, else the image's own range stretched."""
    if mode.startswith("I;16") or (mode == "I" and values.min() >= 0 and 255 < values.max() < 65536):
        return (values.astype(np.int32) >> 8).astype(np.uint8)
    values = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    return ((values - low) * (255.0 / (high - low) if high > low else 0.0)).round().astype(np.uint8)
