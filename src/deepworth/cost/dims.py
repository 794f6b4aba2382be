"""Dimensions of transformers: a table of the open ones, a local config.json, or a number of parameters."""

from __future__ import annotations

import csv
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from deepworth.errors import UserError
from deepworth.types import record

TABLE = Path(__file__).parent / "tables" / "language_models.csv"
# Endings of a hub name that tell how a network was trained on, not how large it is.
TUNED = re.compile(
    r"-(hf|base|pt|it|sft|dpo|chat|instruct|reasoning|thinking|python|deduped|coder|math|v1\.0|1124|2407|2411|2501|2507"
    r"|intermediate-step.*|instruct-v0\.\d|chat-v\d\.\d|v0\.1)(?=-|$)"
)

# Tokens that families were made for, by the start of the name (max_position_embeddings of their config.json).
CONTEXT = {
    "bert": 512, "roberta": 512, "xlm-roberta": 512, "distilbert": 512, "electra": 512, "minilm": 512, "mpnet": 512,
    "modernbert": 8192, "gpt2": 1024, "distilgpt2": 1024, "gpt-j": 2048, "gpt-neox": 2048, "opt-": 2048, "pythia": 2048,
    "tiny-llama": 2048, "falcon-": 2048, "phi-1.5": 2048, "phi-2": 2048, "llama-7b": 2048, "llama-13b": 2048,
    "llama-30b": 2048, "llama-65b": 2048, "llama-2-": 4096, "llama-3-": 8192, "llama-3.": 131072, "codellama": 16384,
    "mistral-7b": 32768, "mixtral-8x7b": 32768, "mixtral-8x22b": 65536, "qwen2.5": 131072, "qwen3-": 40960,
    "gemma-2b": 8192, "gemma-7b": 8192, "gemma-2-": 8192,
}  # fmt: skip

# Kinds of config.json whose activation does not tell whether the feed-forward part is gated, and those without decoder.
GATED, PLAIN = {"modernbert"}, {"starcoder2", "gpt_bigcode", "siglip", "phi", "gptj", "gpt_neox"}
ENCODERS = {
    "bert", "roberta", "xlm-roberta", "distilbert", "deberta-v2", "electra", "mpnet", "modernbert", "wav2vec2",
    "hubert",
}  # fmt: skip

MOST = {
    "layers": 10_000, "hidden": 10**6, "heads": 10**5, "kv_heads": 10**5, "head_dim": 10**5, "ffn": 10**7,
    "vocab": 10**8, "experts": 10**5, "active_experts": 10**5, "norms": 100, "params": 1e14, "context": 10**9,
}  # fmt: skip


@record
class Transformer:
    """Sizes of one network; `params` where the closed form leaves something out (convolutions, cross attention)."""

    model: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    mlp_mats: int  # 3 in gated feed-forward parts (SwiGLU), 2 otherwise
    vocab: int
    tied_embeddings: bool = False
    experts: int = 1
    active_experts: int = 1
    norms: int = 2  # of a layer
    scores: bool = False  # scores are capped, so that flash attention cannot be used
    params: float | None = None
    kind: str = "decoder"
    source: str = ""
    context: int | None = None  # tokens it was made for, where they are known

    @property
    def attention(self) -> float:
        """Parameters of the four projections of one layer."""
        return self.hidden * self.head_dim * 2.0 * (self.heads + self.kv_heads)

    def _blocks(self, experts: int) -> float:
        return self.layers * (self.attention + self.mlp_mats * self.hidden * self.ffn * float(experts))

    @property
    def embedding(self) -> float:
        """Parameters of the table of words (the output layer has as many)."""
        return float(self.vocab * self.hidden)

    @property
    def blocks(self) -> float:
        """Parameters of all layers, of every expert; biases and norms (under 0.1 %) are left out."""
        if self.params:
            return self.params - self.embedding * (1 if self.tied_embeddings else 2)
        return self._blocks(self.experts)

    @property
    def active(self) -> float:
        """Parameters of the layers that one token meets."""
        return self.blocks - self._blocks(self.experts) + self._blocks(self.active_experts)

    @property
    def total(self) -> float:
        """All parameters, a tied output layer counted once."""
        return self.blocks + self.embedding * (1 if self.tied_embeddings else 2)


@cache
def table() -> dict[str, Transformer]:
    """The known networks, by plain name and by alias."""
    with TABLE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    known = {row["model"]: _row(row | {"context": _context(row["model"])}) for row in rows}
    for row in rows:
        known |= dict.fromkeys(row["aliases"].split(), known[row["model"]])
    return known


def _context(name: str) -> int | None:
    family = max((start for start in CONTEXT if name.startswith(start)), key=len, default="")
    return CONTEXT.get(family)


def names() -> list[str]:
    """Plain names of the known networks."""
    return sorted({model.model for model in table().values()})


def find(name: str) -> Transformer:
    """The network of a name, of the hub (meta-llama/Llama-3.1-8B-Instruct) or plain; UserError with the nearest."""
    plain = _plain(name)
    if re.match(r"phi-\d-\d", plain):
        plain = plain.replace("-", ".", 2).replace(".", "-", 1)
    plain = plain.removeprefix("meta-")
    known = table()
    while plain not in known:
        shorter = TUNED.sub("", plain, count=1)
        if shorter == plain:
            close = ", ".join(near(name))
            raise UserError(
                f"no dimensions are known for the model {name!r}; {f'near it are {close}; ' if close else ''}"
                "a folder with its config.json, `dims` or `params` (a number of parameters) do as well"
            )
        plain = shorter
    return known[plain]


def _plain(name: str) -> str:
    return name.strip().lower().rsplit("/", 1)[-1].replace("_", "-")


def near(name: str) -> list[str]:
    """The names nearest to what was asked for: of the same family, and there those of the same size, first."""
    plain = _plain(name)
    family, size = re.sub(r"[^a-z].*", "", plain), re.search(r"\b\d+(?:\.\d+)?[bm]\b", plain)
    alike = [known for known in names() if len(family) > 2 and known.startswith(family)]
    as_large = [known for known in alike if size and size[0] in known.split("-")]
    others = difflib.get_close_matches(plain, alike or table(), n=4, cutoff=0.0 if alike else 0.6)
    return list(dict.fromkeys([*as_large[::-1], *others]))[:5]


def is_known(name: str) -> bool:
    """Whether `find` finds it."""
    try:
        find(name)
    except UserError:
        return False
    return True


def is_folder(name: str) -> bool:
    """Whether a name is that of a local folder with a config.json, or of the file."""
    path = Path(name)
    return (path / "config.json").is_file() or (path.name == "config.json" and path.is_file())


def from_dims(dims: Mapping[str, Any], name: str = "given dimensions") -> Transformer:
    """The network of a mapping with the columns of the table; head_dim and kv_heads may be left out."""
    missing = [key for key in ("layers", "hidden", "heads", "ffn", "vocab") if not dims.get(key)]
    if missing:
        raise UserError(f"dims lack {', '.join(missing)}: give layers, hidden, heads, ffn and vocab at least")
    given = {key: value for key, value in dims.items() if value not in (None, "")}
    row = {"model": name, "kv_heads": given["heads"], "head_dim": 1, "mlp_mats": 3} | given
    if "head_dim" not in given:
        model = _row(row)
        row["head_dim"] = model.hidden // model.heads
    return _row(row)


def from_config(folder: str | Path) -> Transformer:
    """The network of a local folder, or of the config.json itself, as transformers writes it."""
    path = Path(folder)
    path = path / "config.json" if path.is_dir() else path
    if not path.exists():
        raise UserError(f"{folder} has no config.json: name a folder of a saved network, or a known model")
    config = json.loads(path.read_text())
    config = config.get("text_config", config)

    def first(*keys: str, default: Any = None) -> Any:
        return next((config[key] for key in keys if config.get(key) is not None), default)

    kind = config.get("model_type", "")
    hidden = first("hidden_size", "n_embd", "d_model", "dim")
    heads = first("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads")
    layers = first("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")
    if not (hidden and heads and layers):
        raise UserError(f"{path} has no hidden size, heads or layers: it is not the configuration of a transformer")
    if "encoder_layers" in config or "num_decoder_layers" in config:
        layers = first("encoder_layers", "num_layers") + first("decoder_layers", "num_decoder_layers", default=0)
    act = first("hidden_act", "hidden_activation", default="gelu")
    gated = kind in GATED or (kind not in PLAIN and act in ("silu", "swish", "gelu_pytorch_tanh"))
    one_key = kind == "falcon" and config.get("multi_query") and not config.get("new_decoder_architecture")
    experts = first("num_local_experts", "num_experts", "n_routed_experts", default=1)
    ffn = first("intermediate_size", "n_inner", "ffn_dim", "encoder_ffn_dim", "hidden_dim", "d_ff", default=4 * hidden)
    return _row(
        {
            "model": path.parent.name or "config.json",
            "kind": "encoder" if kind in ENCODERS else "decoder",
            "layers": layers,
            "hidden": hidden,
            "heads": heads,
            "kv_heads": 1 if one_key else first("num_key_value_heads", "num_kv_heads", "n_head_kv", default=heads),
            "head_dim": first("head_dim", "d_kv", default=hidden // heads),
            "ffn": first("moe_intermediate_size", default=ffn) if experts > 1 else ffn,
            "mlp_mats": 3 if gated else 2,
            "vocab": first("vocab_size", default=0),
            "tied_embeddings": bool(first("tie_word_embeddings", default=True)),
            "experts": experts,
            "active_experts": first("num_experts_per_tok", default=1),
            "norms": 4 if kind.startswith(("gemma2", "gemma3")) else 2,
            "scores": bool(config.get("attn_logit_softcapping")),
            "source": str(path),
            "context": first("max_position_embeddings", "n_positions", "n_ctx"),
        }
    )


def of_size(params: float) -> Transformer:
    """A network of a number of parameters: the gated decoder nearest in size, its width scaled to meet the number."""
    if not params > 0:
        raise UserError(f"params is {params}: give the number of parameters, such as 8.03e9")
    alike = [m for m in table().values() if m.kind == "decoder" and m.experts == 1 and m.mlp_mats == 3]
    model = min(alike, key=lambda m: abs(math.log(m.total / params)))
    return replace(model, model=f"{params / 1e9:.3g}B parameters", params=params, source=f"shape of {model.model}")


def _row(row: Mapping[str, Any]) -> Transformer:
    """A record of one row of text or numbers; empty fields keep their defaults."""
    casts: dict[str, Callable[[Any], Any]] = {
        "int": int,
        "str": str,
        "bool": lambda value: str(value).lower() in ("1", "true"),
        "float | None": float,
        "int | None": int,
    }
    given = [f for f in fields(Transformer) if row.get(f.name) not in (None, "")]
    try:
        model = Transformer(**{f.name: casts[str(f.type)](row[f.name]) for f in given})
    except (TypeError, ValueError, OverflowError):
        raise UserError(f"the dimensions of {row['model']!r} are not all numbers: {dict(row)}") from None
    large = {name: getattr(model, name) for name, most in MOST.items() if (getattr(model, name) or 0) > most}
    if large:
        raise UserError(f"the dimensions of {model.model!r} are beyond any network: {large}")
    sizes = (model.layers, model.hidden, model.heads, model.kv_heads, model.head_dim, model.ffn, model.experts)
    if min(sizes) < 1 or model.vocab < 0 or model.mlp_mats not in (2, 3):
        raise UserError(f"the dimensions of {model.model!r} are not all positive, or mlp_mats is neither 2 nor 3")
    return model
