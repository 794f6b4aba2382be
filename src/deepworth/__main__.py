"""The command `deepworth`, also as `python -m deepworth`."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a process in the background ignores it
        signal.signal(signal.SIGINT, _leave)
    from deepworth.cli import app  # takes a while

    app()


def _leave(number: int, frame: FrameType | None) -> None:
    """End before a command has begun (`cli.border.plainly`): an exception in an import comes out as another."""
    os.write(2, b"interrupted before anything was begun\n")
    os._exit(130)


if __name__ == "__main__":
    main()
