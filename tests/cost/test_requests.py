"""The batch form: every line is answered, and none stops the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.cost import requests

REQUEST = {
    "kind": "llm", "model": "llama-3.1-8b", "task": "train", "method": "lora", "precision": "bf16-true", "quant": None,
    "optimizer": "AdamW", "micro_batch": 1, "seq_len": 1044, "grad_ckpt": False, "trainable": 1572864, "n_gpus": 1,
    "hardware": "A100-SXM4-40GB", "sharding": None, "unit": "GB",
}  # fmt: skip
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
WORDS = st.sampled_from([
    "full", "qlora", "peft:lora", "bnb.nf4-dq", "gptq-int4", "fp8", "32-true", "int8", "FSDP8 TP4 PP2", "ZeRO-2", "L4",
    "PagedAdamW8bit", "train", "infer", "1", "0", "per-op SAC", "generate 10", "GiB", "unstated", "gpt2", "dense-13B",
])  # fmt: skip
VALUES = PLAIN | WORDS | st.lists(PLAIN, max_size=2) | st.dictionaries(st.text(max_size=6), PLAIN, max_size=2)
KEYS = st.sampled_from(
    [*REQUEST, "dims", "params", "global_batch", "grad_accum", "notes", "scope", "stack", "compile", "id"]
)


def test_a_whole_answer() -> None:
    answer = requests.answer(REQUEST | {"id": 7})
    assert answer["id"] == 7 and answer["fits"] is True and answer["basis"]
    for name in ("peak_gb", "seconds_per_step", "items_per_second"):
        assert 0 < answer[name]["low"] < answer[name]["likely"] < answer[name]["high"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "lama-3.1-8b"}, "llama-3.1-8b"),
        ({"hardware": "A100-SXM4-41GB"}, "A100-SXM4-40GB"),
        ({"micro_batch": 0}, "whole number"),
        ({"seq_len": "long"}, "give a number"),
        ({"task": "paint"}, "train or generate"),
        ({"kind": "music"}, "llm, vision"),
        ({"model": None}, "`params`"),
    ],
)
def test_what_is_wrong_is_told(change: dict[str, Any], said: str) -> None:
    assert said in requests.answer(REQUEST | change)["error"]


def test_words_with_only_a_likely_reading_are_warned_of() -> None:
    odd = {"method": "loraplus", "quant": "q4_k_m", "sharding": "diagonal", "n_gpus": 2}
    answer = requests.answer(REQUEST | odd)
    assert answer["peak_gb"]["likely"] > 0
    for word in ("method", "quant", "sharding"):
        assert any(word in warning for warning in answer["warnings"]), word


@pytest.mark.parametrize(
    ("field", "word", "near"),
    [
        ("method", "rola", "lora"),
        ("precision", "posit", "bf16"),
        ("quant", "q5_k", "nf4"),
        ("optimizer", "AdamX3", "Adam"),
        ("optimizer", "Sophia", "AdamW"),
        ("unit", "MB", "GB"),
        ("grad_ckpt", "banana", "selective"),
        ("seq_len", 99_999_999, "10,000,000"),
    ],
)
def test_words_without_a_reading_are_errors(field: str, word: Any, near: str) -> None:
    answer = requests.answer(REQUEST | {field: word})
    if word == "AdamX3":  # an Adam: as many states
        assert answer["peak_gb"] == requests.answer(REQUEST)["peak_gb"]
        return
    assert field in answer["error"] and near in answer["error"]


def test_what_was_taken_as_usual_is_said() -> None:
    answer = requests.answer({"model": "gpt2", "hardware": "T4", "seq_len": 4096})
    told = " ".join(answer["warnings"])
    for words in ("micro_batch", "optimizer AdamW", "beyond the 1,024 tokens", "T4 has no bf16 products"):
        assert words in told
    assert not any("not given" in warning for warning in requests.answer(REQUEST)["warnings"])


@pytest.mark.parametrize("part", ["T4", "V100-SXM2-32GB"])
def test_bf16_on_parts_without_it_is_warned_of(part: str) -> None:
    def warned(precision: str) -> bool:
        answer = requests.answer(REQUEST | {"hardware": part, "precision": precision, "model": "gpt2"})
        return any("no bf16 products" in warning for warning in answer["warnings"])

    assert warned("bf16-mixed") and warned("bf16-true") and warned("bf16")
    assert not warned("fp16") and not warned("16-mixed") and not warned("fp32")


def test_what_would_make_it_fit_is_named() -> None:
    request = REQUEST | {"model": "llama-3.1-8b", "method": "lora", "seq_len": 4096, "micro_batch": 8}
    answer = requests.answer(request)
    assert not answer["fits"]
    (said,) = (warning for warning in answer["warnings"] if "does not fit" in warning)
    assert "activations" in said and "gradient checkpointing" in said
    whole = requests.answer({"model": "llama-3.1-8b", "seq_len": 512, "micro_batch": 1, "hardware": "L4"})
    assert whole["devices_needed"] > 4
    assert any(f"{whole['devices_needed']} devices hold it" in warning for warning in whole["warnings"])
    narrow = requests.answer({"model": "llama-3.1-70b", "seq_len": 2048, "micro_batch": 1, "hardware": "A100"})
    assert narrow["devices_needed"] is None
    assert any("with gradient checkpointing" in w and "devices hold it" in w for w in narrow["warnings"])


def test_many_devices_are_several_machines() -> None:
    def rate(part: str, count: int) -> float:
        request = REQUEST | {"hardware": part, "n_gpus": count, "method": "full", "sharding": "FULL_SHARD"}
        answer = requests.answer(request)
        assert any("machines" in warning for warning in answer["warnings"]) == (count > 8)
        return float(answer["items_per_second"]["likely"])

    assert rate("V100-SXM2-32GB", 16) < rate("V100-SXM2-32GB", 8)  # an ordinary network
    assert rate("A100-SXM4-80GB", 16) > 1.5 * rate("A100-SXM4-80GB", 8)  # clusters that were measured


def test_several_devices_may_stand_in_the_name() -> None:
    named = requests.answer(REQUEST | {"hardware": "2x T4", "n_gpus": None})
    told = requests.answer(REQUEST | {"hardware": "T4", "n_gpus": 2})
    assert named == told
    assert named["n_gpus"] == 2


def test_a_model_that_is_not_in_the_table_is_answered_by_its_params_or_dims() -> None:
    by_size = requests.answer(REQUEST | {"model": "my-own-llm", "params": 8.03e9})
    dims = {"layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn": 14336, "vocab": 128256, "mlp_mats": 3}
    by_dims = requests.answer(REQUEST | {"model": "my-own-llm", "dims": dims})
    assert by_dims["peak_gb"] == requests.answer(REQUEST)["peak_gb"]
    assert by_size["peak_gb"]["likely"] == pytest.approx(by_dims["peak_gb"]["likely"], rel=0.1)


def test_a_bad_line_does_not_stop_the_others() -> None:
    lines = [
        json.dumps(REQUEST),
        "",
        "{broken",
        "[1, 2]",
        '{"kind": []}',
        json.dumps(REQUEST | {"model": 3}),
        json.dumps(REQUEST),
    ]
    told = [json.loads(line) for line in requests.answers(lines)]
    assert ["error" in answer for answer in told] == [False, True, True, True, True, False]
    assert "line 3" in told[1]["error"]


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        REQUEST | {"task": "generate", "method": "generate", "n_gpus": 2},
        REQUEST | {"model": "my-own-llm", "params": 8.03e9, "hardware": None},
        {"kind": "vision", "model": "resnet50", "hardware": "T4"},
        {"kind": "vision", "model": "resnet50", "img": 288, "mode": "infer", "hardware": "RTX 3090", "batch": 64},
        {"kind": "vision", "params_m": 25.6, "gmacs": 4.1, "macts": 11.1, "img": 224, "hardware": "RTX 3090"},
        {"kind": "vision", "params_m": 33.3, "gmacs": 7.7, "hardware": "i7-12700H", "mode": "infer"},
    ],
)
def test_answers_of_every_kind_come_back_from_json(request_: dict[str, Any]) -> None:
    """A number of numpy in an answer once stopped a whole batch."""
    answer = requests.answer(request_)
    assert "error" not in answer
    assert json.loads(next(requests.answers([json.dumps(request_)]))) == json.loads(json.dumps(answer))
    assert answer["fits"] in (True, False, None) and type(answer["fits"]).__module__ == "builtins"


def test_a_defect_met_by_one_line_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("of no use")

    monkeypatch.setitem(requests.KINDS, "vision", broken)
    told = [json.loads(line) for line in requests.answers(['{"kind": "vision"}', json.dumps(REQUEST)])]
    assert "line 1" in told[0]["error"] and "ZeroDivisionError" in told[0]["error"]
    assert told[1]["fits"] is True


@settings(deadline=None)
@given(changes=st.dictionaries(KEYS.filter(lambda key: key != "kind"), VALUES, max_size=6))
def test_whatever_is_asked_there_is_an_answer(changes: dict[str, Any]) -> None:
    answer = requests.answer(REQUEST | changes)
    assert "error" in answer or answer["peak_gb"]["likely"] > 0
    json.dumps(answer)


VISION = {"kind": "vision", "params_m": 25.6, "gmacs": 4.1, "macts": 11.1, "img": 224, "batch": 8, "hardware": "T4"}
VISION_KEYS = st.sampled_from([*VISION, "mode", "precision", "optimizer", "model", "n_gpus", "task"])


@settings(deadline=None)
@given(changes=st.dictionaries(VISION_KEYS.filter(lambda key: key != "kind"), VALUES, max_size=4))
def test_whatever_is_asked_of_images_there_is_a_line(changes: dict[str, Any]) -> None:
    told = json.loads(next(requests.answers([json.dumps(VISION | changes)])))
    assert "could not be answered" not in told.get("error", "")
    assert "error" in told or told["peak_gb"]["likely"] > 0


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        *((VISION | {field: 8.8e156}, field) for field in ("params_m", "gmacs", "macts", "img", "batch", "n_gpus")),
        *((VISION | {field: 1e-300}, field) for field in ("params_m", "gmacs", "macts", "img", "batch", "n_gpus")),
        *((REQUEST | {field: 1e200}, field) for field in ("micro_batch", "seq_len", "trainable", "n_gpus")),
        (REQUEST | {"model": None, "params": 1e200}, "params"),
        (REQUEST | {"dims": {"layers": 2, "hidden": 10**40, "heads": 2, "ffn": 4, "vocab": 9}}, "hidden"),
    ],
)
def test_absurd_sizes_are_refused_by_name(request_: dict[str, Any], field: str) -> None:
    """Squares of such numbers overflow, and no answer to them means anything."""
    assert field in requests.answer(request_)["error"]


def test_a_misspelled_field_is_told() -> None:
    told = requests.answer(
        {"kind": "llm", "model": "gpt2", "hardware": "T4", "methd": "lora", "seq_length": 512, "colour": "red"}
    )
    assert [w for w in told["warnings"] if "there is no field" in w] == [
        "there is no field 'methd', so it was not read; did you mean 'method'?",
        "there is no field 'seq_length', so it was not read; did you mean 'seq_len'?",
    ]


def test_no_column_of_published_tables_is_taken_for_a_misspelled_field() -> None:
    columns = (
        "id,heldout,model,task,method,precision,quant,optimizer,micro_batch,global_batch,seq_len,seq_note,grad_ckpt,"
        "compile,trainable,n_gpus,gpu,sharding,outcome,mem,unit,metric,scope,speed,speed_unit,src,notes,params,"
        "grad_accum,act_offload,mfu_pct,hfu_pct,model_tflops_per_gpu,tok_s,tok_s_gpu"
    )
    assert not requests.misspelled(dict.fromkeys(columns.split(",")), "llm")


def test_the_size_of_adapters_is_said() -> None:
    usual = {"model": "llama-3.1-8b", "method": "lora", "hardware": "A100-SXM4-80GB", "precision": "bf16"}

    def said(**fields: Any) -> str:
        return " ".join(requests.answer(usual | fields)["warnings"])

    assert "LoRA rank 64 on all products (167.8M" in said()
    assert "LoRA has 6.8M" in said(notes="r=16, q, v")
    assert "LoRA" not in said(trainable=1e7)
    assert "1,000,000 of 8,030" in said(method="full", trainable=1e6).replace("8,029,995,008", "8,030")
    assert "method is full" not in said(method="full")


def test_errors_are_quoted_by_kind_of_run() -> None:
    def basis(**fields: Any) -> str:
        return str(requests.answer(REQUEST | fields)["basis"])

    assert "10.5 %" in basis() and "left out" not in basis()
    assert "error 3 %" in basis(method="full", trainable=None) and "10.5 %" not in basis(method="full", trainable=None)
    far = basis(method="full", trainable=None, hardware="MI300X")
    assert "about 10 %" in far and "error 3 %" not in far
    assert "10.5 %" in basis(task="generate", method="generate")


def test_what_was_never_measured_is_warned_of() -> None:
    def said(**fields: Any) -> str:
        return " ".join(requests.answer(REQUEST | fields)["warnings"])

    assert "no published run on MI300X" in said(hardware="MI300X")
    assert "no published run" not in said()
    assert "up to 8.0x slower" in said(precision="fp32")
    assert "TF32" not in said() and "TF32" not in said(precision="fp32", hardware="T4", model="gpt2")


def test_generation_is_divided_by_its_heads_where_the_cache_is_too_large() -> None:
    long = {"model": "llama-3.1-70b", "task": "generate", "precision": "bf16", "seq_len": 8192, "micro_batch": 32}
    long |= {"hardware": "H100-SXM5-80GB"}
    alone = requests.answer(long)
    assert (alone["devices_needed"], alone["needed_sharding"]) == (4, "TP4")
    assert any("sharding TP4), 4 devices hold it" in warning for warning in alone["warnings"])
    assert requests.answer(long | {"n_gpus": 4, "sharding": "TP4"})["fits"]
    more = requests.answer(long | {"micro_batch": 128})
    assert more["devices_needed"] is None
    assert not requests.answer(long | {"micro_batch": 128, "n_gpus": 8, "sharding": "TP8"})["fits"]
