"""A fit over several ranks is the fit of one: two processes with gloo, started as they are on two accelerators."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from deepworth.data.examples import Examples  # noqa: E402
from deepworth.data.open import open_source  # noqa: E402
from deepworth.data.prepare import prepare  # noqa: E402
from deepworth.models import _ranks  # noqa: E402
from deepworth.models.learner import Context  # noqa: E402
from deepworth.registry import build, find, resolve  # noqa: E402
from deepworth.store import RunFolder, write  # noqa: E402
from deepworth.types import Goals, SourceOptions, Trial, dump  # noqa: E402


def prepared(folder: Path, modality: str, rows: int) -> Path:
    """A run folder with a toy regression in it."""
    source = resolve(find("modalities", modality).toy)(folder / "source", rows, 0, "regression")
    options = SourceOptions(target="target")
    run = RunFolder(folder / "run")
    prepare(open_source(source, options, run.data), Goals(), options, run.path)
    return run.path


def fitted(run: Path, model: str, name: str, **params):
    train, valid, test = (Examples.open(run, part) for part in ("train", "valid", "test"))
    folder = run / "trials" / name
    folder.mkdir(parents=True)
    task = train.dataset.task
    trial = Trial(model=model, rung="custom", data="", splits="", task=task, params=params)
    write(folder / "trial.json", dump(trial))
    context = Context(
        folder=folder, cache=folder, threads=1, deadline=time.monotonic() + 300, predict_rows=len(test), metric="rmse"
    )
    learner = build(find("models", model))(task, train.dataset.feature_columns, params)
    learner.fit(train, valid, context)
    return learner.predict(test), context


@pytest.mark.parametrize(
    ("model", "modality", "params"),
    [
        ("mlp", "tabular", {"width": 32, "depth": 2, "epochs": 3, "dropout": 0.0}),
        pytest.param("audio-cnn", "audio", {"width": 8, "epochs": 1}, marks=pytest.mark.slow),
    ],
)
def test_two_ranks_fit_what_one_does(model, modality, params, tmp_path, monkeypatch):
    run = prepared(tmp_path, modality, 200 if modality == "tabular" else 48)
    alone, _ = fitted(run, model, "alone", **params)
    before = dict(os.environ)
    others, start = [], _ranks._other
    monkeypatch.setattr(_ranks, "available", lambda: 2)
    monkeypatch.setattr(_ranks, "_other", lambda *args: others.append(start(*args)) or others[-1])
    together, context = fitted(run, model, "together", **params)
    assert [other.returncode for other in others] == [0]
    assert context.notes["ranks"] == 2
    if model == "mlp":  # what is drawn in a step, dropout and augmentation, differs from rank to rank
        assert np.allclose(together, alone, rtol=1e-4)
    assert together.shape == alone.shape and np.isfinite(together).all()
    assert _ranks.world_size() == 1 and dict(os.environ) == before
    assert (context.midway / "training.json").exists()


def test_without_a_trial_to_start_others_from_it_is_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(_ranks, "available", lambda: 2)
    with _ranks.joined(Context(folder=tmp_path, cache=tmp_path)):
        assert _ranks.world_size() == 1 and _ranks.is_first()
        assert _ranks.agreed(lambda: 7) == 7
