"""How people and libraries spell precision, quantization, optimisers, sharding and adapters, read into numbers.

A word that has only a likely reading is read so, and said in `warnings`; one that has none is an error with the
nearest words.
"""

from __future__ import annotations

import re

from deepworth.errors import UserError, nearest
from deepworth.types import record

# Numbers held a trained parameter.
STATES = {
    "adamw": 2.0, "adafactor": 0.01, "adagrad": 1.0, "adam": 2.0, "lion": 1.0, "momentum": 1.0, "sgd": 0.0,
    "muon": 1.0, "rmsprop": 1.0, "lamb": 2.0,
}  # fmt: skip
FULL = ("full", "pretrain", "pretraining", "sft", "train", "training", "dpo", "finetune", "fine-tune", "finetuning")
FEW = ("lora", "dora", "adapter", "adaption", "prefix", "prompt", "ia3")  # parts of the names of what trains little
RUNS = ("generate", "generation", "infer", "inference", "decode")
PRECISIONS = ("bf16", "bf16-true", "bf16-mixed", "fp16", "fp32", "tf32", "fp8", "amp")
WIDTH = r"fp8|float8|e4m3|mixed|amp|half|single|full|^float$|int[48]|[nf][fp]4|[48][\s_-]?bit|(?<!\d)(16|32)(?!\d)"
QUANTS = ("nf4", "nf4-dq", "int8", "int4", "gptq-int4", "fp4")
LONGEST, CAPPED = 0.13, 0.6  # mean over longest example of instruction data, whole (Alpaca) and cut at 512 tokens
OFF, ON = ("", "0", "0.0", "false", "no", "none", "off"), ("1", "1.0", "true", "yes", "full", "on")


@record
class Precision:
    """Width of the arithmetic, and what is known of the width of the weights."""

    sixteen: bool
    pure: bool = False  # said to be 16 bits and nothing else
    mixed: bool = False  # said to have fp32 weights
    eight: bool = False  # products in 8 bits


@record
class Optimizer:
    name: str
    values: float  # numbers held a trained parameter
    bits: int = 0  # of each; 0: as wide as the trained weights
    paged: bool = False  # held in host memory
    fused_backward: bool = False  # steps as soon as a gradient is there, and drops it


@record
class Sharding:
    """How a run is divided; `stage` as in ZeRO (Rajbhandari et al. 2020): 1 states, 2 and gradients, 3 and weights."""

    stage: int
    shards: int  # devices over which states are divided
    tensor: int = 1
    context: int = 1
    pipeline: int = 1
    overlapped: bool = False  # sums of tensor parallel layers run behind the products


def precision(name: str) -> Precision:
    """Of the arithmetic, and what is told of the weights. UserError for what is not a precision."""
    if name and not re.search(WIDTH, name):
        raise UserError(f"precision is {name!r}{nearest(name, PRECISIONS)}")
    if re.search(r"fp8|float8|e4m3", name):
        return Precision(sixteen=True, eight="row" not in name)  # a scale a row costs what the 8 bits save
    if re.search(r"mixed|amp", name):
        return Precision(sixteen="32" not in name, mixed=True)
    if re.search(r"true|pure", name):
        return Precision(sixteen="16" in name, pure="16" in name)
    return Precision(sixteen=not name or bool(re.search(r"16|half|int[48]|nf4|fp4|bit", name)))


def trains(task: str, method: str) -> bool:
    if task in ("", "train", "training", "finetune", "fine-tune", "finetuning", "pretrain"):
        return not (task == "" and method.startswith(("generate", "infer")))
    if task in ("infer", "inference", "generate", "generation", "decode"):
        return False
    raise UserError(f"task is {task!r}: give train or generate")


def quantization(quant: str, precision: str, method: str, warnings: list[str]) -> str:
    """ "", nf4, nf4-dq, int8 or int4 (with a scale a group of 128). UserError for what is none of these."""
    if quant in OFF or quant in ("null", "-"):
        quant = ""
    name = quant or precision
    if re.search(r"dq|double", name) and "4" in name:
        return "nf4-dq"
    if re.search(r"gptq\D*4|awq|int4|w4", name):
        return "int4"
    if re.search(r"int8|8[\s_-]?bit|w8|gptq\D*8", name):
        return "int8"
    if re.search(r"nf4|fp4|4[\s_-]?bit", name):
        return "nf4"
    likely = {r"^q4|gptq|w4": "int4", r"^q8|fp8|float8": "int8", r"^bnb$|bitsandbytes|\b4$": "nf4", r"\b8$": "int8"}
    if quant and (found := next((kind for words, kind in likely.items() if re.search(words, quant)), None)):
        warnings.append(f"quant {quant!r} was read as {found}")
        return found
    if quant:
        raise UserError(f"quant is {quant!r}{nearest(quant, QUANTS)}")
    return "nf4" if "qlora" in method else ""


def narrow_cache(told: str) -> bool:
    """Whether keys and values are held in 8 bits: `int8 KV cache`, `use_cache_quantization`."""
    return bool(
        re.search(r"(int8|8[\s_-]?bit|fp8)\W*(kv|cache)|(kv|cache)[\W_]*(int8|8[\s_-]?bit|fp8|quantization)", told)
    )


def method(name: str, train: bool, quant: str, warnings: list[str]) -> str:
    """full, lora, adapter (few parameters beside frozen products), adapter_v2 (behind every product) or generate.

    What PEFT calls otherwise is read as lora, which most of it resembles. UserError for what is no method.
    """
    spoken = not name or name.startswith("peft:") or any(word in name for word in (*FEW, *RUNS)) or "full" in name
    if not spoken and name not in FULL:
        raise UserError(f"method is {name!r}{nearest(name, ('full', 'lora', 'qlora', 'adapter', 'adapter_v2'))}")
    if not train:
        return "generate"
    if not quant and ("full" in name or name in ("", "pretrain", "pretraining", "sft", "train", "dpo")):
        return "full"
    few = "lora"
    if re.search(r"adapter|adaption|prefix|prompt|ia3", name):
        few = "adapter_v2" if name.endswith("v2") else "adapter"
    if name and name not in (few, "qlora", "full", *FULL) and not name.startswith("peft:"):
        warnings.append(f"method {name!r} was read as {few}")
    return few


def sharding(name: str, notes: str, n_gpus: int, warnings: list[str]) -> Sharding:
    tensor, context, pipeline = (_degree(name, axis) for axis in ("tp", "cp", "pp"))
    apart = tensor * context * pipeline
    stage = _stage(name or notes, apart, n_gpus)
    if stage is None:
        stage = 3
        said = f"sharding {name!r} is not known" if name else f"sharding is not given for {n_gpus} devices"
        warnings.append(f"{said} and was read as full sharding (FSDP, ZeRO-3)")
    shards = max(1, n_gpus // (tensor * pipeline)) if stage else 1
    within = re.search(r"(?:fsdp|shard)[\s=:_-]?(\d+)", name)
    if within and stage:
        shards = min(shards, int(within[1]) * context)
    return Sharding(
        stage=stage, shards=shards, tensor=tensor, context=context, pipeline=pipeline, overlapped="async" in name
    )


def _degree(name: str, axis: str) -> int:
    found = re.search(rf"\b{axis}[\s=:_-]?([1-9]\d*)", name)
    return int(found[1]) if found else 1


def _stage(spoken: str, apart: int, n_gpus: int) -> int | None:
    """The stage of ZeRO that is meant; None where nothing is said of several devices."""
    found = re.search(r"(?:zero|stage|\bz)[\s_-]?(?:stage[\s_-]?)?([0-3])\b", spoken)
    if found:
        return int(found[1])
    if re.search(r"full_shard|hybrid|fsdp|hsdp|fully", spoken):
        return 3
    if "shard_grad_op" in spoken:
        return 2
    if re.search(r"\bddp\b|no_shard|data.?parallel", spoken) or apart > 1 or n_gpus == 1:
        return 0
    return None


def optimizer(name: str, fused: bool) -> Optimizer:
    """What it holds. UserError for an unknown one."""
    name = "" if name in ("none", "null", "-") else name
    plain = re.sub(r"[^a-z]", "", name.rsplit(".", 1)[-1])
    key = next((key for key in STATES if key in plain), "")
    if name and not key:
        known = ("AdamW", "AdamW8bit", "PagedAdamW8bit", "Adafactor", "Adagrad", "Lion", "Muon", "RMSprop", "SGD")
        raise UserError(f"optimizer is {name!r}{nearest(name, known)}")
    bits = re.search(r"([48])[\s_-]?bit", name)
    return Optimizer(
        name=name or "adamw",
        values=STATES[key or "adamw"],
        bits=int(bits[1]) if bits else 0,
        paged="page" in name,
        fused_backward=fused or "backward" in name,
    )


def checkpointing(name: str, usual: bool) -> float:
    """Share of the activations of a layer that are computed again instead of kept."""
    if name in OFF:
        return 1.0 if name == "" and usual else 0.0
    if name in ON:
        return 1.0
    if not re.search(r"op|sel|sac|half|part|second|\d", name):
        raise UserError(f"grad_ckpt is {name!r}: give true, false or selective")
    return 0.7 if "op" in name else 0.5  # the dear products kept, or every second layer


def lora(notes: str, where: str, rank: int) -> tuple[str, int]:
    """The matrices adapted ("qv" or "all") and the rank, from a note; else what is usual."""
    told = re.search(r"(?:rank|\br|_r)[ =]?(\d+)", notes)
    if re.search(r"mlp|all (?:linear )?layers|all linear|w1,w2|all modules", notes):
        where = "all"
    elif re.search(r"q,\s?v|query\+value", notes):
        where = "qv"
    return where, int(told[1]) if told else rank


def mean_share(notes: str, seq_len: int) -> float:
    """Mean over longest example, where a note tells that examples are not packed."""
    mean = re.search(r"mean (\d+) tokens", notes)
    if mean:
        return min(1.0, int(mean[1]) / seq_len)
    if "longest example" in notes:
        return LONGEST
    return CAPPED if re.search(r"\bcap\b|unpacked", notes) else 1.0
