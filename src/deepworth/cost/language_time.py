"""Seconds of one step of a language model, by part: arithmetic, traffic to memory and between devices, launches."""

from __future__ import annotations

import math

from deepworth.cost.catalogue import Accelerator
from deepworth.cost.language_memory import weight_bytes
from deepworth.cost.language_setup import TRANSFORMERS, Setup
from deepworth.types import record

# Fitted together on 99 published pre-training rates of MPT 350M to 70B on A100 and H100 (mosaicml/llm-foundry), by
# relative error. A model left out whole is met with a median error of 3 %, 90 % of its rows within 10 %.
TRAFFIC = 219.0  # bytes a token, layer and unit of width (h + f/4) that norms, residuals and rotations move, both ways
PASSES = 4.7  # times the 16-bit weights cross the links a micro-step: gathered twice, gradients once, hardly overlapped
LOGITS = 16.0  # bytes a token and word that logits and their gradient move; counted, not fitted
# Each from the one publication that isolates it (pytorch/torchtune, pytorch/torchtitan, Lightning-AI/litgpt).
FUSED = 0.75  # of that traffic is left where compilation joins kernels
FP8 = 1.15  # products in 8 bits reach less of their peak, and the scaling costs
TENSOR_PASSES = 14.0  # times the activations of a layer cross the links in tensor parallel training
OVERLAPPED = 0.6  # what is left of it where it runs behind the products
STEP_BYTES = 24.0  # bytes a trained parameter that the optimiser reads and writes
UNPACKED = 10.0  # bytes a 4-bit weight and pass: read, written and read again in 16 bits, at half the bandwidth
# Eager launches, on hosts of 2023, for batches too small to fill the device.
LAUNCH = 0.0011  # s a layer and pass
LAUNCH_LORA = 1.6  # times as many with low-rank sides
LAUNCH_HOOKS = 3.0  # and where every gradient is handed on as it is made (DeepSpeed)
LAUNCH_FUSED = 0.3  # and compiled
LAUNCH_TOKEN = 0.0008  # s a layer and token when generating; twice that with 4-bit products
PADDING = 0.3  # a batch twice as large is padded to an example longer by this share


@record
class Reach:
    """Peak over reached rate, of products and of attention (12 L h s, counted without the causal half)."""

    products: float
    attention: float


AMPERE = Reach(products=1.116, attention=1.79)  # and all that is not measured
HOPPER = Reach(products=1.303, attention=3.14)
REACH = {"Hopper": HOPPER, "Blackwell": HOPPER}
TPU = Reach(products=1.45, attention=1.8)
# Held against training steps of four small transformers on one Xeon (benchmarks/processor.py, fp32, 8 x 128 tokens):
# three encoders within 7 %; the one with an output layer takes 1.3 times as long.
PROCESSOR = Reach(products=1.25, attention=1.79)
PER_WATT = {"Hopper": 989.4 / 700, "Ampere": 312 / 400}  # TFLOP/s a watt of the measured parts: fewer watts, less reach
LINKS = {"Volta": 150e9, "Ampere": 300e9, "Hopper": 450e9, "Blackwell": 900e9}  # bytes a second one way, by NVLink
PCIE = 20e9  # PCIe 4.0 x16
NETWORK = 3.1e9  # 25 Gb/s between machines, as on AWS's p3.16xlarge; an assumption for all that is not measured
HOST = 8  # devices of a machine
# Whose parts on boards of eight were measured, or are sold, as clusters: PASSES holds what up to 512 of them lose.
FAST_NETWORK = ("Ampere", "Hopper", "Blackwell", "CDNA3", "CDNA4")


def step(setup: Setup, device: Accelerator) -> dict[str, float]:
    """Seconds by part of one optimiser step, or of one generated token for every sequence of the batch."""
    return _train(setup, device) if setup.train else _generate(setup, device)


def rate(setup: Setup, device: Accelerator) -> float:
    """Peak of the products in FLOP/s, at the precision of the setup; 0 where none is known."""
    dense = device.bf16_tflops or device.fp16_tflops or device.fp32_tflops
    if setup.weight_bytes == 4 and not setup.cast:
        dense = device.tf32_tflops or device.fp32_tflops
    return (dense or 0.0) * 1e12


def tokens(setup: Setup) -> float:
    """Tokens of a step over all devices."""
    if not setup.train:
        return float(setup.micro_batch * setup.replicas)
    return setup.micro_batch * setup.seq_len * setup.mean_share * setup.accumulate * setup.replicas


def _train(setup: Setup, device: Accelerator) -> dict[str, float]:
    """Two terms: products at the reached rate, all else at the bandwidth; launches where both are over sooner.

    FLOPs after PaLM (Chowdhery et al. 2022, appendix B): 6 a parameter and token, 12 L h s a token of attention;
    4 and the same where weights are frozen, one forward more where activations are computed again.
    """
    model, peak, memory, reach = setup.model, rate(setup, device), device.bw_gbs * 1e9, _reach(device)
    length = setup.seq_len * min(1.0, setup.mean_share * (1 + PADDING * math.log2(setup.micro_batch)))
    count = setup.micro_batch * length  # tokens of one micro-batch of one replica, as computed
    weights = 3 if setup.method == "full" else 2  # passes
    products = 2 * count * ((weights + setup.checkpoint) * model.active + weights * model.embedding)
    products *= reach.products / peak
    if setup.bits8 and device.fp8_tflops:
        products *= FP8 * peak / (device.fp8_tflops * 1e12)
    heads = model.layers * model.heads * model.head_dim
    attention = 4 * (3 + setup.checkpoint) * count * length * heads * reach.attention / peak
    width = model.layers * (model.hidden + model.ffn * model.active_experts / 4)
    traffic = TRAFFIC * (1 + setup.checkpoint / 3) * count * width / memory
    traffic *= FUSED if setup.compiled else setup.stack.traffic if setup.eager else 1.0
    logits = 0.0 if model.kind == "encoder" else LOGITS * count * model.vocab / memory
    whole = {"products": products, "attention": attention, "traffic": traffic, "logits": logits}
    parts = {part: seconds / setup.apart for part, seconds in whole.items()}
    launches = LAUNCH * (2.5 + setup.checkpoint) * model.layers / setup.sharding.pipeline
    launches *= (LAUNCH_LORA if setup.method == "lora" else 1.0) * (LAUNCH_FUSED if setup.compiled else 1.0)
    launches *= LAUNCH_HOOKS if setup.stack is TRANSFORMERS and setup.method == "full" else 1.0
    parts["launches"] = max(0.0, launches - sum(parts.values()))
    if setup.quant:
        parts["unpacking"] = UNPACKED * (2 + setup.checkpoint) * model.blocks / setup.apart / memory
    parts["exchange"] = _exchange(setup, device, count)
    parts = {part: seconds * setup.accumulate for part, seconds in parts.items()}
    trained = setup.trainable / setup.sharding.tensor / setup.sharding.pipeline / setup.sharding.shards
    return parts | {"optimizer": STEP_BYTES * trained / memory}


def _reach(device: Accelerator) -> Reach:
    if device.kind == "tpu":
        return TPU
    if device.kind == "cpu":
        return PROCESSOR
    generation = device.arch.split()[0]
    reach = REACH.get(generation, AMPERE)
    per_watt = (device.bf16_tflops or 0.0) / (device.tdp_w or math.inf)
    short = max(1.0, per_watt / PER_WATT.get(generation, math.inf)) ** 0.5
    return Reach(products=reach.products * short, attention=reach.attention)


def slow_network(device: Accelerator, count: int) -> bool:
    """Whether so many devices are several machines with an ordinary network between them."""
    return count > HOST and device.kind != "tpu" and not clustered(device)


def clustered(device: Accelerator) -> bool:
    """Whether machines of this part are joined about as fast as its devices are: rates of such clusters are known."""
    return _wide(device) and device.arch.split()[0] in FAST_NETWORK


def link(device: Accelerator, count: int) -> float:
    """Bytes a second, one way, between one of so many devices and the next: NVLink, PCIe, or the network."""
    if slow_network(device, count):
        return NETWORK
    return LINKS.get(device.arch.split()[0], 300e9) if _wide(device) else PCIE


def _wide(device: Accelerator) -> bool:
    return device.form.startswith(("SXM", "HGX", "OAM", "NVL"))


def _exchange(setup: Setup, device: Accelerator, count: float) -> float:
    """Seconds a micro-step between devices: weights and gradients of shards, sums of tensor parallel layers."""
    if setup.n_gpus == 1 or device.kind == "tpu":
        return 0.0  # a TPU's links carry it behind the arithmetic
    speed = link(device, setup.n_gpus)
    seconds = 0.0
    if setup.sharding.stage == 3:
        seconds = PASSES * 2 * setup.model.total / setup.sharding.tensor / speed
    elif setup.replicas > 1:  # gradients only, once a step
        seconds = PASSES / 2 * 2 * setup.trainable / setup.sharding.tensor / speed / setup.accumulate
    if setup.sharding.tensor > 1:
        sums = TENSOR_PASSES * (OVERLAPPED if setup.sharding.overlapped else 1.0)
        seconds += sums * 2 * setup.model.layers * setup.model.hidden * count / speed
    return seconds


def _generate(setup: Setup, device: Accelerator) -> dict[str, float]:
    """One token: every weight is read once, with the keys and values of half the tokens on average."""
    model, memory = setup.model, device.bw_gbs * 1e9
    alike = setup.n_gpus / setup.replicas if setup.sharding.tensor > 1 else 1  # layer after layer, one device at work
    cache = setup.cache_bytes * model.layers * model.kv_heads * model.head_dim * setup.micro_batch * setup.seq_len
    products = 2 * setup.micro_batch * (model.active + model.embedding)
    return {
        "weights": weight_bytes(setup) * model.active / max(model.blocks, 1.0) / alike / memory,
        "cache": cache / alike / memory,
        "products": products / alike / rate(setup, device),
        "launches": LAUNCH_TOKEN * model.layers * (2.0 if setup.quant.startswith("nf4") else 1.0),
    }
