"""Tracing counts what small modules must cost, whatever the device, and leaves the module as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from deepworth.cost._trace import step, trace
from deepworth.cost.catalogue import accelerator
from deepworth.errors import UserError


class Block(nn.Module):
    def __init__(self, again: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64)) for _ in range(4))
        self.again = again

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False, preserve_rng_state=False) if self.again else layer(x)
        return x


def _rows(n: int) -> tuple[torch.Tensor, ...]:
    return (torch.zeros(n, 64),)


def _meta(*shape: int) -> torch.Tensor:
    return torch.empty(*shape, device="meta")


def test_products_are_counted_as_they_are() -> None:
    forward, _ = step(nn.Conv2d(8, 16, 3, padding=1, bias=False), (_meta(2, 8, 10, 10),), train=True)
    assert forward.flops == {"conv": 2 * 2 * 16 * 8 * 9 * 100}
    assert forward.outputs == 2 * 16 * 100
    depth, _ = step(nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), (_meta(2, 8, 10, 10),), train=False)
    assert depth.flops == {"depth": 2 * 2 * 8 * 9 * 100}
    linear, _ = step(nn.Linear(32, 8), (_meta(4, 32),), train=False)
    assert linear.flops == {"mm": 2 * 4 * 32 * 8}
    assert linear.kernels == 1


def test_attention_is_one_kernel_without_its_square() -> None:
    class Attend(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.scaled_dot_product_attention(x, x, x)

    work, _ = step(Attend(), (_meta(2, 4, 1000, 16),), train=False)
    assert work.flops["attention"] == 2 * 2 * 2 * 4 * 1000 * 1000 * 16
    assert work.peak < 2 * 4 * 1000 * 1000


def test_attention_inside_torch_is_fused_too() -> None:
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    work, _ = step(layer, (_meta(2, 500, 32),), train=True)
    assert work.flops["attention"] == 2 * 2 * 2 * 4 * 500 * 500 * 8
    assert work.saved < 2 * 4 * 500 * 500 * 4


def test_what_is_held_is_what_autograd_keeps() -> None:
    forward, _ = step(nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64)), (_meta(100, 64),), train=True)
    hidden, out = 100 * 256 * 4, 100 * 64 * 4
    assert hidden <= forward.saved <= 2 * hidden + 2 * out


def test_mixed_precision_halves_products_and_casts_weights() -> None:
    module = nn.Sequential(nn.Linear(64, 256, bias=False), nn.LayerNorm(256))
    forward, _ = step(module, (_meta(100, 64),), train=True, amp=torch.float16)
    assert forward.cast == 64 * 256 * 2
    assert forward.saved - forward.cast < step(module, (_meta(100, 64),), train=True)[0].saved * 1.6


def test_checkpointing_trades_memory_for_work() -> None:
    plain = trace(Block(), _rows, train=True, batches=(256, 512))
    again = trace(Block(again=True), _rows, train=True, batches=(256, 512))
    assert again.each_gb < 0.7 * plain.each_gb
    assert again.network.work["train_mm_mb"] > 1.1 * plain.network.work["train_mm_mb"]


@pytest.mark.parametrize("precision", ["amp", "fp32"])
def test_frozen_weights_need_no_states(precision: str) -> None:
    module = Block()
    whole = trace(module, _rows, train=True, precision=precision)
    for parameter in list(module.parameters())[:-2]:
        parameter.requires_grad = False
    head = trace(module, _rows, train=True, precision=precision)
    assert head.peak_gb(64) < whole.peak_gb(64)
    assert head.weights_gb == whole.weights_gb
    assert whole.peak_gb(64, "adamw") - whole.peak_gb(64, "sgd") == pytest.approx(whole.trainable_m * 4e-3)


def test_the_module_is_left_as_it_was() -> None:
    module = Block().eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    traced = trace(module, _rows, train=True)
    assert not module.training
    assert all(p.grad is None for p in module.parameters())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert 0 < traced.seconds(64, accelerator("T4")) < 1


def test_batches_grow_in_proportion() -> None:
    few, many = (trace(Block(), _rows, train=False, precision="fp32", batches=(n, 2 * n)) for n in (256, 1024))
    assert few.each_gb == pytest.approx(many.each_gb, rel=0.01)


def test_any_module_is_priced_on_hardware_that_is_not_here() -> None:
    import deepworth as dw

    module = nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 8))
    small = dw.estimate(module, example=_rows, hardware="T4", batch=64)
    large = dw.estimate(module, example=_rows, hardware="T4", batch=65_536)
    assert small["fits"] and small["peak_gb"]["low"] < small["peak_gb"]["likely"] < small["peak_gb"]["high"]
    assert large["peak_gb"]["likely"] > 1.0 > small["peak_gb"]["likely"]  # 65,536 x 4,096 activations
    assert large["seconds_per_step"]["likely"] > small["seconds_per_step"]["likely"]
    assert dw.estimate("llama-3.1-8b", task="generate", hardware="L4")["peak_gb"]["likely"] > 15
    assert "error" in dw.estimate({"kind": "vision", "model": "no-such-net", "hardware": "T4"})
    with pytest.raises(UserError, match="example"):
        dw.estimate(module, hardware="T4")
