"""The probe times real steps and leaves no trace of them."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

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


def probed(made, threads=1, precisions=("fp32",), compilable=False, **options):
    batches = IndexBatches(data(), BATCH, seed=3)
    chosen = Options(epochs=4, **options)
    cpu = torch.device("cpu")
    return probe(made, batches, chosen, device=cpu, threads=threads, precisions=precisions, compilable=compilable)


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


class Sleepy(nn.Module):
    """A step of 20 ms; compiled, by the stand-in below, none."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.awake = inner, False

    def forward(self, x):
        if not self.awake:
            time.sleep(0.02)
        return self.inner(x)


class Woken(nn.Module):
    """What torch.compile gives: the module inside, under its name."""

    def __init__(self, module: Sleepy) -> None:
        super().__init__()
        self._orig_mod = module

    def forward(self, x):
        self._orig_mod.awake = True
        try:
            return self._orig_mod(x)
        finally:
            self._orig_mod.awake = False


def sleepy():
    module = Sleepy(net())
    return recipe(module=module, groups=groups_of(module, 0.01))


def test_compiling_is_chosen_where_it_is_faster_and_has_time_to_pay(monkeypatch):
    monkeypatch.setattr(torch, "compile", Woken)
    assert not probed(sleepy(), compilable=True).compile  # 16 steps of 20 ms would not pay
    monkeypatch.setattr("deepworth.train.probe.COMPILE_WORTH", 0.1)
    assert not probed(sleepy()).compile  # nobody asked
    assert not probed(sleepy(), compilable=True, deadline=time.monotonic() + 0.05).compile
    choice = probed(sleepy(), compilable=True)
    assert choice.compile and "compiled" in str(choice) and len(choice.tried) == 2


def test_without_a_compiler_it_says_so_and_goes_on(monkeypatch):
    def no_compiler(module):
        class Fails(nn.Module):
            def forward(self, x):
                raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nSet TORCHDYNAMO_VERBOSE=1")

        return Fails()

    monkeypatch.setattr("deepworth.train.probe.COMPILE_WORTH", 0.0)
    monkeypatch.setattr(torch, "compile", no_compiler)
    made, untouched = sleepy(), sleepy()
    choice = probed(made, compilable=True)
    assert not choice.compile
    assert choice.remark == "not compiled: InvalidCxxCompiler: No working C++ compiler found"
    assert torch.equal(weights(made.module), weights(untouched.module))
