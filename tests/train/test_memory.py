"""Activations are counted, recomputed where they do not fit, and the gradients stay the same."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from deepworth.errors import OutOfMemory
from deepworth.nets.resnet import ResNet
from deepworth.train.batches import IndexBatches, StreamBatches
from deepworth.train.memory import LEAST_ROWS, fitting, kept_bytes, recompute
from deepworth.train.options import Options
from deepworth.train.probe import probe
from deepworth.train.recipe import Recipe, cross_entropy, groups_of, supervised
from tests.train.made import BATCH, data, losses, recipe, run
from tests.train.test_loop import weights


def deep(dropout: float = 0.3) -> Recipe:
    """Eight blocks with dropout on the made rows."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        blocks = [
            nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 8), nn.Tanh())
            for _ in range(8)
        ]
        module = nn.Sequential(*blocks, nn.Linear(8, 2))
    return recipe(module=module, groups=groups_of(module, 0.01, 0.1), layers=blocks)


def gradients(made: Recipe, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    torch.manual_seed(7)
    made.module.zero_grad()
    made.loss(made.module, batch).backward()
    return torch.cat([p.grad.flatten() for p in made.module.parameters()])


def test_recomputing_keeps_less_and_gives_the_same_gradients():
    made, batch = deep(), data()
    straight, kept = gradients(made, batch), kept_bytes(made, batch)[0]
    recompute(made.layers)
    assert torch.equal(gradients(made, batch), straight)  # the same random draws included
    assert kept_bytes(made, batch)[0] < kept / 4
    recompute(made.layers, on=False)
    assert kept_bytes(made, batch)[0] == kept


def test_a_training_that_recomputes_is_the_same_and_leaves_the_module_as_it_was():
    straight, twice = deep(), deep()
    assert losses(run(twice, recompute=True)) == losses(run(straight))
    assert torch.equal(weights(twice.module), weights(straight.module))
    assert not any("forward" in vars(layer) for layer in twice.layers)


def test_what_is_kept_is_what_autograd_saves():
    module = nn.Sequential(nn.Linear(100, 200), nn.Sigmoid(), nn.Linear(200, 1))
    made = Recipe(
        module=module, loss=lambda m, batch: m(batch[0]).sum(), groups=groups_of(module, 0.1), layers=[module[1]]
    )
    total, largest = kept_bytes(made, (torch.zeros(10, 100),))
    assert total == 4 * 10 * (100 + 200)  # the input, and the output of the sigmoid, which the next product shares
    assert largest == 4 * 10 * 200


def test_small_micro_batches_come_first_and_recomputing_where_they_are_not_enough():
    made, batch = deep(), tuple(tensor[:2] for tensor in data())
    row = 1.5 * kept_bytes(made, batch)[0] / 2
    assert fitting(made, batch, 2, 64, free=64 * row) == (64, False)
    assert fitting(made, batch, 2, 64, free=63 * row) == (32, False)
    assert fitting(made, batch, 2, 64, free=LEAST_ROWS * row) == (LEAST_ROWS, False)
    rows, twice = fitting(made, batch, 2, 64, free=(LEAST_ROWS - 0.1) * row)
    assert twice and rows >= LEAST_ROWS
    assert fitting(made, batch, 2, 64, free=-1.0) == (1, True)
    assert fitting(replace(made, layers=()), batch, 2, 64, free=2 * row) == (2, False)
    assert not any("forward" in vars(layer) for layer in made.layers)


class Heap(nn.Module):
    """Fails as an allocator does where layers keep more of a batch than `room` bytes."""

    def __init__(self, inner: nn.Module, room: float) -> None:
        super().__init__()
        self.inner, self.room = inner, room

    def forward(self, x):
        kept = 0

        def pack(tensor):
            nonlocal kept
            kept += tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            out = self.inner(x)
        if self.training and kept > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return out


def heap(room: float) -> Recipe:
    made = deep(dropout=0.0)
    module = Heap(made.module, room)
    return replace(made, module=module, groups=groups_of(module, 0.01, 0.1))


def test_missing_memory_is_answered_by_recomputing_when_few_rows_are_left():
    plain = run(deep(dropout=0.0))
    assert not plain.recompute and plain.micro_batch == BATCH
    tight = run(heap(30_000))  # one row keeps more than a tenth of it, its weights included
    assert tight.recompute
    assert losses(tight) == pytest.approx(losses(plain), rel=1e-5)
    with pytest.raises(OutOfMemory, match="single row"):
        run(heap(10))


def test_a_resumed_training_goes_on_recomputing(tmp_path):
    first = run(heap(30_000), folder=tmp_path, epochs=4, checkpoint_seconds=0.0)
    again = run(heap(30_000), folder=tmp_path, epochs=4)
    assert again.recompute and losses(again) == losses(first)


def probed(made: Recipe, batches, free: float):
    threads = torch.get_num_threads()
    options = Options(epochs=1, deadline=time.monotonic() + 60)
    try:
        return probe(made, batches, options, device=torch.device("cpu"), threads=1, free=free)
    finally:
        torch.set_num_threads(threads)


def test_the_probe_counts_the_largest_rows_with_every_group_thawed():
    made = deep()
    frozen = replace(made, groups=(*groups_of(made.module[-1], 0.01), *groups_of(list(made.layers), 0.01, thaw=0.5)))
    row = 1.5 * kept_bytes(made, tuple(tensor[:2] for tensor in data()))[0] / 2
    for some in (made, frozen):
        choice = probed(some, IndexBatches(data(), BATCH), free=8 * row)
        assert (choice.micro_batch, choice.recompute) == (8, False)
    choice = probed(frozen, IndexBatches(data(), BATCH), free=2 * row)
    assert choice.recompute and "recomputed" in str(choice)


def test_the_longest_rows_are_the_largest():
    lengths = torch.tensor([3, 9, 1, 7]).numpy()
    assert StreamBatches(lambda rows: rows, 4, 2, lengths=lengths).largest(2).tolist() == [1, 3]
    assert StreamBatches(lambda rows: rows, 4, 2).largest(9).tolist() == [0, 1, 2, 3]


def test_a_convolutional_network_keeps_less():
    net = ResNet(3, 32, widths=(8, 16), blocks=2)
    made = Recipe(module=net, loss=supervised(cross_entropy), groups=groups_of(net, 0.1), layers=list(net.stages))
    batch = torch.rand(4, 3, 32, 32), torch.zeros(4, dtype=torch.long)
    straight, (kept, largest) = gradients(made, batch), kept_bytes(made, batch)
    recompute(made.layers)
    assert torch.allclose(gradients(made, batch), straight, rtol=1e-5, atol=1e-7)
    assert kept_bytes(made, batch)[0] + largest < 0.7 * kept
