"""For all tests: features, converted networks and the history of trials go to a folder of this session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's cache stays as it is, and what stands in it does not change what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        if "DEEPWORTH_CACHE" not in os.environ:
            patch.setenv("DEEPWORTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
