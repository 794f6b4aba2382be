"""One training over all accelerators of the machine: a rank for each, every one of them fits the same model.

Started as `python -m deepworth.models._ranks` with a Start as JSON, a process is a rank other than the first.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import torch

from deepworth.data.examples import Examples
from deepworth.models.learner import Context
from deepworth.registry import build, find
from deepworth.train.runtime import Precision, Runtime
from deepworth.types import Trial, dump, load, record

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")
PATIENCE = timedelta(minutes=10)  # that a rank waits for the others: the first probes alone
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}  # as Fabric names them
FAREWELL = 30.0  # seconds the others have to end after the last step

_fabric: Fabric | None = None  # of this process, while it trains as one of several ranks


@record
class Start:
    """What a rank other than the first needs."""

    rank: int
    world: int
    port: int
    folder: str  # of the trial
    cache: str
    deadline: float
    threads: int
    memory_gb: float
    predict_rows: int
    metric: str
    weights: str | None


def available() -> int:
    """Ranks there is an accelerator for."""
    return max(1, torch.cuda.device_count())


def world_size() -> int:
    return _fabric.world_size if _fabric else 1


def is_first() -> bool:
    """Whether this process decides, writes and tells."""
    return _fabric is None or _fabric.global_rank == 0


def agreed(decide: Callable[[], T]) -> T:
    """What the first rank decides; for all that follows from the clock or is made only once."""
    if _fabric is None:
        return decide()
    return _fabric.broadcast(decide() if is_first() else None)


def runtime(precision: Precision) -> Runtime:
    """The runtime of this rank, whose precision all have agreed on."""
    from deepworth.train.runtime_fabric import FabricRuntime

    return FabricRuntime(_launched(world_size(), PRECISIONS[precision]))


@contextmanager
def joined(context: Context) -> Iterator[None]:
    """Inside, this process is one of `available()` ranks; the first starts the others, each of which fits the trial.

    A plain pass-through on one accelerator, or without a trial's folder to start others from.
    """
    if _fabric is not None or available() == 1 or not (context.folder / "trial.json").exists():
        yield
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    others = [_other(context, rank, port) for rank in range(1, available())]
    try:
        with _as_rank(0, available(), port):
            yield
        for other in others:
            other.wait(FAREWELL)
    finally:
        for other in others:
            other.kill()


def _other(context: Context, rank: int, port: int) -> subprocess.Popen[bytes]:
    start = Start(
        rank=rank,
        world=available(),
        port=port,
        folder=str(context.folder),
        cache=str(context.cache),
        deadline=context.deadline,
        threads=context.threads,
        memory_gb=context.memory_gb,
        predict_rows=context.predict_rows,
        metric=context.metric,
        weights=context.weights,
    )
    command = [sys.executable, "-m", __name__, dump(start).decode()]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


@contextmanager
def _as_rank(rank: int, world: int, port: int) -> Iterator[None]:
    """This process as a member of the group, which is left at the end."""
    global _fabric
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world}
    place |= {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0}
    before = dict(os.environ)
    os.environ.update({name: str(value) for name, value in place.items()})
    try:
        _fabric = _launched(world)
        yield
    finally:
        _fabric = None
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name in set(os.environ) - set(before):  # Fabric sets some, too
            os.environ.pop(name)
        os.environ.update(before)


def _launched(world: int, precision: Any = "32-true") -> Fabric:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import TorchElasticEnvironment
    from lightning_fabric.strategies import DDPStrategy

    # parameters that thaw later take no part in the first steps
    strategy = DDPStrategy(find_unused_parameters=True, timeout=PATIENCE)
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    place = TorchElasticEnvironment()
    fabric = Fabric(accelerator=kind, devices=world, strategy=strategy, precision=precision, plugins=[place])
    fabric.launch()
    return fabric


def main(start: Start) -> None:
    """Fit the trial as one of its ranks; end at once when the first rank, which holds stdin open, does."""
    # Not through a buffer: Python ends by SIGABRT where a thread still holds the lock of one.
    threading.Thread(target=lambda: (os.read(sys.stdin.fileno(), 1), os._exit(0)), daemon=True).start()
    folder = Path(start.folder)
    trial = load(Trial, folder / "trial.json")
    train, valid = (Examples.open(folder.parents[1], part) for part in ("train", "valid"))
    context = Context(
        folder=folder,
        cache=Path(start.cache),
        seed=trial.seed,
        threads=start.threads,
        memory_gb=start.memory_gb,
        deadline=start.deadline,
        predict_rows=start.predict_rows,
        metric=start.metric,
        weights=start.weights,
    )
    learner = build(find("models", trial.model))(trial.task, train.dataset.feature_columns, trial.params)
    with _as_rank(start.rank, start.world, start.port):
        learner.fit(train, valid, context)


if __name__ == "__main__":
    from deepworth.models import _ranks  # the module that learners import, not this copy of it

    _ranks.main(msgspec.json.decode(sys.argv[1], type=_ranks.Start))
    os._exit(0)  # at once: Python's own end meets threads of torch that still hold tensors, and aborts now and then
