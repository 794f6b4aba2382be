"""Clips of every kind become mono float32 waveforms at one rate, and broken ones an error that names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from deepworth.errors import UserError
from deepworth.modalities._audio import clip_header, decode_audio, load_clips, resample, sample_headers
from deepworth.modalities.audio import sniff, toy
from deepworth.types import Column

from .test_image import examples_of

EMPTY = pa.table({})
RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".mp3"])
def test_every_format_sounds_the_same(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"tone{ending}")
    soundfile.write(path, np.column_stack([TONE, TONE]), RATE)
    wave = decode_audio(path, 8_000)
    assert wave.dtype == np.float32 and wave.ndim == 1
    assert abs(len(wave) - 8_000) < 500  # MP3 pads
    strongest = np.abs(np.fft.rfft(wave[1000:7000])).argmax() * 8_000 / 6_000
    assert abs(strongest - 440) < 3
    assert 0.4 < np.abs(wave[1000:7000]).max() < 0.6
    seconds, rate = clip_header(path)
    assert abs(seconds - 1) < 0.1 and rate == RATE
    assert len(decode_audio(path, 8_000, seconds=0.25)) == 2_000


@given(native=st.sampled_from([8_000, 11_025, 22_050, 44_100, 48_000]), rate=st.sampled_from([8_000, 16_000, 22_050]))
def test_resampling_keeps_length_and_level(native: int, rate: int) -> None:
    wave = np.sin(2 * np.pi * 300 * np.arange(native // 4) / native)
    found = resample(wave, native, rate)
    assert abs(len(found) - rate / 4) <= 1
    assert abs(found[200:-200].std() - wave.std()) < 0.02


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x04\0\0\0WAVE"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.wav"):
        decode_audio(str(path), RATE)
    with pytest.raises(UserError, match=r"broken\.wav"):
        clip_header(str(path))


def test_an_empty_clip_is_an_error_and_bad_samples_are_silenced(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(UserError, match=r"empty.wav.*no samples"):
        decode_audio(str(tmp_path / "empty.wav"), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0.5, np.nan, np.inf, 0.25]), RATE, subtype="FLOAT")
    assert decode_audio(str(tmp_path / "nan.wav"), RATE).tolist() == [0.5, 0.0, 0.0, 0.25]
    for rate in (1, 1_000_000_000):
        soundfile.write(tmp_path / "odd.wav", np.zeros(9), rate)
        with pytest.raises(UserError, match=r"odd.wav.*samples a second are those of no recording"):
            decode_audio(str(tmp_path / "odd.wav"), RATE)
    soundfile.write(tmp_path / "prime.wav", np.zeros(99_998), 999_983)
    assert len(decode_audio(str(tmp_path / "prime.wav"), RATE)) == pytest.approx(RATE / 10, abs=2)
    soundfile.write(tmp_path / "loud.wav", np.array([0.5, 1e38, -1e38]), RATE, subtype="FLOAT")
    assert np.isfinite(decode_audio(str(tmp_path / "loud.wav"), RATE) ** 2).all()


def test_chunks_cover_every_row_and_broken_ones_are_silent(tmp_path: Path) -> None:
    paths: list[str | None] = []
    for row in range(5):
        soundfile.write(tmp_path / f"{row}.wav", TONE[: 100 * (row + 1)], RATE)
        paths.append(str(tmp_path / f"{row}.wav"))
    paths[2] = None
    notes: dict[str, int] = {}
    chunks = list(load_clips(examples_of(paths), "file", RATE, threads=2, chunk=2, notes=notes))
    assert np.concatenate([positions for positions, _ in chunks]).tolist() == list(range(5))
    assert [len(wave) for _, waves in chunks for wave in waves] == [100, 200, 1600, 400, 500]
    assert notes == {"broken": 1}
    assert len(sample_headers(examples_of(paths), "file")) == 4


def test_sniff_and_toy(tmp_path: Path) -> None:
    assert sniff((Column(name="b", kind="audio"),), EMPTY)
    assert not sniff((Column(name="a", kind="text"),), EMPTY)
    assert len(list(toy(tmp_path / "toy", 6, 0, "binary").rglob("*.wav"))) == 6
    assert toy(tmp_path / "numbers", 3, 0, "regression").read_text().startswith("file,target")
