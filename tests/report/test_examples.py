"""Mistakes shown as what they are, and what drives a model that is known."""

from __future__ import annotations

import base64
import io
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.report.drivers import explained, importance
from deepworth.report.examples import picture, shown, sound, worst
from deepworth.report.quality import Rows, judged_rows
from deepworth.store import RunFolder
from tests.report.full_run import full_run, png, wav

RANDOM = np.random.default_rng(0)


def rows_of(folder: Path, modality: str = "tabular", kind: str = "binary") -> Rows:
    rows = judged_rows(RunFolder(full_run(folder / "a", modality, kind)))
    assert rows is not None
    return rows


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_worst_rows_are_wrong_and_come_first(tmp_path: Path, kind: str) -> None:
    rows = rows_of(tmp_path, kind=kind)
    found = worst(rows)
    examples = shown(rows, found)
    assert len(found) == 6 and all(e.true != e.said for e in examples)
    assert [e.row for e in examples] == [int(rows.test.rows[i]) for i in found]
    if kind != "regression":
        assert [e.sure for e in examples] == sorted((e.sure for e in examples), reverse=True)
    assert dict(examples[0].cells).keys() == {"age", "job"}


def test_mistakes_are_those_at_the_threshold(tmp_path: Path) -> None:
    rows = replace(rows_of(tmp_path), threshold=0.2)
    assert np.array_equal(rows.said, rows.winner[:, 1] >= 0.2) and not np.array_equal(rows.said, rows.winner.argmax(1))
    for place in worst(rows):
        (example,) = shown(rows, np.array([place]))
        assert example.said == (">50K" if rows.winner[place, 1] >= 0.2 else "<=50K") != example.true


def test_a_perfect_model_has_no_examples(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    assert not len(worst(replace(rows, winner=np.eye(2)[rows.labels])))


def test_pictures_are_small() -> None:
    from PIL import Image

    for side in (8, 900):
        uri = picture(png(RANDOM, side))
        image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
        assert 100 <= max(image.size) <= 220


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000, 9_999])
def test_recordings_keep_their_length(rate: int) -> None:
    import soundfile

    uri = sound(wav(RANDOM, rate, 1.0))
    wave, _ = soundfile.read(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    found = soundfile.info(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert abs(len(wave) / found.samplerate - 1.0) < 0.15 and len(uri) < 100_000


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_broken_files_are_refused(content: bytes) -> None:
    for make in (picture, sound):
        with pytest.raises(UserError):
            make(content)


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "image")
    for path in (tmp_path / "a").glob("*.png"):
        path.write_bytes(b"no image")
    found = shown(rows, worst(rows))
    assert all(not e.picture and "cannot be read" in e.file for e in found)


def model(predict: Any) -> Any:
    return SimpleNamespace(learner=SimpleNamespace(predict=predict))


def by_job(examples: Examples) -> np.ndarray:
    p = np.array([0.9 if job == "cook" else 0.1 for job in examples.strings("job")])
    return np.column_stack([1 - p, p])


def test_the_column_that_drives_a_model_is_found(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    rows = replace(rows, labels=np.array([int(job == "cook") for job in rows.test.strings("job")]))
    found = importance(model(by_job), rows, "auc", time.monotonic() + 20)
    assert [d.column for d in found] == ["job", "age"]
    assert found[0].low > 0 and found[1].increase == found[1].low == 0
    assert found[0].rounds >= 2


def test_importance_ends_in_time(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)

    asked = []

    def slow(examples: Examples) -> np.ndarray:
        asked.append(time.sleep(0.05))
        return by_job(examples)

    start = time.monotonic()
    importance(model(slow), rows, "auc", start + 0.5)
    assert len(asked) <= 11  # however slow the machine is, no more go into 0.5 s
    assert importance(model(slow), rows, "auc", start) == ()


def test_the_word_that_mattered_is_found(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "text")

    def by_word(examples: Examples) -> np.ndarray:
        p = np.array([0.9 if "bad" in text else 0.2 for text in examples.strings("text")])
        return np.column_stack([p, 1 - p])

    texts = rows.test.strings("text")
    places = np.array([i for i, t in enumerate(texts) if t.split().count("bad") == 1][:3])
    said = rows.winner.copy()
    said[places] = (0.9, 0.1)
    rows = replace(rows, winner=said)
    for example in explained(model(by_word), rows, places, shown(rows, places), time.monotonic() + 20):
        assert "".join(word for word, _ in example.pieces) == example.text
        assert {word.strip() for word, share in example.pieces if share > 0.1} == {"bad"}


def test_the_part_of_a_picture_that_mattered_is_red(tmp_path: Path) -> None:
    from PIL import Image

    rows = rows_of(tmp_path, "image")
    for path in (tmp_path / "a").glob("*.png"):
        image = np.full((96, 96, 3), 128, np.uint8)
        image[:16, :16] = 255  # the first part is white
        Image.fromarray(image).save(path)

    def by_corner(examples: Examples) -> np.ndarray:
        p = np.array([0.9 if np.asarray(Image.open(f))[8, 8].mean() > 200 else 0.1 for f in examples.strings("file")])
        return np.column_stack([p, 1 - p])

    said = rows.winner.copy()
    said[:2] = (0.9, 0.1)
    rows = replace(rows, winner=said)
    places = np.array([0, 1])
    for example in explained(model(by_corner), rows, places, shown(rows, places), time.monotonic() + 20):
        heat = np.asarray(Image.open(io.BytesIO(base64.b64decode(example.heat.partition(",")[2])))).astype(int)
        red = heat[..., 0] - heat[..., 2]
        assert red[4:10, 4:10].mean() > 60 and abs(red[40:, 40:].mean()) < 10


def test_the_part_of_a_recording_that_mattered_is_found(tmp_path: Path) -> None:
    import soundfile

    rows = rows_of(tmp_path, "audio")
    for path in (tmp_path / "a").glob("*.wav"):
        wave = np.full(12_000, 0.01)
        wave[3_000:4_000] = 0.5  # the fourth of twelve parts is loud
        soundfile.write(path, wave, 16_000)

    def by_loudness(examples: Examples) -> np.ndarray:
        p = np.array([0.9 if soundfile.read(f)[0].max() > 0.3 else 0.1 for f in examples.strings("file")])
        return np.column_stack([p, 1 - p])

    said = rows.winner.copy()
    said[0] = (0.9, 0.1)
    rows = replace(rows, winner=said)
    (example,) = explained(model(by_loudness), rows, np.array([0]), shown(rows, np.array([0])), time.monotonic() + 20)
    assert [round(share, 3) for _, share in example.pieces] == [4.394 if i == 3 else 0.0 for i in range(12)]
    assert example.pieces[3][0] == "0.19 to 0.25 s"


def test_what_cannot_be_explained_stays_as_it_is(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "image")
    places = worst(rows)
    examples = shown(rows, places)
    assert explained(model(by_job), rows, places, examples, time.monotonic() - 1) == examples  # no time
    for path in (tmp_path / "a").glob("*.png"):
        path.write_bytes(b"no image")
    assert explained(model(by_job), rows, places, examples, time.monotonic() + 20) == examples
