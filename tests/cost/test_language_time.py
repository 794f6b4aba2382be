"""Seconds of language models: how they must move, and the published rates."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.cost import language, language_setup, language_time
from deepworth.cost.catalogue import accelerator
from tests.cost.published import rows

PRETRAIN = {
    "model": "mpt-7b", "task": "train", "method": "full", "precision": "amp_bf16", "seq_len": 2048, "micro_batch": 8,
    "grad_accum": 4, "n_gpus": 8, "sharding": "FULL_SHARD",
}  # fmt: skip


def seconds(request: dict[str, Any], device: str, **changes: Any) -> float:
    return sum(language_time.step(language_setup.read(request | changes), accelerator(device)).values())


def test_a_step_is_all_its_micro_batches() -> None:
    once, four = (seconds(PRETRAIN, "A100-SXM4-80GB", grad_accum=n) for n in (1, 4))
    assert 3.8 < four / once <= 4
    setup = language_setup.read(PRETRAIN)
    assert language_time.tokens(setup) == 2048 * 8 * 4 * 8
    assert language_setup.read(PRETRAIN | {"grad_accum": None, "global_batch": 256}).accumulate == 4


@settings(deadline=None)
@given(device=st.sampled_from(["A100-SXM4-40GB", "H100-SXM5-80GB", "L4", "T4", "RTX 4090", "TPU v5e"]))
def test_time_moves_as_it_must(device: str) -> None:
    here = seconds(PRETRAIN, device)
    assert here > 0
    assert seconds(PRETRAIN, device, seq_len=4096) > here
    assert seconds(PRETRAIN, device, micro_batch=16) > here
    assert here < seconds(PRETRAIN, device, grad_ckpt=1) < 1.5 * here
    assert seconds(PRETRAIN, device, method="lora") < 1.3 * here


def test_faster_parts_are_faster() -> None:
    times = [seconds(PRETRAIN, name) for name in ("T4", "A10", "A100-SXM4-40GB", "A100-SXM4-80GB", "H100-SXM5-80GB")]
    assert times == sorted(times, reverse=True)


def test_generation_is_bound_by_bandwidth() -> None:
    request = {"model": "llama-2-70b", "task": "generate", "precision": "bf16", "n_gpus": 2, "sharding": "TP2"}
    parts = language_time.step(language_setup.read(request), accelerator("A100-SXM4-80GB"))
    assert max(parts, key=parts.__getitem__) == "launches" or parts["weights"] > 5 * parts["products"]
    assert parts["weights"] == pytest.approx(138e9 / 2 / 2039e9, rel=0.02)


def test_published_rates() -> None:
    """The bar: a median error of 12 %."""
    errors, inside = [], []
    for row in rows("throughput_llm.csv"):
        if not row["tok_s_gpu"]:
            continue
        rate = language.answer(row)["items_per_second"]
        measured = float(row["tok_s_gpu"]) * int(row["n_gpus"])
        errors.append(abs(measured / rate["likely"] - 1))
        inside.append(rate["low"] <= measured <= rate["high"])
    assert statistics.median(errors) <= 0.05
    assert statistics.mean(inside) >= 0.9
