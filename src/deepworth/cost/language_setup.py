"""What one request says about a run of a language model, read once into numbers, and by which library it is run."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from deepworth.cost import dims
from deepworth.cost import language_spelling as spelling
from deepworth.cost.dims import Transformer
from deepworth.cost.language_spelling import Optimizer, Sharding
from deepworth.errors import UserError
from deepworth.types import record

ALMOST = 0.9  # of the parameters: fewer than these are not all; counts of one model differ by less
EXAMPLE, DOCUMENT, ANSWER = 512, 2048, 128  # tokens to tune, to pretrain and to generate, where a request says nothing
LONGEST = 10_000_000  # tokens of an example
MOST = {
    "params": 1e14,
    "trainable": 1e14,
    "micro_batch": 2**20,
    "grad_accum": 2**20,
    "global_batch": 2**30,
    "n_gpus": 2**20,
    "seq_len": LONGEST,
}  # what no request exceeds
# What one published ablation switched on one after the other (pytorch/torchtune, README).
FLAGS = ("baseline", "+packed", "+compile", "+chunked", "+act ckpt", "+optimizer in backward", "+act offload", "+8bit")


@record
class Stack:
    """Habits of one training library that move memory by more than the error of the estimate."""

    name: str
    pure: bool = False  # `bf16` means bf16 weights, gradients and states, without fp32 masters
    head_apart: bool = False  # the output layer is its own tensor, also where the model ties it
    gathers_whole: bool = False  # sharded runs hold the whole model once (when loading, or when saving)
    chunked_loss: bool = False  # the loss is taken in chunks of the vocabulary's rows
    cache: float = 1.0  # times the keys and values: old and new tuples are held side by side while a token is made
    logits: float = 12.0  # bytes a token and word of the vocabulary: logits, their fp32 copy, their gradient
    context_gb: float = 0.5  # GB beyond what is counted: workspaces, fragmentation where reserved memory is printed
    traffic: float = 2.7  # times the traffic of fused norms and gated units, where they run one kernel at a time
    lora_on: str = "qv"  # the matrices its examples adapt where a request says nothing: "qv" or "all"
    lora_rank: int = 8


LITGPT = Stack(name="litgpt", pure=True, head_apart=True, gathers_whole=True, logits=8.0, context_gb=0.05)
TORCHTUNE = Stack(name="torchtune", pure=True, chunked_loss=True)
PEFT = Stack(name="peft", pure=True, traffic=3.3)
TORCHTITAN = Stack(name="torchtitan", context_gb=2.0)
FOUNDRY = Stack(name="llm-foundry", logits=4.0)
TRANSFORMERS = Stack(name="transformers", cache=1.6, context_gb=1.5, traffic=3.5, lora_on="all", lora_rank=64)
STACKS = {stack.name: stack for stack in (LITGPT, TORCHTUNE, PEFT, TORCHTITAN, FOUNDRY, TRANSFORMERS)}


@record
class Setup:
    """One run: bytes, tokens and devices; what was assumed stands in `warnings`."""

    model: Transformer
    stack: Stack
    train: bool
    method: str  # full, lora, adapter, adapter_v2 or generate
    quant: str  # "", nf4, nf4-dq, int8 or int4
    cache_bytes: float  # of a key or value
    weight_bytes: float  # of a weight that is not quantized
    cast: bool  # fp32 weights, computed in 16 bits
    bits8: bool  # products in 8-bit floating point
    optimizer: Optimizer
    micro_batch: int
    accumulate: int  # micro-batches of a step
    seq_len: int  # of the longest example, which sets the memory
    mean_share: float  # mean over longest example, which sets the time
    checkpoint: float  # share of the activations that are computed again
    compiled: bool
    chunked_loss: bool
    offload: bool  # activations kept for backward lie in host memory
    lora_on: str
    trainable: float
    n_gpus: int
    sharding: Sharding
    bf16: bool = True  # of 16-bit arithmetic: whether the request means bf16, not fp16
    warnings: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()  # the usual, taken where the request says nothing, and what looks odd

    @property
    def tokens(self) -> float:
        """Tokens of one micro-batch on one device."""
        return self.micro_batch * self.seq_len / self.sharding.context

    @property
    def apart(self) -> int:
        """Devices that share one replica's arithmetic."""
        return self.sharding.tensor * self.sharding.context * self.sharding.pipeline

    @property
    def replicas(self) -> int:
        """Groups of devices that see different examples; a model spread over devices to generate is one."""
        return 1 if not self.train and self.sharding.stage == 3 else max(1, self.n_gpus // self.apart)

    @property
    def eager(self) -> bool:
        """Whether norms and gated units of the layers run one kernel at a time."""
        tuned = self.compiled or self.stack in (TORCHTITAN, FOUNDRY)
        tuned |= self.stack is TRANSFORMERS and self.method == "full"
        return not tuned and self.model.mlp_mats == 3


def read(request: Mapping[str, Any]) -> Setup:
    """The setup of a request with the fields of memory_llm.csv and throughput_llm.csv.

    UserError for an unknown model, for numbers that cannot be and for words that have no reading; what has only a
    likely one is said in `warnings`.
    """
    warnings: list[str] = []

    def text(key: str) -> str:
        value = request.get(key)
        return "" if value is None else str(value).strip().lower()

    def number(key: str) -> float | None:
        value = text(key)
        try:
            found = float(value) if value else None
        except ValueError:
            found = math.nan
        if found is not None and not 0 <= found <= MOST[key]:
            raise UserError(f"{key} is {value!r}: give a number from 0 to {MOST[key]:,.12g}")
        return found

    def count(key: str) -> int | None:
        value = number(key)
        if value is not None and (value < 1 or value != int(value)):
            raise UserError(f"{key} is {text(key)!r}: give a whole number of at least 1")
        return None if value is None else int(value)

    notes = " ".join(text(key) for key in ("notes", "seq_note", "src", "metric", "sharding"))
    model = _model(request, number("params"), warnings)
    train = spelling.trains(text("task"), text("method"))
    stack = _stack(text, notes, train)
    narrow_cache = spelling.narrow_cache(f"{text('quant')} {notes}")
    quant = spelling.quantization("" if narrow_cache else text("quant"), text("precision"), text("method"), warnings)
    method = spelling.method(text("method"), train, quant, warnings)
    width = spelling.precision(text("precision"))
    frozen = train and method != "full"
    n_gpus = count("n_gpus") or 1
    sharding = spelling.sharding(text("sharding"), notes, n_gpus, warnings)
    micro = count("micro_batch") or (4 if method == "full" and not text("seq_len") else 1)
    seq = count("seq_len") or _tokens(stack, method, f"{text('method')} {notes}", warnings)
    if "unpacked" in notes and "longest" not in notes and "cap" not in notes:
        seq = min(seq, EXAMPLE)  # the limit is far above what examples are long
    replicas = max(1, n_gpus // (sharding.tensor * sharding.context * sharding.pipeline))
    accumulate = number("grad_accum") or (number("global_batch") or 0) / (micro * replicas)
    lora_on, rank = spelling.lora(notes, stack.lora_on, stack.lora_rank)
    trainable = number("trainable") or _trainable(model, method, lora_on, rank, notes)
    unsaid = _unsaid(text, micro, seq, train, stack, model)
    if method == "full" and trainable < ALMOST * model.total:
        unsaid.append(
            f"method is full, but {trainable:,.0f} of {model.total:,.0f} parameters are trainable: only these have "
            "gradients and states; for adapters beside frozen weights say lora"
        )
    if method not in ("full", "generate") and not text("trainable"):
        unsaid.append(_adapted(method, stack, notes, f"{trainable / 1e6:,.1f}M trainable parameters"))
    flags = next((i for i, flag in enumerate(FLAGS) if flag in notes), len(FLAGS) if "all flags" in notes else -1)
    narrow = width.pure or (width.sixteen and not width.mixed and (stack.pure or method != "full"))
    return Setup(
        model=model,
        stack=stack,
        train=train,
        method=method,
        quant=quant,
        cache_bytes=1.0 if narrow_cache else 2.0,
        weight_bytes=2.0 if narrow else 4.0,
        cast=width.sixteen and not narrow,
        bits8=width.eight,
        optimizer=spelling.optimizer(text("optimizer"), flags >= 5 and not frozen),
        micro_batch=micro,
        accumulate=max(1, round(accumulate)),
        seq_len=seq,
        mean_share=spelling.mean_share(notes, seq),
        checkpoint=spelling.checkpointing(text("grad_ckpt"), frozen and stack is not LITGPT and seq >= DOCUMENT),
        compiled=text("compile") in spelling.ON or "compile" in text("sharding"),
        chunked_loss=stack.chunked_loss and not 0 <= flags < 3,
        offload=text("act_offload") in spelling.ON or flags >= 6,
        lora_on=lora_on,
        trainable=trainable,
        n_gpus=n_gpus,
        sharding=sharding,
        bf16=not re.search(r"fp16|(?<!b)float16|^16|half", text("precision")),
        warnings=tuple(warnings),
        unsaid=tuple(unsaid),
    )


def _unsaid(text: Any, micro: int, seq: int, train: bool, stack: Stack, model: Transformer) -> list[str]:
    """What was taken for fields that are not given, and lengths beyond what the model was made for."""
    usual = {"micro_batch": micro, "precision": "bf16" if stack.pure else "bf16 beside fp32 weights"}
    usual |= {"method": "full", "optimizer": "AdamW"} if train else {}
    left = [f"{field} {value}" for field, value in usual.items() if not text(field)]
    said = [f"not given and taken as usual: {', '.join(left)}"] if left else []
    if model.context and seq > model.context:
        said.append(f"seq_len {seq:,} is beyond the {model.context:,} tokens that {model.model} was made for")
    return said


def _adapted(method: str, stack: Stack, notes: str, size: str) -> str:
    """What was taken of the size of adapters, which moves memory and time."""
    if method != "lora":
        return f"trainable is not given: taken as {size}"
    where, rank = spelling.lora(notes, "", 0)
    usual = [] if rank else [f"LoRA rank {stack.lora_rank}"]
    usual += [] if where else ["on all products" if stack.lora_on == "all" else "on query and value"]
    return f"not given and taken as usual: {' '.join([*usual, ''])}({size})" if usual else f"LoRA has {size}"


def lora_size(model: Transformer, where: str, rank: int) -> float:
    """Trainable parameters of LoRA (Hu et al. 2021): rank x (inputs + outputs) of each adapted matrix of all layers."""
    h, f, wide, narrow = model.hidden, model.ffn, model.heads * model.head_dim, model.kv_heads * model.head_dim
    sides = (h + wide) + (h + narrow)  # query and value
    if where == "all":
        sides += (h + narrow) + (wide + h) + model.mlp_mats * (h + f)
    return float(rank * sides * model.layers)


def _trainable(model: Transformer, method: str, lora_on: str, rank: int, notes: str) -> float:
    if method in ("full", "generate"):
        return model.total
    words = 2 * model.embedding if "embedding" in notes and "trained" in notes else 0.0
    return lora_size(model, lora_on, rank) + words


def _model(request: Mapping[str, Any], params: float | None, warnings: list[str]) -> Transformer:
    name, given = str(request.get("model") or "").strip(), request.get("dims")
    if given:
        if not isinstance(given, Mapping):
            raise UserError("dims must be an object with the columns layers, hidden, heads, ffn, vocab and so on")
        return dims.from_dims(given, name or "given dimensions")
    sized = re.fullmatch(r"dense-([\d.]+)b", name.lower())
    if sized and not params:
        params = float(sized[1]) * 1e9
    if params and (not name or sized or not dims.is_known(name)):
        model = dims.of_size(params)
        warnings.append(f"dimensions are not known: {model.source}, scaled to {params / 1e9:.3g}B parameters")
        return model
    if not name:
        raise UserError("a request needs `model`, `dims` or `params`")
    return dims.from_config(name) if dims.is_folder(name) else dims.find(name)


def _stack(text: Any, notes: str, train: bool) -> Stack:
    """The library that a request was written for: named, or told by how it spells precision, sharding and metric."""
    if text("stack"):
        if text("stack") not in STACKS:
            raise UserError(f"stack is {text('stack')!r}: give one of {', '.join(STACKS)}")
        return STACKS[text("stack")]
    for name, stack in STACKS.items():
        if name in notes:
            return stack
    precision, quant, unit = text("precision"), text("quant"), text("unit")
    if text("method").startswith("peft") or precision in ("bfloat16", "float16"):
        return PEFT
    if precision.endswith(("-true", "-mixed")) or "bnb." in quant or "1e9" in unit:
        return LITGPT
    if (train and re.search(r"(fsdp|tp|cp|pp|hsdp)\s?\d", text("sharding"))) or "float8" in precision:
        return TORCHTITAN
    whole = text("method") in ("", *spelling.FULL)  # what llm-foundry was measured with; adapters are others' habit
    if precision.startswith("amp_") or (whole and text("sharding") in ("full_shard", "shard_grad_op")):
        return FOUNDRY
    if "active" in notes or "torchao" in quant:
        return TORCHTUNE
    if unit.startswith("gib") or text("compile"):
        many = text("n_gpus").isdigit() and int(text("n_gpus")) > 8
        selective = text("grad_ckpt").startswith(("sel", "per-op", "op"))
        return TORCHTITAN if "reserved" in notes or many or selective else TORCHTUNE
    return TRANSFORMERS


def _tokens(stack: Stack, method: str, notes: str, warnings: list[str]) -> int:
    """Tokens of an example where no field tells: a note, or what is usual."""
    told = re.search(r"(?:generate|seq(?:_len)?) ([1-9]\d{0,6})", notes)
    if told:
        return int(told[1])
    tokens = ANSWER if method == "generate" else DOCUMENT if method == "full" else EXAMPLE
    tokens = 8192 if stack is TORCHTITAN and method == "full" else tokens
    warnings.append(f"seq_len is not given and was taken as {tokens}")
    return tokens
