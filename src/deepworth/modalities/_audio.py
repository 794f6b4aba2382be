"""Audio files as mono float32 waveforms: decoding, resampling, and decoding many over threads."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile
from scipy.signal import resample_poly

from deepworth.data.examples import Examples
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.modalities._load import decode_rows


def decode_audio(path: str, rate: int, seconds: float | None = None) -> np.ndarray:
    """The mean of a clip's channels at `rate` samples a second, (samples,) float32, about -1 to 1.

    WAV, FLAC, OGG and MP3, of which no more than the first `seconds` are decoded. Raises UserError that names a file that
    is missing, broken or empty.
    """
    data = read_bytes(path)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            frames = -1 if seconds is None else math.ceil(seconds * file.samplerate)
            samples, native = file.read(frames, dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, TypeError, ValueError) as error:  # TypeError: taken for headerless RAW
        raise _unreadable(path, error) from error
    if not len(samples):
        raise _unreadable(path, "it holds no samples")
    return resample(np.nan_to_num(samples.mean(axis=1), posinf=0.0, neginf=0.0), native, rate)


def resample(wave: np.ndarray, native: int, rate: int) -> np.ndarray:
    """`wave` (samples,) at `rate` instead of `native` samples a second, float32, by a polyphase filter."""
    if native == rate:
        return wave.astype(np.float32, copy=False)
    shared = math.gcd(native, rate)
    return resample_poly(wave, rate // shared, native // shared).astype(np.float32, copy=False)


def clip_header(path: str) -> tuple[float, int]:
    """(seconds, samples a second) as the header says; nothing is decoded. Raises UserError."""
    data = read_bytes(path)
    try:
        info = soundfile.info(io.BytesIO(data))
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error
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
    return decode_rows(
        examples,
        column,
        lambda path: decode_audio(path, rate, seconds),
        lambda: np.zeros(max(1, rate // 10), dtype=np.float32),
        threads=threads,
        chunk=chunk,
        notes=notes,
    )


def _unreadable(path: str, reason: object) -> UserError:
    return UserError(f"cannot read the audio file {path}: {reason}; mend the file or take its row out")
