"""Image networks: recognised by their sizes, estimates that behave, and figures near published measurements."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.cost import vision, vision_memory, vision_networks, vision_time
from deepworth.cost.catalogue import Accelerator, accelerator
from deepworth.errors import UserError
from tests.cost.published import rows

RESNET50 = {"params_m": 25.56, "gmacs": 4.11, "macts": 11.11, "img": 224}
REQUEST = RESNET50 | {"kind": "vision", "batch": 256, "mode": "train", "precision": "amp", "hardware": "RTX 3090"}
CARDS = ("RTX 3090", "RTX 4090", "T4", "L4", "A100-SXM4-80GB", "H100-SXM5-80GB", "MI300X", "TPU v5e", "i9-10940X")


def test_a_whole_answer() -> None:
    answer = vision.answer(REQUEST)
    assert answer["fits"] is True and answer["basis"] and answer["model"] == "resnet50"
    for name in ("peak_gb", "seconds_per_step", "items_per_second"):
        assert 0 < answer[name]["low"] < answer[name]["likely"] < answer[name]["high"]
    assert answer["items_per_second"]["likely"] == pytest.approx(256 / answer["seconds_per_step"]["likely"])
    json.dumps(answer)


def test_a_name_is_as_good_as_the_sizes() -> None:
    asked = {key: value for key, value in REQUEST.items() if key not in RESNET50}
    named = vision.answer(asked | {"model": "timm/resnet50.a1_in1k"})
    assert named["peak_gb"]["likely"] == pytest.approx(vision.answer(REQUEST)["peak_gb"]["likely"], rel=0.01)
    larger = vision.answer(asked | {"model": "resnet50", "img": 448})
    assert larger["seconds_per_step"]["likely"] == pytest.approx(4 * named["seconds_per_step"]["likely"], rel=0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hardware": "RTX 3091"}, "RTX 3090"),
        ({"gmacs": None, "model": "resnet51"}, "resnet50"),
        ({"gmacs": None, "model": None}, "params_m"),
        ({"gmacs": -1}, "give a number from"),
        ({"batch": 0}, "whole number"),
        ({"mode": "dream"}, "train or infer"),
        ({"precision": "posit"}, "fp16"),
        ({"optimizer": "magic"}, "adamw"),
    ],
)
def test_what_is_wrong_is_told(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        vision.answer(REQUEST | change)


@given(
    params=st.floats(0.3, 2000), gmacs=st.floats(0.02, 2000), ratio=st.floats(0.3, 60), img=st.integers(64, 1024),
    batch=st.integers(1, 4096), train=st.booleans(), card=st.sampled_from(CARDS),
    precision=st.sampled_from(["amp", "fp16", "bf16-mixed", "tf32", "fp32", "16-true"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_more_work_never_costs_less(
    params: float, gmacs: float, ratio: float, img: int, batch: int, train: bool, card: str, precision: str
) -> None:
    mode = "train" if train else "infer"
    sizes = {"params_m": params, "gmacs": gmacs, "macts": gmacs * ratio, "img": img, "mode": mode}
    asked = sizes | {"batch": batch, "hardware": card, "precision": precision}
    one, two = vision.answer(asked), vision.answer(asked | {"batch": 2 * batch})
    assert one["peak_gb"]["likely"] < two["peak_gb"]["likely"]
    assert one["seconds_per_step"]["likely"] <= two["seconds_per_step"]["likely"]
    assert one["items_per_second"]["likely"] <= two["items_per_second"]["likely"] * (1 + 1e-9)
    assert one["fits"] or not two["fits"]
    if not train:
        assert (
            vision.answer(asked | {"mode": "train"})["seconds_per_step"]["likely"]
            > one["seconds_per_step"]["likely"] / 2
        )


def test_the_largest_batch_is_where_fits_turns() -> None:
    network, card = vision_networks.like(25.56, 4.11, 11.11, 224), accelerator("RTX 3090")
    largest = vision.largest_batch(network, card, train=True, kind="fp16")
    assert vision.answer(REQUEST | {"batch": largest})["fits"]
    assert not vision.answer(REQUEST | {"batch": largest + 1})["fits"]


def test_a_network_in_the_table_is_itself() -> None:
    names, columns = vision_networks.table()
    assert len(names) > 900
    for place in range(0, len(names), 37):
        sizes = [float(columns[c][place]) for c in ("params_m", "gmacs", "macts", "img")]
        found = vision_networks.like(*sizes)
        assert found.apart == 0
        assert found.params_m == pytest.approx(sizes[0])


def test_rounded_sizes_are_recognised() -> None:
    assert vision_networks.like(25.6, 4.1, 11.1, 224).like == ("resnet50",)
    assert vision_networks.like(86.57, 17.58, 23.9, 224).apart == 0


def test_an_unknown_network_is_said_to_be_one() -> None:
    answer = vision.answer(REQUEST | {"params_m": 31.7, "gmacs": 2.9, "macts": 23.0})
    assert any("no network of these sizes" in warning for warning in answer["warnings"])
    sure = vision.answer(REQUEST)["seconds_per_step"]
    wide = answer["seconds_per_step"]
    assert wide["high"] / wide["low"] > sure["high"] / sure["low"]


def test_optimisers_and_precisions_take_their_bytes() -> None:
    network = vision_networks.like(25.56, 4.11, 11.11, 224)
    fixed = {o: vision_memory.parts(network, train=True, kind="fp32", optimizer=o)[0] for o in ("sgd", "adamw")}
    assert fixed["adamw"] - fixed["sgd"] == pytest.approx(4 * 0.02556, rel=1e-6)
    assert fixed["adamw"] == pytest.approx(16 * 0.02556, rel=1e-6)


def test_power_keeps_small_boards_from_their_peak() -> None:
    l4, a100 = accelerator("L4"), accelerator("A100-SXM4-80GB")
    assert vision_time.matrix_rate(l4, "fp16") < 0.7 * 121e12
    assert vision_time.matrix_rate(a100, "fp16") > 0.9 * 312e12


def test_largest_batches_on_24_gb_lie_in_the_measured_brackets() -> None:
    card, inside = accelerator("RTX 3090"), []
    for row in rows("timm_train_rtx3090_amp.csv"):
        if row["gmacs"] and row["batch_failed"]:
            network = vision_networks.like(*(float(row[c]) for c in ("params_m", "gmacs", "macts", "img")))
            batch = vision.largest_batch(network, card, train=True, kind="fp16")
            inside.append(float(row["batch_fits"]) <= batch < float(row["batch_failed"]))
    assert np.mean(inside) >= 0.78


def test_training_and_inference_lie_near_published_speeds() -> None:
    for name, column, batch, train, card in (
        ("timm_train_rtx3090_amp.csv", "img_s_nchw", "batch_fits", True, "RTX 3090"),
        ("timm_infer.csv", "rtx4090", "bs_rtx4090", False, "RTX 4090"),
    ):
        errors = []
        for row in rows(name)[::3]:
            if row["gmacs"] and row[column]:
                network = vision_networks.like(*(float(row[c]) for c in ("params_m", "gmacs", "macts", "img")))
                size = float(row[batch])
                told = size / vision_time.seconds(network, accelerator(card), train=train, kind="fp16", batch=size)
                errors.append(abs(told / float(row[column]) - 1))
        assert np.median(errors) < 0.15


@pytest.mark.parametrize(
    ("model", "mode", "threads", "measured"),
    [("resnet50", "train", 1, 2.015), ("resnet50", "infer", 1, 0.525), ("vit_small_patch16_224", "train", 2, 0.813),
     ("mobilenetv2_100", "infer", 1, 0.110), ("efficientnet_b0", "train", 1, 0.754), ("resnet18", "train", 2, 0.377)],
)  # fmt: skip
def test_steps_on_a_processor_as_they_were_measured(model: str, mode: str, threads: int, measured: float) -> None:
    """A Xeon of 188 GFLOP/s a thread in products, 18 GB/s in copies (benchmarks/processor.py), 8 images, fp32."""
    device = Accelerator(
        name="Xeon", vendor="", kind="cpu", arch=vision_time.PROBED, form="socket", year=0, mem_gb=20, confidence="B",
        fp32_tflops=0.188 * threads / 0.75, bw_gbs=18 * threads / 0.85, as_of="", source="",
    )  # fmt: skip
    network = vision_networks.named({"model": model})
    told = vision_time.seconds(network, device, train=mode == "train", kind="fp32", batch=8)
    assert told == pytest.approx(measured, rel=0.3)


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("vit-b", "vit_base_patch16_224"),
        ("ViT-B/16", "vit_base_patch16_224"),
        ("vit_l_16", "vit_large_patch16_224"),
        ("google/vit-base-patch16-224", "vit_base_patch16_224"),
        ("timm/resnet50.a1_in1k", "resnet50"),
        ("microsoft/resnet-50", "resnet50"),
        ("convnext_t", "convnext_tiny"),
    ],
)
def test_a_network_is_known_by_its_other_names(asked: str, known: str) -> None:
    assert vision_networks.named({"model": asked}).like == (known,)


@pytest.mark.parametrize("asked", ["resnet", "vit", "llama-7b", "vitb", ""])
def test_no_network_is_guessed_at(asked: str) -> None:
    with pytest.raises(UserError):
        vision_networks.named({"model": asked})


@pytest.mark.parametrize(("hardware", "wider"), [("T4", "amp"), ("RTX 4090", "amp"), ("16 vCPU", "fp32")])
def test_int8_is_told_with_a_wide_interval_from_no_gain_on(hardware: str, wider: str) -> None:
    asked = {"model": "resnet50", "mode": "infer", "batch": 8, "hardware": hardware}
    base, eight = (vision.answer(asked | {"precision": precision}) for precision in (wider, "int8"))
    step, wide = base["seconds_per_step"], eight["seconds_per_step"]
    assert wide["low"] < step["low"] and step["likely"] < wide["high"]
    assert wide["low"] < wide["likely"] < step["likely"]
    assert any(warning.startswith("int8 is not measured on ") for warning in eight["warnings"])
    assert eight["peak_gb"]["likely"] < base["peak_gb"]["likely"]


def test_int8_where_nothing_is_known_of_it() -> None:
    asked = {"model": "resnet50", "precision": "int8", "hardware": "V100", "batch": 8}
    told = vision.answer(asked | {"mode": "infer"})
    assert "no rate of V100-SXM2-16GB in int8 is known: taken as fp16" in told["warnings"]
    with pytest.raises(UserError, match="int8 for inference"):
        vision.answer(asked | {"mode": "train"})
