"""For all tests: caches go to a folder of their own, and Ctrl-C is heard."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's cache stays as it is, and what stands in it does not change what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        if "DEEPWORTH_CACHE" not in os.environ:
            patch.setenv("DEEPWORTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _hears_ctrl_c() -> None:
    """Also where a shell had the tests ignore it, in the background, which processes begun here would inherit."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
