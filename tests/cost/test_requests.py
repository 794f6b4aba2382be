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


def test_unknown_spellings_are_warned_of() -> None:
    odd = {"precision": "posit", "quant": "q5_k", "optimizer": "Muon", "sharding": "diagonal", "n_gpus": 2}
    answer = requests.answer(REQUEST | odd)
    assert answer["peak_gb"]["likely"] > 0
    for word in odd:
        if word != "n_gpus":
            assert any(word in warning for warning in answer["warnings"]), word


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
