"""The border of the program: errors become messages that help, and the exit code that belongs to them."""

from __future__ import annotations

import errno
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from deepworth.errors import DeepworthError, Interrupted, UserError


def say(message: str) -> None:
    print(message, file=sys.stderr)


@contextmanager
def plainly(debug: bool) -> Iterator[None]:
    """Turn an error into a message that helps and the exit code that belongs to it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, with what is done
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # of a process in the background, which stays deaf to it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except Interrupted as error:
        say(str(error))
        raise typer.Exit(error.exit_code) from error
    except DeepworthError as error:
        say(traceback.format_exc() if debug else f"error: {error}")
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        say("interrupted before there was a verdict")
        raise typer.Exit(Interrupted.exit_code) from error
    except Exception as error:  # the border of the program: a person is not shown a traceback unasked
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # wherever a name was given
            say(f"error: no name can be as long as {str(error.filename)[:60]}... here; use a shorter one")
            raise typer.Exit(UserError.exit_code) from error
        if debug:
            say(traceback.format_exc())
            raise typer.Exit(1) from error
        with tempfile.NamedTemporaryFile("w", prefix="deepworth-", suffix=".log", delete=False) as log:
            log.write(traceback.format_exc())
        say(
            f"unexpected {type(error).__name__}: {error}\nThe log is {log.name}; run again with --debug to see it here."
        )
        raise typer.Exit(1) from error
    finally:
        signal.signal(signal.SIGTERM, before)
