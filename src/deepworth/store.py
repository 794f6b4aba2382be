"""The run folder: what lies where, written atomically, read back as records."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec

from deepworth.errors import DeepworthError, UserError
from deepworth.types import Dataset, Plan, Profile, Splits, TrialResult, Verdict, dump, load

LOCK = ".lock"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file that gets the name `path` when the body is done, so that nobody ever sees half of it.

    Raises UserError for a place that cannot be written or is full; what stood there before is as it was.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield half
        os.replace(half, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {path}: {reason}; make room there or name another place") from error
    finally:
        with suppress(OSError):  # after a rename there is none, and in a place that cannot be written there never was
            half.unlink()


def write(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees the old content or the new. Raises UserError where that cannot be done."""
    with whole(path) as half:
        half.write_bytes(content.encode() if isinstance(content, str) else content)


class RunFolder:
    """`run.json, plan.json, profile.json, data/, splits/, trials/<key>/, verdict.json, report.html` in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run. Raises UserError when the folder is none."""
        folder = Path(path)
        if not (folder / "run.json").exists():
            near = sorted(str(p.parent) for p in folder.parent.glob("*/run.json")) if folder.parent.exists() else []
            hint = f"; runs beside it: {', '.join(near[-5:])}" if near else ""
            raise UserError(f"{folder} is no run folder: it holds no run.json{hint}")
        return cls(folder)

    @classmethod
    def new(cls, path: str | Path | None, name: str) -> RunFolder:
        """A fresh folder, `runs/<name>-<time>` if none is named. Raises UserError when it holds something else."""
        if path is None:
            stamp = time.strftime("%Y%m%d-%H%M%S")
            path = next(
                p for n in range(1000) if not (p := Path("runs") / f"{name}-{stamp}{f'-{n}' if n else ''}").exists()
            )
        folder = Path(path)
        other = folder.is_dir() and any(path.name != LOCK for path in folder.iterdir())
        if folder.is_file() or (other and not (folder / "run.json").exists()):
            raise UserError(f"{folder} exists and is no run folder: name another with --out")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the run folder {folder}: {error.strerror}; name another with --out"
            ) from error
        return cls(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others out while the body runs. The system lets go of the lock when this process ends, however it does.

        Raises UserError when another process, or another call in this one, is at work in the folder.
        """
        try:
            file = (self.path / LOCK).open("ab")
        except OSError as error:
            raise UserError(f"cannot write in {self.path}: {error.strerror}; name another folder with --out") from error
        with file:
            if not _locked(file):
                raise UserError(
                    f"another fit is at work in {self.path}: wait until it has ended, or name another folder with --out"
                )
            yield

    def claim(self, about: dict[str, Any]) -> None:
        """Write what this run is about. Raises UserError when the folder holds a run of something else."""
        path = self.path / "run.json"
        if path.exists():
            old = msgspec.json.decode(path.read_bytes())
            new = msgspec.json.decode(dump(about))
            if other := [name for name in new if old.get(name) != new[name]]:
                raise UserError(
                    f"{self.path} holds a run with another {' and '.join(other)}: name a new folder with --out, "
                    "or remove this one"
                )
        else:
            self.save("run", about)

    @contextmanager
    def kept_if_planned(self) -> Iterator[None]:
        """Remove what the body has written when it fails, unless the folder held a plan before."""
        planned = (self.path / "plan.json").exists()
        try:
            yield
        except DeepworthError:
            if not planned:
                for name in ("data", "splits"):
                    shutil.rmtree(self.path / name, ignore_errors=True)
                for name in ("run.json", "profile.json", LOCK):
                    (self.path / name).unlink(missing_ok=True)
                with suppress(OSError):  # something else lies there too
                    self.path.rmdir()
            raise

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def sealed(self) -> Path:
        """Test labels: opened by the scorer only."""
        return self.data / "sealed"

    def trial(self, key: str) -> Path:
        return self.path / "trials" / key

    def save(self, name: str, value: Any) -> None:
        write(self.path / f"{name}.json", dump(value))

    @property
    def dataset(self) -> Dataset:
        """With the table's path made whole, so that the folder can be moved."""
        dataset = load(Dataset, self.data / "dataset.json")
        return replace(dataset, table=str(self.data.absolute() / dataset.table))

    @property
    def splits(self) -> Splits:
        return load(Splits, self.path / "splits" / "splits.json")

    @property
    def profile(self) -> Profile:
        return load(Profile, self.path / "profile.json")

    @property
    def plan(self) -> Plan:
        return load(Plan, self.path / "plan.json")

    @property
    def verdict(self) -> Verdict:
        """Raises UserError for a run that has not got that far."""
        if not (self.path / "verdict.json").exists():
            raise UserError(f"{self.path} has no verdict: the run did not end")
        return load(Verdict, self.path / "verdict.json")

    def results(self) -> list[TrialResult]:
        return [load(TrialResult, path) for path in sorted(self.path.glob("trials/*/result.json"))]


def _locked(file: IO[bytes]) -> bool:
    """Whether the file could be locked for this open handle; closing it lets go."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
