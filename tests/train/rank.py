"""One of two ranks of test_fabric: trains the made problem and writes what it saw."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from deepworth.train.batches import IndexBatches
from deepworth.train.recipe import Recipe, groups_of
from tests.train.made import data, losses, net, recipe, run


def uneven() -> IndexBatches:
    """101 rows in steps of 50: the last step is one row, the second rank's share of it is empty."""
    return IndexBatches([tensor[:101] for tensor in data()], 50, seed=3)


def thawing() -> Recipe:
    module = net()
    return recipe(module=module, groups=(*groups_of(module[-1], 0.01), *groups_of(module[:-1], 0.01, thaw=0.4)))


def main(folder: Path) -> None:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import TorchElasticEnvironment
    from lightning_fabric.strategies import DDPStrategy

    from deepworth.train.runtime_fabric import FabricRuntime

    strategy = DDPStrategy(find_unused_parameters=True)
    fabric = Fabric(accelerator="cpu", devices=2, strategy=strategy, plugins=[TorchElasticEnvironment()])
    fabric.launch()
    runtime = FabricRuntime(fabric)
    assert runtime.world_size == 2
    told = {
        "whole": losses(run(runtime=runtime, folder=folder, checkpoint_seconds=0.0)),
        "cut": losses(run(runtime=runtime, micro_batch=16)),
        "resumed": losses(run(runtime=runtime, folder=folder)),
        "thawing": losses(run(thawing(), runtime=runtime)),
        "uneven": losses(run(runtime=runtime, epochs=2, batches=uneven())),
    }
    (folder / f"rank{runtime.rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # as `models/_ranks.py` does
