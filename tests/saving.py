"""A model trained on a source and saved as a trial does, without a run around it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from deepworth.climb.trial import save_model
from deepworth.data.examples import Examples
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.models.learner import Context
from deepworth.registry import build, find
from deepworth.types import Goals, SourceOptions, Trial


def save(name: str, source: Any, options: SourceOptions, folder: Path, work: Path, **params: Any) -> Examples:
    """Train the model `name` on the training rows of `source` into `folder`, by way of `work`; the validation rows."""
    run = work / "run"
    prepare(open_source(source, options, run / "data"), Goals(), options, run)
    train, valid = (Examples.open(run, part) for part in ("train", "valid"))
    spec, task = find("models", name), train.dataset.task
    learner = build(spec)(task, train.dataset.feature_columns, params)
    (work / "trial").mkdir()
    context = Context(folder=work / "trial", cache=work / "cache", deadline=time.monotonic() + 60)
    learner.fit(train, valid, context)
    trial = Trial(model=name, rung=spec.rung, data="d", splits="s", task=task, params=params)
    save_model(learner, train, trial, folder, context.notes)
    return valid
