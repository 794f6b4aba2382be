"""Every row once an epoch, in an order that follows from (seed, epoch)."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepworth.train.batches import POOL, IndexBatches, StreamBatches

counts = st.integers(1, 300)
sizes = st.integers(1, 64)


@given(rows=counts, size=sizes, seed=st.integers(0, 9), epoch=st.integers(0, 9), sort=st.booleans())
def test_an_epoch_holds_every_row_once(rows, size, seed, epoch, sort):
    lengths = np.random.default_rng(0).integers(1, 50, rows) if sort else None
    for batches in (
        IndexBatches((torch.arange(rows),), size, seed=seed),
        StreamBatches(lambda r: r, rows, size, seed=seed, lengths=lengths),
    ):
        plan = batches.plan(epoch)
        assert len(plan) == len(batches) and max(map(len, plan)) <= size
        assert sorted(torch.cat(list(plan)).tolist()) == list(range(rows))
        again = batches.plan(epoch)
        assert all(torch.equal(a, b) for a, b in zip(plan, again, strict=True))


def test_epochs_and_seeds_differ():
    orders = {(seed, epoch): tuple(torch.cat(IndexBatches((torch.arange(40),), 8, seed=seed).plan(epoch)).tolist())
              for seed in range(3) for epoch in range(3)}  # fmt: skip
    assert len(set(orders.values())) == 9


def test_rows_of_like_length_share_a_batch():
    lengths = np.random.default_rng(0).integers(1, 500, POOL * 8)
    plan = StreamBatches(lambda r: r, len(lengths), 8, lengths=lengths).plan(0)
    spread = [np.ptp(lengths[step.numpy()]) for step in plan]
    assert np.mean(spread) < 0.1 * np.ptp(lengths)
    means = [lengths[step.numpy()].mean() for step in plan]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5  # short and long batches alternate


def test_streams_keep_the_order_and_read_ahead():
    loaded, gate = [], threading.Event()

    def load(rows):
        if rows[0] == 0:
            gate.wait(5)  # the first is the slowest
        loaded.append(int(rows[0]))
        if len(loaded) == 3:
            gate.set()
        return {"x": torch.as_tensor(rows)}

    batches = StreamBatches(load, 12, 1, workers=2, ahead=4)
    stream = batches.read(torch.arange(12).split(1))
    assert next(stream)["x"].item() == 0
    assert len(loaded) >= 4
    assert [batch["x"].item() for batch in stream] == list(range(1, 12))


def test_an_error_while_decoding_reaches_the_trainer():
    def load(rows):
        raise OSError("broken file")

    with pytest.raises(OSError, match="broken file"):
        next(StreamBatches(load, 4, 2).read(torch.arange(4).split(2)))


def test_leaving_a_stream_ends_its_threads():
    before = threading.active_count()
    stream = StreamBatches(lambda r: torch.as_tensor(r), 100, 1, workers=3).read(torch.arange(100).split(1))
    next(stream)
    stream.close()
    assert threading.active_count() == before
