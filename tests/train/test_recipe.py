"""Losses are sums; groups hold every parameter once; schedules stay between 0 and 1."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deepworth.train.recipe import (
    cross_entropy,
    flat_cosine,
    groups_of,
    huber,
    layerwise_groups,
    mixup,
    squared_error,
    warmup_cosine,
)


@given(cut=st.integers(0, 12), smoothing=st.floats(0, 0.5))
def test_losses_of_the_parts_add_up(cut, smoothing):
    draw = torch.Generator().manual_seed(cut)
    logits, codes = torch.randn(12, 3, generator=draw), torch.randint(0, 3, (12,), generator=draw)
    values, target = torch.randn(12, 1, generator=draw), torch.randn(12, generator=draw)
    soft = torch.softmax(torch.randn(12, 3, generator=draw), 1)
    for loss, outputs, truth in (
        (lambda a, b: cross_entropy(a, b, smoothing), logits, codes),
        (cross_entropy, logits, soft),
        (squared_error, values, target),
        (huber, values, target),
    ):
        parts = loss(outputs[:cut], truth[:cut]) + loss(outputs[cut:], truth[cut:])
        assert float(parts) == pytest.approx(float(loss(outputs, truth)), rel=1e-5)


def test_soft_targets_of_one_class_are_the_codes():
    logits, codes = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    soft = nn.functional.one_hot(codes, 3).float()
    assert float(cross_entropy(logits, soft)) == pytest.approx(float(cross_entropy(logits, codes)), rel=1e-5)


def test_mixup_mixes_inputs_and_targets_alike():
    torch.manual_seed(0)
    target = torch.tensor([0, 1, 2, 1])
    mixed, soft = mixup(nn.functional.one_hot(target, 3).float(), target, 3)
    assert torch.allclose(mixed, soft) and torch.allclose(soft.sum(1), torch.ones(4))


@given(progress=st.floats(0, 1), warmup=st.floats(0, 0.5), flat=st.floats(0, 0.9))
def test_schedules_stay_between_zero_and_one(progress, warmup, flat):
    for schedule in (warmup_cosine(warmup), flat_cosine(warmup, flat)):
        assert 0.0 <= schedule(progress) <= 1.0
        assert schedule(1.0) == pytest.approx(0.0, abs=1e-9)


def test_a_warm_up_rises_and_a_cosine_falls():
    schedule = warmup_cosine(0.1)
    values = [schedule(i / 100) for i in range(101)]
    assert values[:11] == sorted(values[:11]) and values[10:] == sorted(values[10:], reverse=True)
    assert max(values) == 1.0


def test_only_matrices_decay():
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    matrices, vectors = groups_of(module, 0.1, weight_decay=0.5)
    assert (matrices.weight_decay, vectors.weight_decay) == (0.5, 0.0)
    assert [p.ndim for p in matrices.parameters] == [2] and {p.ndim for p in vectors.parameters} == {1}


def test_layers_learn_slower_and_later_towards_the_input():
    stages = [nn.Linear(2, 2, bias=False) for _ in range(4)]
    groups = layerwise_groups(stages, 1.0, factor=0.5, thaw=(0.0, 0.25, 0.5))
    assert [group.lr for group in groups] == [1.0, 0.5, 0.25, 0.125]
    assert [group.thaw for group in groups] == [0.0, 0.25, 0.5, 0.5]
