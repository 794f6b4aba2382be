"""The public surface is a list, and every name on it can be had."""

from __future__ import annotations

import deepworth


def test_all_is_sorted_and_complete() -> None:
    assert deepworth.__all__ == [
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
    assert deepworth.__all__ == sorted(deepworth.__all__)


def test_every_public_name_resolves() -> None:
    for name in deepworth.__all__:
        assert getattr(deepworth, name) is not None
    assert set(deepworth.__all__) < set(dir(deepworth))


def test_nothing_else_is_public() -> None:
    try:
        deepworth.no_such_name  # noqa: B018 - the attribute access is what is tested
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError("an unknown name resolved")


def test_versions_agree() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        assert version("deepworth") == deepworth.__version__
    except PackageNotFoundError:
        return  # run from the source tree, nothing is installed to compare with
