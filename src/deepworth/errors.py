"""Errors that say what was wrong, what was found, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from deepworth.types import Missing, Question


class DeepworthError(Exception):
    """Base of every error deepworth raises on purpose; `exit_code` is what the command line returns for it."""

    exit_code = 1


class UserError(DeepworthError):
    """Something the user gave cannot be used as it is: the message says what was found and what to do."""

    exit_code = 2


class Unanswered(UserError):
    """One of the four questions has no answer yet: `asks` it, `flag` gives the answer on a command line."""

    def __init__(
        self, message: str, *, question: Question, asks: str, flag: str, choices: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.missing = Missing(question=question, asks=asks, flag=flag, choices=choices)


class MissingPackage(UserError):
    """A model or source needs a package that is not installed."""


class DiskFull(UserError):
    """There is no room to write: a run ends here, keeps what is done, and goes on when there is room."""


class NothingTrained(DeepworthError):
    """Every trial failed, was skipped or was stopped: there is no model to hand over."""

    exit_code = 3


class Interrupted(NothingTrained):
    """Ctrl-C came before there was anything to judge."""

    exit_code = 130  # of a shell's command that Ctrl-C ended


class OutOfTime(DeepworthError):
    """A learner reached its deadline before it had anything worth keeping."""


class OutOfMemory(DeepworthError):
    """A trial needed more memory than the limit allows."""


class PredictionWarning(UserWarning):
    """Something about the rows to predict that a person should know before using what is predicted."""


class Drifted(PredictionWarning):
    """Some columns of the rows to predict are unlike those the model learned from."""


class UnreadRows(PredictionWarning):
    """Some rows could not be read, and what is predicted for them means nothing."""


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Begin what is refused in the body with the source it is about, where the refusal does not name it."""
    try:
        yield
    except UserError as error:
        if source not in str(error) and not isinstance(error, Unanswered):
            error.args = (f"{source}: {error}",)
        raise


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as `; did you mean 'tabm'?`, or the known names when nothing is near."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
