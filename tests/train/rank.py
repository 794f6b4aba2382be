"""One of two ranks of test_fabric: trains the made problem and writes what it saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deepworth.train.batches import IndexBatches
from tests.train.made import data, losses, run


def uneven() -> IndexBatches:
    """101 rows in steps of 50: the last step is one row, the second rank's share of it is empty."""
    return IndexBatches([tensor[:101] for tensor in data()], 50, seed=3)


def main(folder: Path) -> None:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import TorchElasticEnvironment

    from deepworth.train.runtime_fabric import FabricRuntime

    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp", plugins=[TorchElasticEnvironment()])
    fabric.launch()
    runtime = FabricRuntime(fabric)
    assert runtime.world_size == 2
    told = {
        "whole": losses(run(runtime=runtime, folder=folder, checkpoint_seconds=0.0)),
        "cut": losses(run(runtime=runtime, micro_batch=16)),
        "resumed": losses(run(runtime=runtime, folder=folder)),
        "uneven": losses(run(runtime=runtime, epochs=2, batches=uneven())),
    }
    (folder / f"rank{runtime.rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
