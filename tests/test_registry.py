"""The registry: specs are light, complete and resolvable."""

from __future__ import annotations

import dataclasses

import pytest

from deepworth.errors import MissingPackage, UserError
from deepworth.registry import build, find, missing, resolve, specs
from deepworth.types import RUNGS

MODELS = specs("models")


@pytest.mark.parametrize("name", MODELS)
def test_models_lie_in_the_folder_of_their_rung(name: str) -> None:
    spec = MODELS[name]
    assert spec.rung in RUNGS
    assert f".models.{spec.rung}." in spec.learner
    assert spec.summary
    assert callable(resolve(spec.cost))


@pytest.mark.parametrize("name", MODELS)
def test_models_resolve_where_their_packages_are_installed(name: str) -> None:
    if lacking := missing(MODELS[name]):
        pytest.skip(f"needs {', '.join(lacking)}")
    learner = build(MODELS[name])
    assert all(callable(getattr(learner, method)) for method in ("fit", "predict", "save", "load"))


def test_every_weights_name_of_a_model_is_registered() -> None:
    assert {spec.weights for spec in MODELS.values() if spec.weights} <= set(specs("weights"))


def test_a_typo_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="there is no model 'tabn'; did you mean 'tabm'"):
        find("models", "tabn")


def test_what_is_not_installed_is_told_with_what_installs_it() -> None:
    absent = dataclasses.replace(MODELS["prior"], needs=("a_module_that_is_not_there",))
    with pytest.raises(MissingPackage, match="pip install"):
        build(absent)
