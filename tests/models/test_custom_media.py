"""Networks trained from nothing on media: they learn, keep what they learnt, repeat, and respect their limits."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from deepworth.errors import OutOfTime
from deepworth.models import _neural
from deepworth.models._media_views import ImageView
from deepworth.models.custom._media import AudioScratch, ImageScratch, TextScratch, word_pieces
from tests.models.media_made import examples, fitted, unlabelled

# modality, learner, and parameters that make it small
SMALL = {
    "text": (TextScratch, {"width": 32, "layers": 1, "epochs": 8, "rate": 5e-3}),
    "image": (ImageScratch, {"width": 8, "epochs": 8, "rate": 5e-3}),
    "audio": (AudioScratch, {"width": 8, "epochs": 8, "rate": 5e-3}),
}


@pytest.mark.parametrize("modality", SMALL)
def test_it_learns_and_is_kept(modality, tmp_path):
    learner, params = SMALL[modality]
    parts = examples(modality, "binary", tmp_path / "data", rows=72)
    made, context = fitted(learner, parts, tmp_path / "trial", **params)
    chances = made.predict(unlabelled(parts[2]))
    assert chances.shape == (12, 2) and np.allclose(chances.sum(1), 1)
    assert (made.predict(parts[0]).argmax(1) == parts[0].labels).mean() > 0.8
    (tmp_path / "model").mkdir()
    made.save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model").iterdir()} <= {".json", ".safetensors"}
    assert np.array_equal(learner.load(tmp_path / "model").predict(unlabelled(parts[2])), chances)
    json.dumps(context.notes)


@pytest.mark.parametrize("modality", SMALL)
def test_it_predicts_numbers(modality, tmp_path):
    learner, params = SMALL[modality]
    parts = examples(modality, "regression", tmp_path / "data", rows=48)
    made, _ = fitted(learner, parts, tmp_path / "trial", **{**params, "epochs": 1})
    values = made.predict(unlabelled(parts[2]))
    assert values.shape == (8,) and np.isfinite(values).all()
    spread = max(parts[0].labels.max() - parts[0].labels.min(), 1.0)
    assert abs(values.mean() - parts[0].labels.mean()) < spread  # in the target's own unit


def test_the_same_seed_gives_the_same_network(tmp_path):
    learner, params = SMALL["audio"]
    parts = examples("audio", "multiclass", tmp_path / "data", rows=36)
    first, second = (fitted(learner, parts, tmp_path / name, **{**params, "epochs": 2})[0] for name in "ab")
    assert np.array_equal(first.predict(parts[2]), second.predict(parts[2]))


def test_no_time_is_said(tmp_path):
    learner, params = SMALL["text"]
    parts = examples("text", "binary", tmp_path / "data", rows=48)
    with pytest.raises(OutOfTime):
        fitted(learner, parts, tmp_path / "trial", seconds=-1.0, **params)


def test_a_size_that_the_clock_lowered_is_noted(tmp_path, monkeypatch):
    learner, params = SMALL["image"]
    parts = examples("image", "binary", tmp_path / "data", rows=36)
    monkeypatch.setattr(ImageView, "sizes", lambda self, examples: [64, 32])
    monkeypatch.setattr(learner, "_fitted_size", lambda self, train, valid_rows, context: (32, 1e-4))
    _, context = fitted(learner, parts, tmp_path / "trial", **{**params, "epochs": 1})
    assert context.notes["cut"] == "size to 32"
    context.cut("epochs")
    context.cut("epochs")
    assert context.notes["cut"] == "size to 32, epochs"


def test_a_broken_file_and_an_empty_text_cost_one_row(tmp_path):
    learner, params = SMALL["image"]
    parts = examples("image", "binary", tmp_path / "data", rows=36)
    broken = parts[0].strings("what")[0]
    with open(broken, "wb") as file:
        file.write(b"no image")
    _, context = fitted(learner, parts, tmp_path / "trial", **{**params, "epochs": 1})
    assert context.notes["broken"] >= 1


def test_word_pieces_cover_what_they_have_seen():
    tokenizer = word_pieces(["The cat sat on the mat", "the cat and the hat"] * 3)
    ids = tokenizer.encode("THE CAT").ids
    assert ids and 0 not in ids and tokenizer.token_to_id("[UNK]") not in ids
    assert tokenizer.token_to_id("[PAD]") == 0


@pytest.mark.parametrize("modality", SMALL)
def test_short_memory_is_answered_by_fewer_rows_and_recomputing(modality, tmp_path, monkeypatch):
    monkeypatch.setattr(_neural, "_free_bytes", lambda module, context: 1e5)
    learner, params = SMALL[modality]
    parts = examples(modality, "binary", tmp_path / "data", rows=36)
    made, context = fitted(learner, parts, tmp_path / "trial", **{**params, "epochs": 1})
    assert context.notes["recompute"] and context.notes["micro_batch"] < 16
    assert "recomputed" in context.notes["how"]
    assert made.predict(unlabelled(parts[2])).shape == (6, 2)
