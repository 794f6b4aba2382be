"""Folders: class folders of images, recordings or text files, or a folder around one table; one image or recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deepworth.readers._files import AUDIO, IMAGES, is_file
from deepworth.registry import ReaderSpec


def accepts(source: Any) -> bool:
    return isinstance(source, str | Path) and (Path(source).is_dir() or is_file(source, (*IMAGES, *AUDIO)))


SPECS = [
    ReaderSpec(
        name="folder",
        summary="folders of images, audio or text files, a folder for each class; one image or recording to predict",
        accepts="deepworth.readers.folder:accepts",
        read="deepworth.readers._folder:read_folder",
        order=20,
    )
]
