"""Counts what one step of any torch module computes, moves and keeps, by running it on the meta device."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map
from torch.utils.flop_counter import flop_registry

from deepworth.cost import vision_memory, vision_time
from deepworth.cost.catalogue import Accelerator
from deepworth.cost.vision_networks import Network

# What CUDA autocast runs in half precision and what it lifts to fp32 (torch's "autocast op reference"); tensors on the
# meta device are not its business, so it is played here.
HALF = {
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "matmul",
    "__matmul__", "bmm", "mm", "baddbmm", "addmm", "einsum", "multi_head_attention_forward", "prelu",
    "scaled_dot_product_attention",
}  # fmt: skip
FLOAT = {
    "layer_norm", "group_norm", "norm", "softmax", "log_softmax", "cosine_similarity", "cumsum", "exp", "log", "pow",
    "__pow__", "prod", "sum", "softplus", "cross_entropy", "nll_loss", "mse_loss", "l1_loss", "rsqrt", "normalize",
}  # fmt: skip
aten = torch.ops.aten
CONVOLUTIONS = {aten.convolution.default, aten.convolution_backward.default}
PRODUCTS = {"conv", "group", "depth", "mm", "attention"}
NORMS = ("batch_norm", "layer_norm", "group_norm")
FREE = {
    aten.detach.default, aten.empty.memory_format, aten.empty_strided.default, aten._reshape_alias.default,
    aten._unsafe_view.default, aten.empty_like.default, aten.new_empty.default,
}  # fmt: skip


@dataclass
class Work:
    """What one pass does. FLOPs count a multiply-add as two; bytes are read plus written, operator by operator."""

    flops: Counter[str] = field(default_factory=Counter)  # by class of operator: conv, group, depth, mm, attention
    moved: Counter[str] = field(default_factory=Counter)  # bytes by class: the above, norm, rest
    kernels: int = 0
    outputs: float = 0  # elements that products (convolutions, linear layers, attention) give: the "macts" of timm
    cast: float = 0  # bytes of weights cast to half precision, whatever the batch
    saved: float = 0  # bytes held for the backward pass, parameters excepted, casts included
    peak: float = 0  # most bytes alive at once, parameters and inputs excepted, casts included


class Autocast(TorchFunctionMode):
    """Mixed precision as CUDA's autocast does it, on any device: `dtype` for products, fp32 for sums and norms."""

    def __init__(self, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.dtype = dtype
        self.weights: dict[int, torch.Tensor] = {}  # autocast keeps the cast of a weight for the whole pass

    def cast(self, value: Any, dtype: torch.dtype) -> Any:
        if not isinstance(value, torch.Tensor) or value.dtype == dtype or not value.is_floating_point():
            return value
        if not (value.is_leaf and value.requires_grad):
            return value.to(dtype)
        if id(value) not in self.weights:
            self.weights[id(value)] = value.to(dtype)
        return self.weights[id(value)]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        dtype = self.dtype if name in HALF else torch.float32 if name in FLOAT else None
        if dtype is not None and self.dtype is not None:
            args, kwargs = tree_map(lambda value: self.cast(value, dtype), (args, kwargs))
        return func(*args, **kwargs)

    def attention(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """In place of torch's scaled_dot_product_attention."""
        if self.dtype is not None:
            args, kwargs = tree_map(lambda value: self.cast(value, self.dtype), (args, kwargs))
        return _attention(*args, **kwargs)

    @contextlib.contextmanager
    def fused(self) -> Iterator[None]:
        """Attention as one kernel, also inside torch's own MultiheadAttention, where no function mode looks."""
        usual = F.scaled_dot_product_attention
        F.scaled_dot_product_attention = self.attention
        try:
            yield
        finally:
            F.scaled_dot_product_attention = usual


def _attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attn_mask: torch.Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Attention in one kernel that keeps no square matrix, as GPUs run it; the meta device would take it apart."""
    if enable_gqa:
        k, v = (t.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for t in (k, v))
    if attn_mask is not None:
        attn_mask = attn_mask.to(q.dtype).expand(*q.shape[:-1], k.shape[-2])
    batch = q.shape[:-3]  # more than one dimension where windows are attended to
    q, k, v = (t.reshape(-1, *t.shape[-3:]) for t in (q, k, v))
    if attn_mask is not None:
        attn_mask = attn_mask.reshape(-1, *attn_mask.shape[-3:])
    found = aten._scaled_dot_product_efficient_attention(
        q, k, v, attn_mask, compute_log_sumexp=q.requires_grad, dropout_p=dropout_p, is_causal=is_causal, scale=scale
    )
    return found[0].reshape(*batch, *found[0].shape[-3:])


class Counting(TorchDispatchMode):
    """Adds up what every operator does, and which storages live."""

    def __init__(self, known: set[int], processor: bool) -> None:
        super().__init__()
        self.processor = processor
        self.work = Work()
        self.forward = Work()
        self.alive = 0
        self.known: dict[Any, Any] = {}  # results by what they were made from
        self.seen = set(known)  # storages that were there before: parameters, inputs

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        leaves, spec = tree_flatten((args, kwargs))
        inputs = [t for t in leaves if isinstance(t, torch.Tensor)]
        out = self._result(func, args, kwargs or {}, (spec, leaves))
        outputs = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        for tensor in outputs:
            self._born(tensor.untyped_storage())
        if func in FREE or func.is_view:
            return out
        kind = _kind(func, args)
        self.work.kernels += 1
        if self.processor and func in CONVOLUTIONS:  # oneDNN copies the maps into its own layout while it works
            copies = sum(_bytes(t) for t in (*inputs, *outputs) if t.dim() > 2)
            self.work.peak = max(self.work.peak, self.alive + copies)
        self.work.moved[kind] += sum(_bytes(t) for t in inputs) + sum(_bytes(t) for t in outputs)
        if kind in PRODUCTS:
            count = flop_registry.get(func._overloadpacket, flop_registry[aten.convolution])
            self.work.flops[kind] += count(*args, **(kwargs or {}), out_val=out)
            self.work.outputs += outputs[0].numel()
        return out

    def _result(self, func: Any, args: Any, kwargs: Any, flat: tuple[Any, list[Any]]) -> Any:
        """What `func` gives. Networks repeat their blocks: shapes seen before are not worked out again (6x faster)."""
        if func._schema.is_mutable or func.is_view or func in FREE:
            return func(*args, **kwargs)
        key = (func, flat[0], *((type(leaf), _signature(leaf)) for leaf in flat[1]))
        if key not in self.known:
            out = func(*args, **kwargs)
            self.known[key] = tree_map(_signature, out)
            return out
        return tree_map(_blank, self.known[key], is_leaf=lambda s: isinstance(s, Signature))

    def turn(self, half: Autocast) -> Work:
        """Close the forward pass: what is alive now is held for the backward pass."""
        self.forward, self.work = self.work, Work(peak=self.work.peak)
        self.forward.saved, self.forward.cast = self.alive, sum(_bytes(t) for t in half.weights.values())
        return self.forward

    def _born(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.seen:
            return
        self.seen.add(key)
        self.alive += size
        self.work.peak = max(self.work.peak, self.alive)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.alive -= size


class Signature(NamedTuple):
    """All that decides what an operator makes of a tensor on the meta device."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


def _signature(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return Signature(tuple(value.shape), value.stride(), value.dtype)
    return value


def _blank(value: Any) -> Any:
    if isinstance(value, Signature):
        return torch.empty_strided(value.shape, value.stride, dtype=value.dtype, device="meta")
    return value


def _kind(func: Any, args: Any) -> str:
    name = func._overloadpacket.__name__
    if func in CONVOLUTIONS:
        backward = func is aten.convolution_backward.default
        weight, groups = (args[2], args[9]) if backward else (args[1], args[8])
        return "conv" if groups == 1 else "depth" if weight.shape[1] == 1 else "group"
    if "scaled_dot_product" in name:
        return "attention"
    if func._overloadpacket in flop_registry:
        return "mm"
    return "norm" if any(norm in name for norm in NORMS) else "rest"


def _bytes(tensor: torch.Tensor) -> int:
    """Of the elements that are there: an expanded tensor is read once."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def step(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], *, train: bool, amp: torch.dtype | None = None,
    loss: Callable[[Any], torch.Tensor] | None = None, processor: bool = False,
) -> tuple[Work, Work]:  # fmt: skip
    """The work of the forward pass and of the backward pass (empty unless `train`); `inputs` lie on the meta device.

    The module may hold its weights anywhere: values are neither read nor copied. `loss` makes a scalar of what the
    module gives (default: the sum). `amp`: the half-precision type of autocast; None: types as they are.
    `processor`: convolutions take room for copies.
    """
    module.train(train)
    whole = _Step(module, loss or _sum)
    values = dict(itertools.chain(whole.named_parameters(), whole.named_buffers()))
    blank = {k: torch.empty_like(v, device="meta").requires_grad_(v.requires_grad) for k, v in values.items()}
    known = {t.untyped_storage()._cdata for t in (*blank.values(), *inputs)}
    half = Autocast(amp)
    with torch.set_grad_enabled(train), Counting(known, processor) as counting, half, half.fused():
        whole.between = lambda: counting.turn(half)
        torch.func.functional_call(whole, blank, inputs)
    return (counting.forward, counting.work) if train else (counting.turn(half), Work())


class _Step(nn.Module):
    """A whole step as one call, so that gradient checkpointing finds the blank weights when it computes again."""

    def __init__(self, module: nn.Module, loss: Callable[[Any], torch.Tensor]) -> None:
        super().__init__()
        self.module, self.loss = module, loss
        self.between: Callable[[], Any] = Work
        self.training = module.training

    def forward(self, *inputs: torch.Tensor) -> None:
        out = self.module(*inputs)
        if self.training:
            total = self.loss(out)
            self.between()
            # Tensor.backward leaves the modes, and what checkpointing computes again has to be autocast as well.
            engine = torch.autograd.Variable._execution_engine
            engine.run_backward((total,), (torch.ones_like(total),), False, False, (), True, accumulate_grad=True)


@dataclass(frozen=True)
class Traced:
    """A module's step, as it grows with the batch."""

    network: Network  # its work in mixed precision, as the estimates of time take it
    weights_gb: float  # parameters and buffers as they are
    trainable_m: float  # parameters that learn, in millions
    fixed_gb: float  # held by a step whatever the batch: weights cast to half
    each_gb: float  # held at the peak for one item, at the traced precision
    train: bool

    def peak_gb(self, batch: float, optimizer: str = "adamw") -> float:
        """Likely peak, GB: weights, gradients, states of the optimiser, and what the items of a batch hold."""
        learning = 4 + vision_memory.states(optimizer) if self.train else 0.0
        return self.weights_gb + self.trainable_m * 1e-3 * learning + self.fixed_gb + self.each_gb * batch

    def seconds(self, batch: float, device: Accelerator, precision: str = "amp") -> float:
        """Likely seconds of a step on a device of the catalogue."""
        kind, _ = vision_time.kind_of(precision, device)
        return vision_time.seconds(self.network, device, train=self.train, kind=kind, batch=batch)


def trace(
    module: nn.Module, example: Callable[[int], tuple[torch.Tensor, ...]], *, train: bool, precision: str = "amp",
    loss: Callable[[Any], torch.Tensor] | None = None, batches: tuple[int, int] = (32, 64),
    processor: bool = False,
) -> Traced:  # fmt: skip
    """What a step of any module computes and holds: two batch sizes tell what grows with an item and what does not.

    `example(n)` makes inputs of n items, on any device. Parameters that do not require gradients are frozen; gradient
    checkpointing inside the module is seen. Precision: "amp", or "fp32" for types as they are; `processor`: it will run
    on a CPU, whose convolutions take room for copies. Costs seconds, no memory.
    """
    was_training = module.training
    amp = torch.float16 if precision == "amp" else None
    few, many = ([t.to("meta") for t in example(n)] for n in batches)
    peaks = []
    for inputs in (few, many):
        forward, backward = step(module, tuple(inputs), train=train, amp=amp, loss=loss, processor=processor)
        peaks.append((backward.peak if train else forward.peak) - forward.cast)
    span = batches[1] - batches[0]
    each = max(0.0, (peaks[1] - peaks[0]) / span)
    work = _work(module, tuple(many), batches[1], train, loss)
    module.train(was_training)
    values = [*module.parameters(), *module.buffers()]
    # Gradients that are there at the peak already stand in the states: of what does not grow only the casts remain.
    return Traced(
        network=work, weights_gb=sum(map(_bytes, values)) / 1e9, fixed_gb=forward.cast / 1e9, each_gb=each / 1e9,
        trainable_m=sum(p.numel() for p in module.parameters() if p.requires_grad) / 1e6, train=train,
    )  # fmt: skip


def _work(
    module: nn.Module, inputs: tuple[torch.Tensor, ...], batch: int, train: bool,
    loss: Callable[[Any], torch.Tensor] | None,
) -> Network:  # fmt: skip
    """The module's work for one item in mixed precision, in the units of the table of image networks."""
    forward, backward = step(module, inputs, train=train, amp=torch.float16, loss=loss)
    macs = {kind: count / 2e9 / batch for kind, count in forward.flops.items()}
    work = {f"{kind}_gmacs": macs.get(kind, 0.0) for kind in ("group", "depth")}
    prefix = "train_" if train else ""
    work |= {f"{prefix}{column}": value for column, value in moved_mb(forward, backward, batch).items()}
    work[f"{prefix}kernels"] = forward.kernels + backward.kernels
    work[f"{prefix}peak_mb"] = (max(forward.peak, backward.peak) - forward.cast) / 1e6 / batch
    params = sum(p.numel() for p in module.parameters())
    return Network(
        params_m=params / 1e6, gmacs=sum(macs.values()), macts=forward.outputs / 1e6 / batch, img=0.0, work=work,
        like=(type(module).__name__,), apart=0.0,
    )  # fmt: skip


def moved_mb(forward: Work, backward: Work, batch: int) -> dict[str, float]:
    """MB an item moves in both passes, by the classes that have a price."""
    both = forward.moved + backward.moved
    found = {kind: both[kind] for kind in ("conv", "mm", "depth", "group")}
    found["rest"] = sum(both[kind] for kind in ("norm", "rest", "attention"))
    return {f"{kind}_mb": size / 1e6 / batch for kind, size in found.items()}


def _sum(out: Any) -> torch.Tensor:
    return sum(t.float().sum() for t in tree_leaves(out) if isinstance(t, torch.Tensor) and t.is_floating_point())
