"""Mel filters, log-mels, MFCC and deltas against transformers and against what the formulas promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.modalities._spectrum import deltas, hz_to_mel, log_mel, mel_filters, mel_to_hz, mfcc, power


@pytest.mark.parametrize(("rate", "n_fft", "n_mels"), [(8_000, 256, 40), (16_000, 400, 80), (22_050, 512, 64)])
def test_mel_filters_and_power_equal_those_of_transformers(rate: int, n_fft: int, n_mels: int) -> None:
    oracle = pytest.importorskip("transformers.audio_utils")
    bank = oracle.mel_filter_bank(n_fft // 2 + 1, n_mels, 0.0, rate / 2, rate, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(mel_filters(rate, n_fft, n_mels), bank, atol=1e-7)
    wave = np.random.default_rng(0).normal(size=rate // 2).astype(np.float32)
    spectrum = oracle.spectrogram(
        wave, oracle.window_function(n_fft, "hann"), n_fft, 160, power=2.0, pad_mode="constant"
    )
    np.testing.assert_allclose(power(wave, n_fft, 160), spectrum.T, rtol=1e-3, atol=1e-3)


@given(st.floats(0, 20_000))
def test_mel_is_invertible(hertz: float) -> None:
    assert abs(float(mel_to_hz(hz_to_mel(np.array(hertz)))) - hertz) < 1e-6 * max(1.0, hertz)


@given(st.integers(1, 3_000), st.integers(0, 99))
def test_frames_follow_the_hop_and_loudness_shifts_only_the_first_coefficient(samples: int, seed: int) -> None:
    wave = np.random.default_rng(seed).normal(size=samples).astype(np.float32)
    mels = log_mel(wave, 8_000, 256, 80, 40)
    assert mels.shape == (1 + samples // 80, 40) and np.isfinite(mels).all()
    louder = mfcc(log_mel(4 * wave, 8_000, 256, 80, 40), 13) - mfcc(mels, 13)
    np.testing.assert_allclose(louder[:, 0], 20 * np.log10(4) * np.sqrt(40), rtol=1e-3)
    np.testing.assert_allclose(louder[:, 1:], 0, atol=1e-2)


def test_silence_is_finite() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(800, dtype=np.float32), 8_000, 256, 80, 40), -100, rtol=1e-5)


def test_deltas_of_a_line_are_its_slope() -> None:
    line = np.outer(np.arange(20), [1.0, -2.0])
    np.testing.assert_allclose(deltas(line)[2:-2], np.tile([1.0, -2.0], (16, 1)))
    assert (deltas(np.ones((1, 3))) == 0).all()
