"""The run folder: what lies where, written atomically, read back as records."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec

from deepworth import __version__
from deepworth.errors import DeepworthError, DiskFull, UserError
from deepworth.types import (
    Dataset,
    Goals,
    Machine,
    Plan,
    Profile,
    Repeat,
    SourceOptions,
    Splits,
    TrialResult,
    Verdict,
    dump,
    load,
    record,
)

if TYPE_CHECKING:
    import numpy as np

LOCK = ".lock"
INTERRUPTED = "interrupted"  # the reason of what Ctrl-C ended
MIDWAY = "midway"  # folder of a trial: what it goes on from when it was killed
DIVIDING = ("seed", "metric", "weights")  # goals that trials hang on and that their keys do not all tell
HALF = re.compile(r"\..+\.\d+|\.again-.+|checkpoint\.tmp")  # names of what a killed process was writing


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
        kind = DiskFull if is_full(error) else UserError
        raise kind(f"cannot write {path}: {reason}; make room there or name another place") from error
    finally:
        with suppress(OSError):  # after a rename there is none, and in a place that cannot be written there never was
            half.unlink()


def is_full(error: OSError) -> bool:
    """Whether a place, a quota or the size of a file is why nothing more can be written."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(path: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees the old content or the new. Raises UserError where that cannot be done."""
    with whole(path) as half:
        half.write_bytes(content.encode() if isinstance(content, str) else content)


def write_array(path: Path, values: np.ndarray) -> None:
    """Write an array as .npy, like `write`. Its bytes are made first: numpy does not say why a file took too few."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    write(path, buffer.getvalue())


@record
class Claim:
    """What a run is about, all of it: `run.json` is written before anything else, and a run goes on from it alone."""

    source: str  # a path is absolute; of what lies in memory, the name of its type
    options: SourceOptions
    goals: Goals
    in_memory: bool = False
    used: float = 0.0  # seconds that went under these goals, when its last trial ended
    machine: Machine | None = None  # as it was measured last
    version: str = __version__


Begun = Literal["fresh", "same", "other goals"]


@contextmanager
def taken(path: Path, until: float = 0.0) -> Iterator[bool]:
    """Take the lock file `path` while the body runs; whether that was possible, waiting till `until`, a monotonic time.

    The system lets go of it when this process ends, however it does. Raises OSError where no file can be made.
    """
    with path.open("ab") as file:
        while not (locked := _locked(file)) and time.monotonic() < until:
            time.sleep(0.05)
        yield locked


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
        ours = (LOCK, *(path.name for path in folder.glob(".*") if HALF.fullmatch(path.name)))  # killed at its start
        other = folder.is_dir() and any(path.name not in ours for path in folder.iterdir())
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
        """Keep others out while the body runs.

        Raises UserError when another process, or another call in this one, is at work in the folder.
        """
        with ExitStack() as stack:
            try:
                free = stack.enter_context(taken(self.path / LOCK))
            except OSError as error:
                raise UserError(
                    f"cannot write in {self.path}: {error.strerror}; name another folder with --out"
                ) from error
            if not free:
                raise UserError(
                    f"another fit is at work in {self.path}: wait until it has ended, or name another folder with --out"
                )
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove what processes that were killed here had half written."""
        divided = (self, *map(RunFolder, self.path.glob("divisions/*")))
        places = [place for run in divided for place in (run.path, run.data, run.sealed, run.path / "splits")]
        trials = self._trials()
        for place in (*places, self.path / "figures", *trials, *(trial / "model" for trial in trials)):
            for path in place.iterdir() if place.is_dir() else ():
                if HALF.fullmatch(path.name):
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def claim(self, new: Claim) -> Begun:
        """Write what this run is about, where nothing is known of it; else say how it compares to what was begun here.

        Raises UserError when the folder holds a run of something else.
        """
        if not (self.path / "run.json").exists():
            with self.removed_if_it_fails(fresh=True):
                self.save("run", new)
            return "fresh"
        old = self.claimed
        other = [name for name in ("source", "options") if getattr(old, name) != getattr(new, name)]
        other += [name for name in DIVIDING if getattr(old.goals, name) != getattr(new.goals, name)]
        if other:
            raise UserError(
                f"{self.path} holds a run with another {' and '.join(other)}: name a new folder with --out, "
                "or remove this one"
            )
        return "same" if old.goals == new.goals else "other goals"

    @property
    def claimed(self) -> Claim:
        """What this run is about. Raises UserError for one of a newer version, or one that cannot be read."""
        path = self.path / "run.json"
        try:
            version = str(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]).get("version", ""))
            if _release(version) > _release(__version__):
                raise UserError(
                    f"{self.path} was made by deepworth {version}, this is {__version__}: update it, or name a new "
                    "folder with --out"
                )
            return load(Claim, path)
        except msgspec.MsgspecError as error:
            raise UserError(f"{path} is damaged: {error}; name a new folder with --out") from error

    @contextmanager
    def removed_if_it_fails(self, fresh: bool) -> Iterator[None]:
        """Remove what a fresh run has written when the body fails."""
        try:
            yield
        except DeepworthError:
            if fresh:
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

    def forget(self, *names: str) -> None:
        """Remove files of the folder that are there."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

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

    @property
    def is_over(self) -> bool:
        """Whether it has its verdict. One that Ctrl-C ended early has one, too, and is not over."""
        if not (self.path / "verdict.json").exists():
            return False
        verdict = self.verdict
        return not verdict.limits.get(INTERRUPTED) and not any(t.reason == INTERRUPTED for t in verdict.trials)

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """What was made again of trials that are done, for the verdict; none where there was no time for it."""
        path = self.path / "repeats.json"
        return load(tuple[Repeat, ...], path) if path.exists() else ()

    def give_more_chances(self) -> None:
        """Forget the trials that did not end well, and how far they came: under other goals they may."""
        for path in self._trials():
            result = path / "result.json"
            if not result.exists() or load(TrialResult, result).status != "done":
                shutil.rmtree(path)

    def _trials(self) -> list[Path]:
        return sorted([*self.path.glob("trials/*"), *self.path.glob("divisions/*/trials/*")])


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


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
