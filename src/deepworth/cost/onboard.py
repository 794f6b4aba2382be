"""What a candidate's network takes on a GPU, by the closed forms that were held against published runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from deepworth.cost import (
    catalogue,
    dims,
    language,
    language_memory,
    language_setup,
    language_time,
    place,
    vision,
    vision_memory,
    vision_networks,
    vision_time,
)
from deepworth.cost.catalogue import Accelerator
from deepworth.cost.dims import Transformer
from deepworth.cost.vision_networks import Network
from deepworth.errors import UserError
from deepworth.types import Machine, record

RESNET18 = 20  # convolutions, those of the shortcuts counted
FORWARD = 1 / 3  # of the arithmetic of a training step


@record
class Pace:
    """Of one network at one batch size."""

    forward: float  # seconds a row on one device, without gradients
    step: float  # seconds a row of training on all devices, which share each batch
    peak_gb: float  # of a training step on one device
    half: float  # half width of the 90 % interval of the seconds, as a logarithm
    basis: str


def device(machine: Machine) -> Accelerator:
    """The accelerator a machine is reckoned with, by `accelerator_part`; the one here with what was measured of it."""
    if machine.accelerator_found and machine.accelerator_part == place.own_part():  # not that of a run from elsewhere
        return place.site(place.HERE).device
    return catalogue.accelerator(machine.accelerator_part)


def of_images(item: Accelerator, count: int, network: Network, batch: int, seen: int | None = None) -> Pace:
    """A step of `batch` images over `count` devices, and a forward pass of `seen` (else as many) on one."""
    kind, _ = vision_time.kind_of("amp", item)
    share = math.ceil(batch / count)
    alone = vision_time.seconds(network, item, train=True, kind=kind, batch=share)
    seen = seen or batch
    forward = vision_time.seconds(network, item, train=False, kind=kind, batch=seen) / seen
    return Pace(
        forward=forward,
        step=(alone + vision.exchange(network, item, count)) / batch,
        peak_gb=vision_memory.peak_gb(network, share, train=True, kind=kind, optimizer="adamw"),
        half=vision.spread_of_time(network, item, alone, train=True, kind=kind, count=count, warnings=[]),
        basis=_basis("the networks of timm", item, count),
    )


def of_tokens(item: Accelerator, count: int, model: Transformer, tokens: float, batch: int, seen: int) -> Pace:
    """The same of a transformer that reads so many tokens a row."""
    request: dict[str, Any] = {"task": "train", "method": "full", "precision": "bf16-mixed", "optimizer": "AdamW"}
    request |= {"dims": _sizes(model), "seq_len": max(1, round(tokens)), "micro_batch": math.ceil(batch / count)}
    setup = language_setup.read(request | {"n_gpus": count})
    parts = language_time.step(setup, item)
    read = language_setup.read(request | {"micro_batch": seen})
    whole = sum(seconds for part, seconds in language_time.step(read, item).items() if part != "optimizer")
    return Pace(
        forward=FORWARD * whole / seen,
        step=sum(parts.values()) / batch,
        peak_gb=sum(language_memory.peak(setup).values()) / 1e9,
        half=language.spread_of_time(setup, item, parts),
        basis=_basis("transformers", item, count),
    )


def network(weights: str | None, usual: str, side: float) -> Network:
    """The image network that is named, where its sizes are known, else the usual one; at `side` pixels."""
    try:
        return vision_networks.named({"model": weights or usual, "img": side})
    except UserError:  # a folder, or a network whose sizes are not in the table
        return vision_networks.named({"model": usual, "img": side})


def plain(params_m: float, gmacs: float, macts: float, img: float, convolutions: int) -> Network:
    """A network of so many plain convolutions that is in no table: as many kernels for each as in ResNet-18."""
    known = vision_networks.named({"model": "resnet18"}).work
    found = vision_networks.like(params_m, gmacs, macts, img)
    kernels = {name: known[name] * convolutions / RESNET18 for name in vision_networks.COUNTS}
    return replace(found, work=found.work | kernels)


def transformer(weights: str | None, usual: str) -> Transformer:
    """The same for transformers."""
    if weights and dims.is_folder(weights):
        return dims.from_config(weights)
    return dims.find(weights if weights and dims.is_known(weights) else usual)


def whisper_encoder() -> Transformer:
    """The four layers of Whisper tiny's encoder, without its convolutions."""
    sizes = {"kind": "encoder", "layers": 4, "hidden": 384, "heads": 6, "ffn": 1536, "mlp_mats": 2}
    return dims.from_dims(sizes | {"vocab": 1, "tied_embeddings": 1}, "whisper-tiny encoder")


def _sizes(model: Transformer) -> dict[str, float | str]:
    names = ("layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "mlp_mats", "vocab", "tied_embeddings", "kind")
    return {name: getattr(model, name) for name in names}


def _basis(learned: str, item: Accelerator, count: int) -> str:
    on = item.name if count == 1 else f"{count} x {item.name} that share each batch"
    return f"roofline held against published runs of {learned}, on {on} (its data sheet: confidence {item.confidence})"
