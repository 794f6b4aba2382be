"""The tabular nets: shapes, columns of every sort, and the equality of a batch and its parts."""

from __future__ import annotations

import pytest
import torch

from deepworth.nets.tabular import Perceptron, TableInput, TabM, number_bins

ROWS = 200


def columns() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A smooth number, a flag, a constant, a number that is mostly 0; categories of 3, 40 and 1 levels; a target."""
    draw = torch.Generator().manual_seed(0)
    smooth = torch.randn(ROWS, generator=draw)
    flag, constant = (smooth > 1).float(), torch.zeros(ROWS)
    mostly_zero = torch.where(torch.rand(ROWS, generator=draw) < 0.9, 0.0, 1 + smooth.abs())
    codes = torch.stack([torch.randint(0, k, (ROWS,), generator=draw) for k in (3, 40, 1)], dim=1)
    return torch.stack([smooth, flag, constant, mostly_zero], dim=1), codes, (smooth + mostly_zero > 0).long()


def inputs(d_number: int = 4) -> TableInput:
    numbers, _, target = columns()
    return TableInput(number_bins(numbers, target, 8, False), (3, 40, 1), d_number, 5)


def nets():
    return [
        Perceptron(inputs(), 3, width=16, depth=2, dropout=0.1),
        TabM(inputs(), 3, members=4, width=16, depth=2, dropout=0.1),
    ]


def test_bins_are_for_numbers_of_many_values():
    numbers, _, target = columns()
    bins = number_bins(numbers, target, 8, False)
    assert bins[1] == bins[2] == []
    assert 2 <= len(bins[0]) <= 9 and len(bins[3]) >= 2
    assert all(edges == sorted(set(edges)) for edges in bins)
    assert bins == number_bins(numbers, target, 8, False)


def test_flat_features_hold_every_column():
    made = inputs()
    numbers, codes, _ = columns()
    flat = made(numbers, codes)
    assert flat.shape == (ROWS, made.width) and sum(made.chunks) == made.width
    assert made.width == 2 * 4 + 2 + (3 + 1) + 5  # two curved, two plain, one-hot of 3 and 1, an embedding of 40
    assert torch.equal(flat[:, 8:10], numbers[:, [1, 2]])
    assert torch.equal(flat[:, 10:13].argmax(1), codes[:, 0])


@pytest.mark.parametrize("net", nets(), ids=lambda net: type(net).__name__)
def test_rows_do_not_see_each_other(net):
    numbers, codes, _ = columns()
    net.eval()
    whole = net(numbers, codes)
    assert whole.shape == ((ROWS, 3) if isinstance(net, Perceptron) else (ROWS, 4, 3))
    assert torch.allclose(torch.cat([net(numbers[:7], codes[:7]), net(numbers[7:], codes[7:])]), whole, atol=1e-6)
    assert torch.allclose(net(numbers[:1], codes[:1]), whole[:1], atol=1e-6)


@pytest.mark.parametrize("net", nets(), ids=lambda net: type(net).__name__)
def test_every_parameter_learns(net):
    numbers, codes, _ = columns()
    net(numbers, codes).pow(2).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize(("numbers", "cardinalities"), [(0, (3, 20)), (3, ()), (0, (20,)), (1, (2,))])
def test_tables_of_one_sort_of_column(numbers, cardinalities):
    x, y = torch.randn(50, numbers), torch.arange(50) % 2
    made = TableInput(number_bins(x, y, 4, False), cardinalities, 4, 4)
    assert made(x, torch.zeros(50, len(cardinalities), dtype=torch.long)).shape == (50, made.width)


def test_members_differ_from_the_start():
    numbers, codes, _ = columns()
    net = nets()[1].eval()
    assert net(numbers, codes).std(dim=1).min() > 0
