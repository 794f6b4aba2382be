"""Spectra of a waveform: power, log-mel, MFCC and deltas, after librosa's definitions, in vectorised numpy."""

from __future__ import annotations

import functools

import numpy as np
from scipy.fft import dct, rfft

KNEE_HZ, KNEE_MEL = 1000.0, 15.0  # Slaney's scale: linear below, 27 steps to a factor of 6.4 above
MEL_A_HZ = 3.0 / 200.0
MEL_A_LOG = 27.0 / np.log(6.4)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Mels on the scale of Slaney's Auditory Toolbox (1998), as in librosa."""
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < KNEE_HZ, hz * MEL_A_HZ, KNEE_MEL + np.log(np.maximum(hz, 1e-9) / KNEE_HZ) * MEL_A_LOG)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """The inverse of `hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < KNEE_MEL, mel / MEL_A_HZ, KNEE_HZ * np.exp((mel - KNEE_MEL) / MEL_A_LOG))


@functools.lru_cache(maxsize=8)
def mel_filters(rate: int, n_fft: int, n_mels: int, low: float = 0.0, high: float | None = None) -> np.ndarray:
    """(n_fft // 2 + 1, n_mels) float32 triangles of equal area (Slaney norm), `low` to `high` Hz (default rate / 2)."""
    edges = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high or rate / 2), n_mels + 2))
    bins = np.fft.rfftfreq(n_fft, 1 / rate)[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))
    filters.flags.writeable = False
    return filters.astype(np.float32)


def power(wave: np.ndarray, n_fft: int, hop: int) -> np.ndarray:
    """(1 + samples // hop, n_fft // 2 + 1) float32 squared magnitudes of centred, Hann-windowed frames, zero-padded."""
    padded = np.pad(wave.astype(np.float32, copy=False), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    spectrum = rfft(frames * _hann(n_fft), axis=1)
    return np.square(spectrum.real) + np.square(spectrum.imag)


@functools.lru_cache(maxsize=8)
def _hann(n_fft: int) -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def log_mel(wave: np.ndarray, rate: int, n_fft: int, hop: int, n_mels: int, range_db: float = 80.0) -> np.ndarray:
    """(frames, n_mels) float32 decibels, no lower than `range_db` below the clip's loudest."""
    return decibels(power(wave, n_fft, hop) @ mel_filters(rate, n_fft, n_mels), range_db)


def decibels(energy: np.ndarray, range_db: float = 80.0) -> np.ndarray:
    """10 log10, floored at 1e-10 and at `range_db` below the largest."""
    level = 10.0 * np.log10(np.maximum(energy, 1e-10))
    return np.maximum(level, level.max() - range_db)


def mfcc(log_mels: np.ndarray, count: int = 20) -> np.ndarray:
    """(frames, count) cepstral coefficients of (frames, n_mels) log-mels: the orthonormal DCT-II."""
    return dct(log_mels, type=2, norm="ortho", axis=1)[:, :count]


def deltas(features: np.ndarray, reach: int = 2) -> np.ndarray:
    """The slope over time of each column of (frames, n), a regression over `reach` frames each way (HTK's formula)."""
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    frames = len(features)
    slope = sum(
        step * (padded[reach + step : reach + step + frames] - padded[reach - step : reach - step + frames])
        for step in range(1, reach + 1)
    )
    return slope / (2 * sum(step * step for step in range(1, reach + 1)))
