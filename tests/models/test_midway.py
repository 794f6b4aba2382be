"""A training that is killed goes on from its last checkpoint, and ends with the very weights of one left alone."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepworth.data.examples import Examples  # noqa: E402
from deepworth.data.open import open_source  # noqa: E402
from deepworth.data.prepare import prepare  # noqa: E402
from deepworth.models.learner import Context  # noqa: E402
from deepworth.registry import build, find, missing, resolve  # noqa: E402
from deepworth.store import RunFolder  # noqa: E402
from deepworth.train import loop  # noqa: E402
from deepworth.train.options import Options  # noqa: E402
from deepworth.types import Goals, SourceOptions  # noqa: E402


class Killed(BaseException):
    """Ends a fit as a kill would."""


def fitted(run: Path, model: str, folder: Path, until: float = 1.0, **params: Any) -> tuple[np.ndarray, list[float]]:
    """Predictions, and the shares of the training that were told; killed when `until` of it is done."""
    train, valid, test = (Examples.open(run, part) for part in ("train", "valid", "test"))
    shares: list[float] = []

    def tell(share: float, message: str) -> None:
        if message.startswith("epoch"):
            shares.append(share)
            if share >= until and (folder / "midway" / "checkpoint.safetensors").exists():
                raise Killed

    folder.mkdir(parents=True, exist_ok=True)
    context = Context(
        folder=folder,
        cache=folder / "cache",
        deadline=time.monotonic() + 600,
        predict_rows=len(test),
        metric="accuracy",
        tell=tell,
    )
    learner = build(find("models", model))(train.dataset.task, train.dataset.feature_columns, params)
    learner.fit(train, valid, context)
    return learner.predict(test), shares


@pytest.mark.parametrize(
    ("model", "modality", "rows", "params"),
    [
        ("mlp", "tabular", 400, {"width": 32, "depth": 2, "epochs": 6}),
        ("text-transformer", "text", 150, {"epochs": 4}),
        pytest.param("image-tuned", "image", 60, {"epochs": 3}, marks=pytest.mark.slow),
        pytest.param("image-resnet", "image", 60, {"epochs": 3}, marks=pytest.mark.slow),
        pytest.param("audio-cnn", "audio", 60, {"epochs": 3}, marks=pytest.mark.slow),
    ],
)
def test_it_ends_as_if_nothing_had_been(
    model: str, modality: str, rows: int, params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lacking := missing(find("models", model)):
        pytest.skip(f"{model} needs {', '.join(lacking)}")
    defaults = Options.__init__.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "checkpoint_seconds", 0.0)  # a checkpoint after every step
    monkeypatch.setattr(loop, "SAVING", 1e9)
    source = resolve(find("modalities", modality).toy)(tmp_path / "source", rows, 0, "multiclass")
    options = SourceOptions(target=None if Path(source).is_dir() else "target")
    run = RunFolder(tmp_path / "run")
    prepare(open_source(source, options, run.data), Goals(), options, run.path)
    alone, told = fitted(run.path, model, tmp_path / "alone", until=2.0, **params)
    with pytest.raises(Killed):
        fitted(run.path, model, tmp_path / "killed", until=0.6, **params)
    again, rest = fitted(run.path, model, tmp_path / "killed", until=2.0, **params)
    assert rest[0] > min(told)  # it did not begin anew
    np.testing.assert_array_equal(again, alone)
    shutil.rmtree(tmp_path / "killed" / "midway")
