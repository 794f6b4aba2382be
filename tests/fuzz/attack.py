"""Loads a model folder with a payload in each of its files, one after another, each in a process of its own.

`python attack.py MODEL WORK` prints one JSON object: for each file and payload what came of loading it. A payload that
runs leaves a file called WORK/ran.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def payloads(original: Path, mark: Path) -> Iterator[tuple[str, bytes]]:
    """What may stand in a file of this kind in place of what it holds."""
    evil, content = Payload(mark), original.read_bytes()
    line = f"__import__('os').mkdir({str(mark)!r})"
    yield "pickle", pickle.dumps(evil)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(evil, protocol=2))
        archive.writestr("archive/version", "3\n")
    yield "torch", packed.getvalue()
    objects = io.BytesIO()
    np.save(objects, np.array([evil], object), allow_pickle=True)
    yield "objects", objects.getvalue()
    yield "code", line.encode()
    yield "cut", content[: len(content) // 2]
    if original.suffix == ".npz":
        with np.load(original, allow_pickle=False) as arrays:
            names = list(arrays.files)
        several = io.BytesIO()
        np.savez(several, **{name: np.array([evil], object) for name in names})
        yield "named objects", several.getvalue()
    if original.suffix == ".json":
        odd = {
            "__class__": "os.system", "__reduce__": ["os.mkdir", [str(mark)]], "__init__": line, "_target_": "os.mkdir",
            "py/object": "attack.Payload", "py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": [str(mark)]}],
            "auto_map": {"AutoModel": "evil.Payload"}, "predict": line, "module": "evil",
        }  # fmt: skip
        yield "odd keys", json.dumps(json.loads(content) | odd).encode()
    if original.suffix in (".txt", ".xml"):
        yield "code within", content.replace(b"\n", f"\n{line}\n".encode(), 3)


def sign(folder: Path) -> None:
    """The checksums of what lies there now, as somebody would write them who means harm."""
    from deepworth.climb.trial import checksums

    manifest = json.loads((folder / "model.json").read_text())
    put(folder / "model.json", json.dumps(manifest | {"files": checksums(folder)}).encode())


def put(path: Path, content: bytes) -> None:
    """Write a file anew: what lies there is a link to the file of the model itself."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def load(folder: Path) -> str:
    """The name of what loading it raises, or `loaded`; in a process of its own, since native code may end it."""
    from deepworth.climb.model import Model

    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.chdir(folder)  # where a careless import would look
        try:
            Model(folder).learner  # noqa: B018
            said = "loaded"
        except BaseException as error:  # noqa: BLE001  whatever it is, it is told
            said = f"{type(error).__name__}: {str(error)[:200]}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return said or f"ended by signal {os.WTERMSIG(status)}"


def main() -> None:
    model, work = Path(sys.argv[1]), Path(sys.argv[2])
    from deepworth.climb.model import Model
    from deepworth.registry import build, find

    build(find("models", Model(model).manifest.model))  # its imports once, not once a payload
    mark, ends = work / "ran", {"as saved": load(model)}
    files = [file.relative_to(model) for file in sorted(model.rglob("*")) if file.is_file()]
    for name in files:
        for what, content in payloads(model / name, mark):
            folder = work / "model"
            shutil.copytree(model, folder, copy_function=os.link)  # weights may be large
            put(folder / name, content)
            if name.name != "model.json":
                if what == "cut":
                    ends[f"{name} {what}"] = load(folder)
                sign(folder)
            ends[f"{name} {what}, signed"] = load(folder)
            shutil.rmtree(folder)
    for name in ("evil.py", "__init__.py", "sitecustomize.py", "json.py", "numpy.py", "model.pkl", "pytorch_model.bin"):
        folder = work / "model"
        shutil.copytree(model, folder, copy_function=os.link)
        evil = f"import os\nos.mkdir({str(mark)!r})\n".encode() if name.endswith("py") else pickle.dumps(Payload(mark))
        put(folder / name, evil)
        ends[f"another file {name}"] = load(folder)
        sign(folder)
        ends[f"another file {name}, signed"] = load(folder)
        shutil.rmtree(folder)
    print(json.dumps(ends))


if __name__ == "__main__":
    main()
