"""Networks of candidates on GPUs: by the closed forms that `deepworth estimate` answers with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deepworth.cost import onboard, vision_time
from deepworth.cost.catalogue import accelerator
from deepworth.decide.hardware import reckoned
from deepworth.registry import resolve, specs
from deepworth.types import Estimate, Machine, Workload

HERE = Machine(threads=4, memory_gb=30.0, gflops=300.0)
KINDS = {"image": {"pixels": 150_000.0}, "text": {"chars": 600.0, "texts": 1}, "audio": {"clip_seconds": 3.0}}
MODELS = [spec for spec in specs("models").values() if spec.rung in ("frozen", "tuned", "custom")]
MEDIA = [(spec.name, kind) for spec in MODELS for kind in KINDS if kind in spec.modalities]


def estimated(model: str, kind: str, hardware: str, train: int = 8_000, **params: str) -> Estimate:
    work = Workload(modality=kind, task="multiclass", classes=10, train=train, valid=1_000, test=1_000, **KINDS[kind])  # type: ignore[arg-type]
    told: Estimate = resolve(specs("models")[model].cost)(work, reckoned(hardware, HERE)[1], params)
    return told


@pytest.mark.parametrize(("model", "kind"), MEDIA)
def test_a_gpu_is_reckoned_with_as_it_was_measured(model: str, kind: str) -> None:
    bare, card = estimated(model, kind, "none"), estimated(model, kind, "T4")
    assert card.seconds.likely < bare.seconds.likely
    assert "T4" in card.basis and "published runs" in card.basis and "confidence" in card.basis
    assert "T4" not in bare.basis
    assert card.seconds.low < card.seconds.likely < card.seconds.high
    assert estimated(model, kind, "T4", train=80_000).seconds.likely > 2 * card.seconds.likely


@pytest.mark.parametrize(("model", "kind"), MEDIA)
def test_a_faster_card_is_never_slower(model: str, kind: str) -> None:
    slow, fast = (estimated(model, kind, name).seconds.likely for name in ("T4", "H100-SXM5-80GB"))
    assert fast <= 1.01 * slow


def test_several_devices_share_a_batch_and_do_not_divide_the_time() -> None:
    one, four = (estimated("image-tuned", "image", name).seconds.likely for name in ("T4", "4x T4"))
    assert one / 4 < four < one  # small batches are bound by the host
    alone, encoded = (estimated("image-backbone", "image", name) for name in ("T4", "4x T4"))
    assert alone.seconds == encoded.seconds  # only one encodes


def test_a_network_that_is_named_counts() -> None:
    usual, large = estimated("image-tuned", "image", "T4"), estimated("image-tuned", "image", "T4", weights="resnet50")
    assert large.seconds.likely > usual.seconds.likely
    assert estimated("image-tuned", "image", "T4", weights="my/folder") == usual
    small, base = (estimated("text-tuned", "text", "T4", **named) for named in ({}, {"weights": "bert-base-uncased"}))
    assert base.seconds.likely > 2 * small.seconds.likely


def test_steps_are_those_of_the_roofline() -> None:
    item = accelerator("RTX 3090")
    network = onboard.network(None, "efficientnet_lite0", 224)
    pace = onboard.of_images(item, 1, network, 32)
    assert pace.step * 32 == pytest.approx(vision_time.seconds(network, item, train=True, kind="fp16", batch=32))


def test_hardware_without_a_part_falls_back_to_a_share_of_its_rate() -> None:
    machine = replace(reckoned("T4", HERE)[1], accelerator_part="")
    work = Workload(modality="text", task="binary", classes=2, train=4_000, valid=500, test=500, chars=300.0, texts=1)
    told = resolve(specs("models")["text-tuned"].cost)(work, machine, {})
    assert "GFLOP/s" in told.basis
