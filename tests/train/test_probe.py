"""The probe times real steps and leaves no trace of them."""

from __future__ import annotations

import time

import pytest
import torch

from deepworth.train.batches import IndexBatches
from deepworth.train.options import Options
from deepworth.train.probe import probe
from deepworth.train.recipe import groups_of
from tests.train.made import BATCH, data, losses, recipe, run
from tests.train.test_loop import Cramped, net, weights


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def probed(made, threads=1, precisions=("fp32",), **options):
    batches = IndexBatches(data(), BATCH, seed=3)
    chosen = Options(epochs=4, **options)
    return probe(made, batches, chosen, device=torch.device("cpu"), threads=threads, precisions=precisions)


def test_it_leaves_no_trace():
    made, untouched = recipe(0.3), recipe(0.3)
    random = torch.get_rng_state()
    choice = probed(made, threads=2, precisions=("fp32", "bf16"))
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(weights(made.module), weights(untouched.module))
    assert all(p.grad is None for p in made.module.parameters())
    assert [name for name, _ in choice.tried] == ["fp32, 2 threads", "fp32, 1 threads", choice.tried[2][0]]
    assert 0 < choice.step_seconds < 1
    torch.set_num_threads(1)
    assert losses(run(made)) == losses(run(untouched))


def test_a_slow_setting_is_not_chosen():
    class Slow(Cramped):
        def forward(self, x):
            if torch.is_autocast_enabled("cpu"):
                time.sleep(0.02)
            return self.inner(x)

    module = Slow(net(), 99)
    choice = probed(recipe(module=module, groups=groups_of(module, 0.01)), precisions=("fp32", "bf16"))
    assert choice.precision == "fp32"
    assert dict(choice.tried)["bf16, 1 threads"] > 0.02


def test_it_finds_the_rows_that_fit():
    module = Cramped(net(), 20)
    choice = probed(recipe(module=module, groups=groups_of(module, 0.01)))
    assert choice.micro_batch == 16
