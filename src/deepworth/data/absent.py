"""Why nothing reads a source, and what to give instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepworth.errors import UserError, nearest
from deepworth.registry import specs


def unknown(source: Any) -> UserError:
    """What to say of a source that no reader accepts."""
    known = "; ".join(spec.summary for spec in specs("readers").values())
    if not isinstance(source, str | Path):
        return UserError(f"a {type(source).__module__}.{type(source).__name__} cannot be read; what can be: {known}")
    if "://" in str(source):
        return UserError(f"{source} is an address: nothing is fetched from a network; download it and name the file")
    path = Path(str(source).partition("::")[0])
    if path.is_file() and not path.stat().st_size:
        return UserError(f"{path} is empty")
    if str(path) == "-" or (path.exists() and not path.is_file()):  # a folder has a reader
        what = "the standard input" if str(path) == "-" else "a pipe, a socket or a device"
        return UserError(f"{path} is {what}, which is not read: write its content to a file and name that")
    if path.exists():
        return UserError(
            f"{path} cannot be read: nothing is known about {path.suffix or 'such files'}; what can be: {known}"
        )
    folder = path.parent
    if not folder.is_dir():
        return UserError(f"{path} is not there: there is no folder {folder}")
    names = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    hint = nearest(path.name, names) if len(names) <= 20 else nearest(path.name, names).partition("; known")[0]
    hint = hint if names else f": the folder {folder} is empty"
    if str(source) == path.name and not path.suffix:
        hint += "; a data set of the Hugging Face hub is named owner/name, and read with deepworth[hub]"
    return UserError(f"{path} is not there{hint}")
