"""What is measured of a model that keeps features is what a person gets who loads it: nothing comes from the cache."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from deepworth.climb import latency as timing
from deepworth.data.cache import FeatureCache
from deepworth.models.learner import Context
from deepworth.registry import build, find, missing
from tests.contract.conftest import Toy


@pytest.mark.parametrize(
    ("name", "modality"), [("hog-linear", "image"), ("mfcc-linear", "audio"), ("sentence-encoder", "text")]
)
def test_cached_features_do_not_make_a_model_look_fast(
    name: str, modality: str, toys: Callable[[str, str], Toy], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec, toy = find("models", name), toys(modality, "binary")
    if lacking := missing(spec):
        pytest.skip(f"needs {lacking}")
    dataset = toy.train.dataset
    learner = build(spec)(dataset.task, dataset.feature_columns, {})
    learner.fit(toy.train, toy.valid, Context(folder=tmp_path, cache=tmp_path / "cache", metric="accuracy"))
    before = learner.predict(toy.test)
    assert list((tmp_path / "cache" / "features").iterdir())
    monkeypatch.setattr(timing, "SECONDS", 0.05)
    monkeypatch.setattr(FeatureCache, "features", lambda *_: pytest.fail("the cache was asked"))
    found = timing.latency(learner, toy.test, math.inf)
    assert min(found.ms_1, found.ms_32) > 0
    assert learner.predict(toy.test) == pytest.approx(before, abs=1e-4)
