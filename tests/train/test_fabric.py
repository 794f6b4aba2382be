"""One process equals two: the loop over Lightning Fabric, with gloo on the CPU."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.made import losses, run
from tests.train.rank import thawing, uneven

pytest.importorskip("lightning_fabric")
ROOT = Path(__file__).parents[2]


def test_one_process_through_fabric_equals_plain_torch(tmp_path):
    from lightning_fabric import Fabric

    from deepworth.train.runtime_fabric import FabricRuntime

    fabric = Fabric(accelerator="cpu", devices=1)
    plain = run()
    assert losses(run(runtime=FabricRuntime(fabric), folder=tmp_path, checkpoint_seconds=0.0)) == losses(plain)
    assert losses(run(runtime=FabricRuntime(fabric), folder=tmp_path)) == losses(plain)  # resumed


def test_two_processes_equal_one(tmp_path):
    """203 rows in steps of 64 on two ranks: shards of 32, cut to 16 x 2, and a last step of 11 rows as 6 and 5."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    command = [sys.executable, "-m", "tests.train.rank", str(tmp_path)]
    ranks = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **world, "RANK": str(i), "LOCAL_RANK": str(i)})
        for i in range(2)
    ]
    assert [rank.wait(timeout=120) for rank in ranks] == [0, 0]
    for rank in range(2):
        told = json.loads((tmp_path / f"rank{rank}.json").read_text())
        assert told["whole"] == pytest.approx(losses(run()), rel=1e-5)
        assert told["cut"] == pytest.approx(losses(run(micro_batch=16)), rel=1e-5)
        assert told["resumed"] == pytest.approx(told["whole"], rel=1e-12)
        assert told["thawing"] == pytest.approx(losses(run(thawing())), rel=1e-5)
        assert told["uneven"] == pytest.approx(losses(run(epochs=2, batches=uneven())), rel=1e-5)
