"""Audio files as mono float32 waveforms: decoding, resampling, and decoding many over threads."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import soundfile
from scipy.signal import resample_poly

from deepworth.data.examples import Examples
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.modalities._load import in_chunks, tolerant

LEAST_RATE, MOST_RATE = 100, 10_000_000  # a header that says less would make minutes of a sample
FINEST = 50_000
LOUDEST = 1e3  # a sample of a damaged file may be 1e38, whose square is no number


def decode_audio(path: str, rate: int, seconds: float | None = None) -> np.ndarray:
    """The mean of a clip's channels at `rate` samples a second, (samples,) float32, about -1 to 1.

    WAV, FLAC, OGG and MP3, of which no more than the first `seconds` are decoded. Raises UserError that names a file
    that is missing, broken or empty.
    """
    data = io.BytesIO(read_bytes(path))
    try:
        with soundfile.SoundFile(data) as file:
            if not LEAST_RATE <= file.samplerate <= MOST_RATE:
                raise ValueError(f"{file.samplerate:,} samples a second are those of no recording")
            frames = -1 if seconds is None else math.ceil(seconds * file.samplerate)
            samples, native = file.read(frames, dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, TypeError, ValueError) as error:  # TypeError: taken for headerless RAW
        raise _unreadable(path, data, error) from error
    if not len(samples):
        raise UserError(f"cannot read the audio file {path}: it holds no samples; mend the file or take its row out")
    wave = np.nan_to_num(samples.mean(axis=1), posinf=0.0, neginf=0.0)
    return resample(wave.clip(-LOUDEST, LOUDEST), native, rate)


def resample(wave: np.ndarray, native: int, rate: int) -> np.ndarray:
    """`wave` (samples,) at `rate` instead of `native` samples a second, float32, by a polyphase filter."""
    if native == rate:
        return wave.astype(np.float32, copy=False)
    ratio = Fraction(rate, native)
    if ratio.denominator > FINEST:  # the filter grows with it: a prime rate would take seconds a clip
        ratio = ratio.limit_denominator(FINEST)
    return resample_poly(wave, ratio.numerator, ratio.denominator).astype(np.float32, copy=False)


def clip_header(path: str) -> tuple[float, int]:
    """(seconds, samples a second) as the header says; nothing is decoded. Raises UserError."""
    data = io.BytesIO(read_bytes(path))
    try:
        info = soundfile.info(data)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise _unreadable(path, data, error) from error
    return info.frames / info.samplerate, info.samplerate


def load_clips(
    examples: Examples,
    column: str,
    rate: int,
    *,
    seconds: float | None = None,
    threads: int = 1,
    chunk: int = 64,
    notes: dict[str, Any] | None = None,
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """(positions, mono float32 waveforms of their own lengths) in order, `chunk` rows at a time.

    A file that cannot be read becomes a tenth of a second of silence and is counted in `notes["broken"]` (give
    `context.notes`). Clips longer than `seconds` are cut.
    """
    wave = tolerant(
        lambda path: decode_audio(path, rate, seconds), lambda: np.zeros(max(1, rate // 10), dtype=np.float32), notes
    )
    return in_chunks(examples, column, lambda paths: [wave(path) for path in paths], threads=threads, chunk=chunk)


def sample_headers(examples: Examples, column: str, rows: int = 64) -> np.ndarray:
    """(n, 2) seconds and rates in the headers of at most `rows` files spread evenly, broken ones left out."""
    headers = []
    for path in examples.take(np.unique(np.linspace(0, len(examples) - 1, rows).astype(int))).strings(column):
        try:
            headers.append(clip_header(path))
        except UserError:  # counted when it is decoded
            continue
    return np.array(headers, dtype=np.float64).reshape(-1, 2)


def _unreadable(path: str, data: io.BytesIO, error: BaseException) -> UserError:
    reason = str(error).replace(repr(data), "it")  # libsndfile names the buffer, not the file
    return UserError(f"cannot read the audio file {path}: {reason}; mend the file or take its row out")
