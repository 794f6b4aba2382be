"""Hostile sources through opening, dividing, profiling and planning, and some through a whole fit and its predictions.

    python benchmarks/fuzz.py [CASES] [SEED] [--first CASE] [--only CASE] [--fit EVERY] [--processes N]
        [--seconds N]

Each case must end as a plan, as predictions of a saved model, or as a refusal that names the source and a way out: no
traceback, no hang (10 s of work), no more than 2 GB, nothing written beside the run folder, no network and no other
program. A process that hangs or grows is ended and replaced. Prints how many cases ended how and the failures with the
command that repeats each, and ends with status 1 if there are some.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from _hostile import Case, make
from _ways import WAYS, fitted

SECONDS, FIT_SECONDS = 10.0, 30.0  # of work of one case; a fit is asked for 10 s
WAITING = 6  # times as long by the clock: the machine may be shared
MOST_GB = 2.0
FINE = ("planned", "refused", "asked", "fitted", "late", "predicted", "answered")
WAY_OUT = re.compile(
    r"--\w|\b(use|name|names|mend|bring|give|put|leave|install|unpack|write|make|did you mean|remove|known|what can be|"
    r"the first of|clean|divide|take|expected|should|needs?|needed|must|save)\b"
)
SAYS_WHY = re.compile(r"\b(is empty|has no rows|is not there|it may be cut|holds? no)\b")  # what to do is plain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="?", type=int, default=1000)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no case after as long")
    parser.add_argument("--only", type=int, help="run this case alone, and show what it says")
    parser.add_argument("--fit", type=int, default=250, help="fit every EVERYth case (default 250)")
    parser.add_argument("--show", action="store_true", help="print a refusal of each wording")
    asked = parser.parse_args()
    numbers = range(asked.first, asked.first + asked.cases) if asked.only is None else (asked.only,)
    start = time.monotonic()
    ends = Fuzz(asked.seed, asked.fit, asked.processes, start + asked.seconds).run(numbers)
    counts = Counter(end for end, _, _ in ends.values())
    print(f"{len(ends):,} cases of seed {asked.seed} from {numbers[0]} on in {time.monotonic() - start:.0f} s: "
          + ", ".join(f"{count:,} {end}" for end, count in counts.most_common()))  # fmt: skip
    if asked.show or asked.only is not None:
        wordings = {
            re.sub(r"'[^']*'|\d+|/\S+", "_", said)[-60:]: (end, what, said) for end, what, said in ends.values()
        }
        for end, what, said in sorted(wordings.values()):
            print(f"  {end} {what[:60]!r}: {said[:400]}")
    bad = {number: end for number, end in ends.items() if end[0] not in FINE}
    seen: Counter[str] = Counter()
    for number, (end, what, said) in sorted(bad.items()):
        seen[key := said.strip().rpartition("\n")[2][:60]] += 1
        if seen[key] <= 2:
            print(
                f"\n{end}: {what[:200]}\n"
                f"  repeat: python benchmarks/fuzz.py --only {number} 1 {asked.seed} --fit {asked.fit}\n  "
                f"{said[-1500:]}"
            )
    for key, count in seen.most_common():
        print(f"{count:5} x {key}")
    sys.exit(bool(bad))


class Fuzz:
    """Hands cases to processes and watches them."""

    def __init__(self, seed: int, every: int, processes: int, until: float) -> None:
        self.seed, self.every, self.processes, self.until = seed, every, processes, until
        self.ends: dict[int, tuple[str, str, str]] = {}  # case -> how it ended, what it was, what was said

    def run(self, numbers: Any) -> dict[int, tuple[str, str, str]]:
        waiting = list(reversed(numbers))
        with tempfile.TemporaryDirectory(prefix="deepworth-fuzz-") as folder:
            hands = [
                Hand(self.seed, self.every, Path(folder) / str(i)) for i in range(min(self.processes, len(waiting)))
            ]
            while hands:
                for hand in list(hands):
                    if hand.number is not None and (end := hand.look()):
                        self.ends[hand.number], hand.number = end, None
                    if hand.number is None and waiting and time.monotonic() < self.until:
                        hand.take(waiting.pop())
                    elif hand.number is None:
                        hand.end()
                        hands.remove(hand)
                time.sleep(0.002)
        return self.ends


class Hand:
    """One process that works on one case at a time."""

    def __init__(self, seed: int, every: int, folder: Path) -> None:
        self.seed, self.every, self.folder = seed, every, folder
        self.number: int | None = None
        self._begin()

    def _begin(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=work, args=(theirs, self.seed, self.every, str(self.folder)))
        self.process.start()
        theirs.close()
        self.pipe.recv()  # ready

    def take(self, number: int) -> None:
        self.number, self.since = number, time.monotonic()
        self.worked = sum(psutil.Process(self.process.pid).cpu_times()[:2])
        self.limit = FIT_SECONDS if number % self.every == self.every - 1 else SECONDS
        self.pipe.send(number)

    def look(self) -> tuple[str, str, str] | None:
        """How the case has ended, if it has."""
        if self.pipe.poll():
            with suppress(EOFError):
                return self.pipe.recv()
            return self._replace("crash", f"the process ended with {self.process.exitcode}")
        spent = time.monotonic() - self.since
        with suppress(psutil.Error):
            watched = psutil.Process(self.process.pid)
            held, worked = watched.memory_info().rss / 1e9, sum(watched.cpu_times()[:2]) - self.worked
            if held > MOST_GB:
                return self._replace("memory", f"{held:.1f} GB")
            if worked > self.limit or spent > WAITING * self.limit:
                return self._replace("hang", f"{worked:.0f} s of work in {spent:.0f} s")
        return None

    def _replace(self, how: str, said: str) -> tuple[str, str, str]:
        self.end()
        what = (self.folder / "what").read_text(errors="replace") if (self.folder / "what").exists() else ""
        self._begin()
        return how, what, said

    def end(self) -> None:
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                child.kill()
        self.process.kill()
        self.process.join()
        self.pipe.close()


_open_case: dict[str, Any] = {"roots": (), "strange": [], "fit": False}
FORBIDDEN = ("socket.connect", "os.system", "pickle.find_class", "urllib.Request", "ftplib.connect")


def _watch(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook: what a case writes elsewhere, and what it must not do at all."""
    roots = _open_case["roots"]
    if not roots:
        return
    named = event == "subprocess.Popen" and args[0] not in ("uname", b"uname")  # what the platform module asks
    if event in FORBIDDEN or (named and not _open_case["fit"]):
        _open_case["strange"].append(f"{event} {str(args)[:200]}")
    elif event == "open" and isinstance(args[0], str) and isinstance(args[2], int):
        writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        path = os.path.abspath(args[0])
        if writes and not path.startswith((*roots, "/dev/null", "/proc")) and "__pycache__" not in path:
            _open_case["strange"].append(f"wrote {path}")


def work(pipe: Connection, seed: int, every: int, root: str) -> None:
    """Take numbers of cases until killed."""
    folder = Path(root)
    tempfile.tempdir = str(folder / "tmp")
    os.environ.update(TMPDIR=str(folder / "tmp"), DEEPWORTH_CACHE=str(folder / "cache"), HF_HUB_OFFLINE="1")
    warnings.simplefilter("ignore")
    from deepworth.cost.machine import measure
    from deepworth.data.open import open_source  # noqa: F401  a slow import is no part of a case

    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    machine = measure(threads=1)
    sys.addaudithook(_watch)
    pipe.send("ready")
    while True:
        number = pipe.recv()
        for name in ("source", "run", "tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("source", "tmp"):
            (folder / name).mkdir()
        (folder / "what").unlink(missing_ok=True)
        case = make(seed, number, folder / "source")
        (folder / "what").write_text(case.name, errors="replace")
        pipe.send(one(case, folder, machine, number % every == every - 1))


def one(case: Case, folder: Path, machine: Any, fit: bool) -> tuple[str, str, str]:
    """How a case ends, and whether it kept to its folder."""
    before = _tree(folder, "source")
    own = ("",) if fit else ("run", "tmp")
    _open_case.update(roots=tuple(str(folder / name) for name in own), strange=[], fit=fit)
    try:
        end, said = (fitted if fit else WAYS[case.way])(case, folder, machine)
    except Exception:  # noqa: BLE001  what a benchmark looks for
        end, said = "traceback", traceback.format_exc()
    strange = _open_case["strange"]
    _open_case["roots"] = ()
    if end in FINE and (strange or _tree(folder, "source") != before or any((folder / "tmp").iterdir())):
        left = [path.name for path in (folder / "tmp").iterdir()]
        return "outside", case.name, f"{strange[:3]} left in the temporary folder: {left}; then: {said}"
    if end == "refused" and (lack := vague(case, said)):
        return "vague", case.name, f"{lack}: {said}"
    return end, case.name, said


def vague(case: Case, said: str) -> str:
    """What a refusal lacks: the name of its source, or a way out."""
    if isinstance(case.source, str | Path) and (name := Path(str(case.source)).name):
        named = any(
            text in said
            for text in (
                str(case.source),
                name,
                repr(name)[1:-1],
                str(case.source).partition("::")[0],
                os.path.abspath(case.source),
            )
        )
        if not named and len(name) < 200:
            return "does not name its source"
    return "" if WAY_OUT.search(said) or SAYS_WHY.search(said) else "names no way out"


def _tree(folder: Path, name: str) -> list[tuple[str, int, int]]:
    """What lies below `folder/name`, and beside it, with sizes and times."""
    beside = [(path.name, 0, 0) for path in sorted(folder.iterdir()) if path.name not in ("run", "what", "cache")]
    inside = [(str(p), s.st_size, s.st_mtime_ns) for p in sorted((folder / name).rglob("*")) for s in [p.lstat()]]
    return beside + inside


if __name__ == "__main__":
    main()
