"""Statistics over time of MFCC and other spectral features of clips, and the learners on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from deepworth.data.examples import Examples
from deepworth.modalities._audio import decode_audio, sample_headers
from deepworth.modalities._load import in_chunks, tolerant
from deepworth.modalities._spectrum import decibels, deltas, mel_filters, mfcc, power
from deepworth.models._heads import LinearHead, TreeHead
from deepworth.models.classical._described import CHUNK, Described

RATES = (8000, 16000, 22050)  # clips are brought to the largest that the files hold
LONGEST = 30.0  # seconds of a clip that are read
MELS, CEPSTRA, LOW = 40, 20, 13  # filters, coefficients, and coefficients laid out in time
PARTS = 5  # of the sounding span
AUDIBLE_DB = 40.0  # below the loudest frame a frame counts as silence

WIDTH = CEPSTRA * 11 + PARTS * LOW * 2 + 2 * 10 + 6 * 4 + 2


def common_rate(examples: Examples, name: str) -> int:
    """The largest of RATES that most files of a column reach, from a few headers."""
    headers = sample_headers(examples, name)
    native = np.median(headers[:, 1]) if len(headers) else RATES[0]
    return max((rate for rate in RATES if rate <= native), default=RATES[0])


def spectrum(wave: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(frames, bins) power and (frames, MELS) log-mels in decibels: windows of about 32 ms, a step of 10 ms."""
    n_fft = 2 ** round(np.log2(0.032 * rate))
    powers = power(wave, n_fft, rate // 100)
    return powers, decibels(powers @ mel_filters(rate, n_fft, MELS))


def sounding(log_mels: np.ndarray) -> slice:
    """The frames from the first to the last that can be heard."""
    level = log_mels.max(axis=1)
    heard = np.flatnonzero(level >= level.max() - AUDIBLE_DB)
    return slice(heard[0], heard[-1] + 1)


def describe_clip(wave: np.ndarray, rate: int) -> np.ndarray:
    """(WIDTH,) float32 features of one clip.

    Besides the means of the coefficients, which tell the voice and the room, everything is taken after subtracting them
    (cepstral mean normalisation), which carries over to speakers never heard.
    """
    powers, log_mels = spectrum(wave, rate)
    span = sounding(log_mels)
    powers, log_mels = powers[span], log_mels[span]
    cepstra = mfcc(log_mels, CEPSTRA)
    first = deltas(cepstra)
    second = deltas(first)
    mean = cepstra.mean(axis=0)
    centred = cepstra - mean
    parts = np.array_split(np.arange(len(cepstra)), PARTS)
    where = [part if len(part) else np.array([len(cepstra) - 1]) for part in parts]  # fewer frames than parts
    bands = (log_mels - log_mels.mean()).reshape(len(log_mels), 10, -1).mean(axis=2)
    return np.concatenate(
        [
            mean,
            centred.std(axis=0),
            np.percentile(centred, (10, 25, 50, 75, 90), axis=0).ravel(),
            first.std(axis=0),
            np.percentile(first, (10, 90), axis=0).ravel(),
            second.std(axis=0),
            np.concatenate([centred[part, :LOW].mean(axis=0) for part in where]),
            np.concatenate([first[part, :LOW].mean(axis=0) for part in where]),
            bands.mean(axis=0),
            bands.std(axis=0),
            _shape(powers, wave, rate),
            [np.log(len(wave) / rate), len(cepstra) * 0.01 * rate / len(wave)],
        ]
    ).astype(np.float32)


def _shape(powers: np.ndarray, wave: np.ndarray, rate: int) -> np.ndarray:
    """(24,) mean, spread and 10th and 90th percentile over time of centroid, bandwidth, roll-off, flatness, level and
    zero crossings."""
    powers = powers + 1e-10
    total = powers.sum(axis=1, keepdims=True)
    hertz = np.linspace(0, rate / 2, powers.shape[1], dtype=np.float32)
    share = powers / total
    centroid = share @ hertz
    bandwidth = np.sqrt(np.maximum(share @ np.square(hertz) - np.square(centroid), 0.0))
    rolloff = hertz[(np.cumsum(share, axis=1) < 0.85).sum(axis=1).clip(max=len(hertz) - 1)]
    flatness = np.log(powers).mean(axis=1) - np.log(total[:, 0] / powers.shape[1])
    level = decibels(total[:, 0])
    hop = rate // 100
    crossings = np.abs(np.diff(np.signbit(wave).astype(np.int8), append=np.int8(wave[-1] < 0)))
    padded = np.pad(crossings, (0, -len(crossings) % hop)).reshape(-1, hop).mean(axis=1)
    rows = [centroid, bandwidth, rolloff, flatness, level, padded]
    return np.concatenate([[row.mean(), row.std(), *np.percentile(row, (10, 90))] for row in rows])


class _Clips(Described):
    kind = "audio"
    width = WIDTH
    version = "mfcc1"

    def choose(self, examples: Examples, name: str) -> dict[str, Any]:
        return {"rate": common_rate(examples, name)}

    def describe(
        self, examples: Examples, name: str, settings: dict[str, Any], notes: dict[str, Any] | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rate = settings["rate"]
        wave = tolerant(
            lambda path: decode_audio(path, rate, LONGEST), lambda: np.zeros(rate // 10, dtype=np.float32), notes
        )
        return in_chunks(
            examples,
            name,
            lambda paths: np.stack([describe_clip(wave(path), rate) for path in paths]),
            threads=self.threads,
            chunk=CHUNK,
        )


class MfccLinear(_Clips):
    """MFCC statistics into a softmax or ridge regression."""

    head = LinearHead


class MfccTrees(_Clips):
    """MFCC statistics into boosted trees."""

    head = TreeHead
