"""Is deep learning worth it on this data? Every public name, loaded on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepworth import errors
    from deepworth.estimators import DeepWorthClassifier, DeepWorthRegressor
    from deepworth.profile.look import look
    from deepworth.run import Run, open_run
    from deepworth.verbs import estimate, fit, plan, predict, resume

__version__ = "0.1.0"

__all__ = [
    "DeepWorthClassifier",
    "DeepWorthRegressor",
    "Run",
    "errors",
    "estimate",
    "fit",
    "look",
    "open_run",
    "plan",
    "predict",
    "resume",
]

_HOMES = {
    "DeepWorthClassifier": "deepworth.estimators",
    "DeepWorthRegressor": "deepworth.estimators",
    "Run": "deepworth.run",
    "estimate": "deepworth.verbs",
    "fit": "deepworth.verbs",
    "look": "deepworth.profile.look",
    "open_run": "deepworth.run",
    "plan": "deepworth.verbs",
    "predict": "deepworth.verbs",
    "resume": "deepworth.verbs",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return importlib.import_module("deepworth.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'deepworth' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
