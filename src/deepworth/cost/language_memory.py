"""Peak memory of a language model on one device, in bytes by part: weights, states, activations, logits, caches."""

from __future__ import annotations

from deepworth.cost.language_setup import TRANSFORMERS, Setup

# Bits a weight: nf4 holds an fp32 scale a block of 64 (QLoRA, Dettmers et al. 2023: 4.5 bits, 4.13 with its scales
# quantized in turn); GPTQ an fp16 scale and a 4-bit zero a group of 128.
BITS = {"nf4": 4.5, "nf4-dq": 4.127, "int8": 8.1, "int4": 4.16}
LAYER_NORM, RMS_NORM = 5.2, 11.4  # bytes a token and unit of width that norms, residuals and rotations keep
LORA_INPUT = 3.0  # dropout of an adapter keeps its mask and its output
LORA_FUSED = 8.2  # the same on the fused query, key and value, with the zero-padded result
ADAPTER_OUTPUT = 2.9  # bytes a token and output that adapters behind every product (v2) keep
UNPACK = 6.0  # bytes a weight of the largest product while it is quantized: a 16-bit and a 32-bit copy
GPTQ_WORK = 0.4e9  # of its kernels
AUTOCAST = 1.5  # norms and residuals stay in fp32, casts are kept; shards (FSDP, ZeRO) compute in 16 bits alone
COMPILED = 0.75  # of activations and logits is left where compilation joins kernels
CHUNKED = 2.7  # bytes a token and word where the loss is taken in chunks: 16-bit logits, and one chunk in fp32
SCORES = 10.0  # bytes a token, head and token where capped scores keep flash attention away (Gemma 2)
KEPT_INPUTS = 1.6  # 4-bit products keep their inputs for backward, in part twice


def peak(setup: Setup) -> dict[str, float]:
    """Bytes by part at the moment of the peak, on the device that holds most."""
    parts = _weights(setup)
    if not setup.train:
        return parts | _generation(setup)
    return parts | _training(setup)


def weight_bytes(setup: Setup) -> float:
    """Bytes of all weights, wherever they lie: products of the layers quantized, words and output layer not."""
    model = setup.model
    words = model.embedding * (2 if setup.stack.head_apart or not model.tied_embeddings else 1)
    adapters = 2 * setup.trainable if setup.method not in ("full", "generate") else 0.0
    if setup.quant:
        return model.blocks * BITS[setup.quant] / 8 + words * 2 + adapters
    return (model.blocks + words) * setup.weight_bytes + adapters


def _weights(setup: Setup) -> dict[str, float]:
    """Weights in whole, or by ZeRO's stages (Rajbhandari et al. 2020): 1 and 2 divide the fp32 masters, 3 all."""
    divided, stack = setup.sharding, setup.stack
    whole = weight_bytes(setup) / (divided.tensor * divided.pipeline)
    if divided.stage == 3:
        gathered = whole if stack.gathers_whole else _gathered(setup)
        return {"weights": whole / divided.shards} | ({"gathered": gathered} if setup.train else {})
    if not setup.cast:
        return {"weights": whole}
    return {"weights": whole / divided.shards, "casts": whole / 2}


def _gathered(setup: Setup) -> float:
    """16-bit weights that are whole at one moment: the layer at work, two fetched ahead, words and output layer."""
    model, apart = setup.model, setup.sharding.tensor * setup.sharding.pipeline
    words = model.embedding * (1 if model.tied_embeddings else 2)
    return 2 * (3 * model.blocks / model.layers + words) / apart


def _generation(setup: Setup) -> dict[str, float]:
    """Keys and values of every token (grouped heads once), the logits of one token, and what a product unpacks."""
    model = setup.model
    cache = 2 * setup.cache_bytes * model.layers * model.kv_heads * model.head_dim * setup.micro_batch * setup.seq_len
    cache *= 0.0 if model.kind == "encoder" else setup.stack.cache
    work = 8.0 * model.vocab * setup.micro_batch + 4e7
    if setup.quant:
        work += UNPACK * model.hidden * model.ffn if setup.quant.startswith("nf4") else GPTQ_WORK
    return {"cache": cache / setup.sharding.tensor, "workspace": work + 0.1e9 * setup.stack.context_gb}


def _training(setup: Setup) -> dict[str, float]:
    """What a step holds beside the weights, at the end of forward or at the optimizer's step, whichever is more."""
    stack = setup.stack
    width = setup.weight_bytes if setup.method == "full" or stack.pure else 4.0
    trained = setup.trainable / (setup.sharding.tensor * setup.sharding.pipeline)
    state = setup.optimizer.bits / 8 or width
    states = trained * setup.optimizer.values * state / (setup.sharding.shards if setup.sharding.stage >= 1 else 1)
    gradients = trained * width / (setup.sharding.shards if setup.sharding.stage >= 2 else 1)
    if setup.optimizer.paged:
        states = 0.0
    if setup.optimizer.fused_backward:
        gradients = 0.0
    masters = 0.0
    if stack is TRANSFORMERS and setup.method == "full" and setup.cast:
        masters = (4 if setup.sharding.shards == 1 else 2) * trained / setup.sharding.shards
    if setup.sharding.stage == 0 and setup.n_gpus > 1 and setup.replicas > 1:
        gradients *= 2  # buckets of the all-reduce
    activations, logits = _activations(setup), _logits(setup)
    work = stack.context_gb * 1e9 + (2 * GPTQ_WORK if setup.quant.startswith("int") else 0.0)
    early = states + activations + logits + (gradients if setup.accumulate > 1 else 0)
    late = states + gradients + masters
    if early >= late:
        return {
            "gradients": gradients if setup.accumulate > 1 else 0.0,
            "states": states,
            "activations": activations,
            "logits": logits,
            "workspace": work,
        }
    return {"gradients": gradients, "states": states, "step": masters, "workspace": work}


def layer_bytes(setup: Setup) -> float:
    """Bytes a token that one layer keeps for backward.

    After Korthikanti et al. 2022, "Reducing Activation Recomputation", equation 1, without the s x s matrices (flash
    attention keeps queries, keys, values and output). A frozen product keeps no input; what adapters keep is added.
    """
    model = setup.model
    h, f, a = model.hidden, model.ffn * model.active_experts, model.heads * model.head_dim
    gated = model.mlp_mats == 3
    kept = 8 * a + (RMS_NORM if gated else LAYER_NORM) * h * model.norms / 2 + (6 if gated else 2) * f
    kept += SCORES * model.heads * setup.seq_len if model.scores else 0
    inputs = 4 * h + 2 * f
    if setup.method == "full":
        kept += inputs
    elif setup.method == "lora":
        kept += LORA_FUSED * h
        if setup.lora_on == "all":
            kept += LORA_INPUT * (a + (2 if gated else 1) * h + f)
    elif setup.method == "adapter_v2":
        kept += ADAPTER_OUTPUT * (5 * h + (model.mlp_mats - 1) * f)
    if setup.quant and setup.method != "full":
        kept += KEPT_INPUTS * inputs
    if setup.cast and not setup.sharding.stage:
        kept *= AUTOCAST
    return kept / setup.sharding.tensor


def _activations(setup: Setup) -> float:
    layers = setup.model.layers / setup.sharding.pipeline
    one = layer_bytes(setup) * setup.tokens * (COMPILED if setup.compiled else 1.0)
    kept = 2.0 * setup.model.hidden * setup.tokens / setup.sharding.tensor  # divided along the sequence
    if setup.checkpoint:
        stored = 0.0 if setup.offload else kept * layers
        return setup.checkpoint * (stored + one) + (1 - setup.checkpoint) * one * layers
    return one * layers


def _logits(setup: Setup) -> float:
    if setup.model.kind == "encoder":
        return 0.0  # a head of a few classes
    each = setup.stack.logits * (COMPILED if setup.compiled else 1.0) * (0.7 if setup.quant.startswith("int") else 1.0)
    if setup.chunked_loss:
        each = CHUNKED
    return each * setup.model.vocab * setup.tokens / setup.sharding.tensor
