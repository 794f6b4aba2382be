"""The mistakes of the winner shown as what they are: pictures, recordings, sentences or rows."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deepworth.data.examples import Examples
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.report.quality import Rows
from deepworth.report.words import number, short
from deepworth.types import Dataset, record

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN = 6
TYPICAL = 3  # right answers shown beside the mistakes
SIDE = 220  # pixels of the longer side of a picture
CLIP = 4.0  # seconds of a recording that are kept ...
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000)  # samples a second
MOST_RATE = MP3_RATES[-1]
LETTERS = 600  # of a text
CELLS = 8  # columns of a row


@record
class Example:
    """One test row the winner gets wrong, with what it said of it and how sure it was."""

    row: int  # in the source, from 0
    true: str
    said: str
    sure: float | None = None  # the probability it gave to what it said
    picture: str = ""  # a data URI
    sound: str = ""  # a data URI
    text: str = ""
    cells: tuple[tuple[str, str], ...] = ()  # (column, value)
    pushes: tuple[tuple[str, str, float], ...] = ()  # (column, value, what it adds to the mistake), the strongest first
    file: str = ""
    heat: str = ""  # a data URI: the picture, red where it speaks for the mistake
    pieces: tuple[tuple[str, float], ...] = ()  # words, or seconds of a recording, with what each adds to the mistake


def worst(rows: Rows, most: int = SHOWN) -> np.ndarray:
    """Positions of the test rows of the surest mistakes, or of the largest residuals."""
    if not rows.test.dataset.task.is_classification:
        return np.argsort(-np.abs(rows.labels - rows.winner), kind="stable")[:most]
    said = rows.said
    wrong = np.flatnonzero(said != rows.labels)
    return wrong[np.argsort(-rows.winner[wrong, said[wrong]], kind="stable")][:most]


def surest(rows: Rows, most: int = TYPICAL) -> np.ndarray:
    """Positions of the test rows it gets right and is surest of, no two of one class while there are others."""
    said = rows.said
    right = np.flatnonzero(said == rows.labels)
    order = right[np.argsort(-rows.winner[right, said[right]], kind="stable")]
    _, first = np.unique(said[order], return_index=True)
    return order[np.sort(first)][:most]


def shown(rows: Rows, positions: np.ndarray, columns: Sequence[str] = ()) -> tuple[Example, ...]:
    """These rows as a person sees them. Of a table `columns`, else the first ones.

    A file that cannot be read has no picture and no sound.
    """
    dataset = rows.test.dataset
    some = rows.test.take(positions)
    return tuple(
        Example(row=int(some.rows[i]), **_answer(rows, int(position)), **_content(some, i, dataset, columns))
        for i, position in enumerate(positions)
    )


def _answer(rows: Rows, position: int) -> dict[str, Any]:
    task, predicted, label = rows.test.dataset.task, rows.winner[position], rows.labels[position]
    if not task.is_classification:
        return {"true": number(label), "said": number(predicted)}
    said = int(rows.said[position])
    return {
        "true": short(str(task.classes[label])),
        "said": short(str(task.classes[said])),
        "sure": float(predicted[said]),
    }


def _content(some: Examples, i: int, dataset: Dataset, columns: Sequence[str]) -> dict[str, Any]:
    one = some.take(np.array([i]))
    media = [c for c in dataset.feature_columns if c.kind in ("image", "audio", "text")]
    if not media or dataset.modality == "tabular":
        names = (columns or dataset.features)[:CELLS]
        return {"cells": tuple((short(name, 40), cell(one.column(name)[0].as_py())) for name in names)}
    column = media[0]
    value = one.strings(column.name)[0]
    if column.kind == "text":
        return {"text": value if len(value) <= LETTERS else value[:LETTERS] + " …"}
    name = value.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        content = read_bytes(value)
        return {
            "file": name,
            **({"picture": picture(content)} if column.kind == "image" else {"sound": sound(content)}),
        }
    except UserError:
        return {"file": f"{name} (cannot be read)"}


def cell(value: Any) -> str:
    """One value of a table as a cell."""
    if isinstance(value, float):
        return number(value)
    return "(missing)" if value is None else short(str(value), 80)


def picture(content: bytes) -> str:
    """A small JPEG of an image file as a data URI. Raises UserError for what is no image."""
    from PIL import Image

    small = open_picture(content, SIDE)
    if max(small.size) < SIDE // 2:
        factor = SIDE // 2 // max(small.size)
        small = small.resize((small.width * factor, small.height * factor), Image.Resampling.NEAREST)
    return jpeg(small)


def open_picture(content: bytes, side: int) -> Image:
    """An image file in RGB, its longer side at most `side` pixels. Raises UserError for what is no image."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (2 * side, 2 * side))
            small = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"no image: {error}") from error
    small.thumbnail((side, side))
    return small


def jpeg(image: Image) -> str:
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=72)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def open_sound(content: bytes, seconds: float) -> tuple[np.ndarray, int]:
    """(the first seconds of a recording, one channel; samples a second). Raises UserError for what is none."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            wave, rate = file.read(int(seconds * file.samplerate), dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, ValueError) as error:
        raise UserError(f"no recording: {error}") from error
    if not len(wave):
        raise UserError("no recording: it is empty")
    return wave.mean(1), rate


def sound(content: bytes) -> str:
    """The first seconds of a recording, one channel, as an MP3 data URI. Raises UserError for what is no recording."""
    import soundfile

    wave, rate = open_sound(content, CLIP)
    while rate > MOST_RATE:
        wave, rate = wave[: len(wave) // 2 * 2].reshape(-1, 2).mean(1), rate // 2
    if rate not in MP3_RATES:
        count = max(1, round(len(wave) * MOST_RATE / rate))
        wave, rate = np.interp(np.linspace(0, len(wave) - 1, count), np.arange(len(wave)), wave), MOST_RATE
    out = io.BytesIO()
    soundfile.write(out, np.clip(wave, -1, 1), rate, format="MP3", subtype="MPEG_LAYER_III")
    return "data:audio/mpeg;base64," + base64.b64encode(out.getvalue()).decode()
