"""Names lead to dimensions, and dimensions to the published numbers of parameters."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deepworth.cost import dims
from deepworth.errors import UserError
from tests.cost.published import rows

PUBLISHED = {  # parameters, in 1e9
    "llama-2-7b": 6.74, "llama-2-70b": 68.98, "llama-3.1-8b": 8.03, "llama-3.1-405b": 405.85, "llama-3.2-1b": 1.24,
    "mistral-7b": 7.24, "mixtral-8x7b": 46.70, "mixtral-8x22b": 140.6, "gemma-2-9b": 9.24, "gemma-3-27b": 27.0,
    "qwen2.5-0.5b": 0.494, "qwen2.5-7b": 7.62, "qwen3-30b-a3b": 30.5, "qwen3-235b-a22b": 235.1, "phi-4": 14.66,
    "falcon-40b": 41.3, "gpt2": 0.124, "gpt2-xl": 1.558, "bloom": 176.2, "bert-base": 0.1095, "xlm-roberta-base": 0.278,
    "whisper-large-v3": 1.543, "smollm2-135m": 0.1345, "gpt-oss-120b": 116.8, "starcoder2-15b": 15.96,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name: str) -> None:
    assert dims.find(name).total / 1e9 == pytest.approx(PUBLISHED[name], rel=0.012)


def test_a_mixture_of_experts_computes_with_few() -> None:
    assert dims.find("mixtral-8x7b").active / 1e9 == pytest.approx(12.6, abs=0.3)  # without the words
    assert dims.find("qwen3-30b-a3b").active / 1e9 == pytest.approx(2.7, abs=0.3)
    dense = dims.find("llama-2-7b")
    assert dense.active == dense.blocks


@pytest.mark.parametrize(
    ("hub", "plain"),
    [
        ("meta-llama/Llama-3.1-8B", "llama-3.1-8b"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2-7b"),
        ("mistralai/Mistral-7B-Instruct-v0.2", "mistral-7b-v0.2"),
        ("mistralai/Mistral-7B-v0.1", "mistral-7b"),
        ("microsoft/phi-1_5", "phi-1.5"),
        ("microsoft/Phi-3-mini-4k-instruct", "phi-3-mini"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "tiny-llama"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5-7b"),
        ("google/gemma-2-9b-it", "gemma-2-9b"),
        ("google-bert/bert-base-uncased", "bert-base"),
        ("sentence-transformers/all-MiniLM-L6-v2", "minilm-l6"),
        ("EleutherAI/pythia-1b-deduped", "pythia-1b"),
        ("stabilityai/stablelm-base-alpha-3b", "stablelm-base-alpha-3b"),
        ("openai-community/gpt2", "gpt2"),
    ],
)
def test_a_hub_name_finds_its_row(hub: str, plain: str) -> None:
    assert dims.find(hub).model == plain


def test_every_plain_name_and_alias_finds_itself() -> None:
    for name, model in dims.table().items():
        assert dims.find(name) == model


def test_a_wrong_name_is_told_the_nearest() -> None:
    with pytest.raises(UserError, match=r"lama-3\.1-8b.*near it are.*llama-3\.1-8b"):
        dims.find("lama-3.1-8b")
    with pytest.raises(UserError, match="no dimensions are known"):
        dims.find("???")


def test_the_table_agrees_with_the_measured_models() -> None:
    for row in rows("models.csv"):
        model = dims.find(row["model"])
        assert model.total == pytest.approx(float(row["matmul_plus_embed_params"]), rel=1e-9), row["model"]


def test_a_local_config_is_read(tmp_path: Path) -> None:
    config = {
        "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 14336, "hidden_act": "silu", "vocab_size": 128256,
        "tie_word_embeddings": False,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    model, known = dims.from_config(tmp_path), dims.find("llama-3.1-8b")
    assert (model.total, model.kv_heads, model.mlp_mats) == (known.total, 8, 3)
    gpt2 = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    (tmp_path / "config.json").write_text(json.dumps(gpt2))
    assert dims.from_config(tmp_path).total == dims.find("gpt2").total
    falcon = {"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71}
    (tmp_path / "config.json").write_text(json.dumps(falcon | {"vocab_size": 65024, "multi_query": True}))
    assert dims.from_config(tmp_path).total == dims.find("falcon-7b").total
    modern = {"model_type": "modernbert", "hidden_size": 768, "num_hidden_layers": 22, "num_attention_heads": 12}
    modern |= {"vocab_size": 50368, "intermediate_size": 1152, "hidden_activation": "gelu"}
    (tmp_path / "config.json").write_text(json.dumps(modern))
    assert dims.from_config(tmp_path) == replace(
        dims.find("modernbert-base"), model=tmp_path.name, source=str(tmp_path / "config.json"), context=None
    )
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="not the configuration of a transformer"):
        dims.from_config(tmp_path)


def test_a_number_of_parameters_is_enough() -> None:
    assert dims.of_size(6.6e10).total == pytest.approx(6.6e10)
    with pytest.raises(UserError):
        dims.of_size(0)


def test_dims_of_a_request_are_checked() -> None:
    whole = {"layers": 2, "hidden": 64, "heads": 4, "ffn": 256, "vocab": 1000}
    assert dims.from_dims(whole).head_dim == 16
    for wrong in ({"layers": 0}, {"hidden": "wide"}, {"mlp_mats": 7}, {"heads": -4}, {"vocab": [1]}):
        with pytest.raises(UserError):
            dims.from_dims(whole | wrong)
