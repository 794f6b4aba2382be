"""Seconds of a step of an image network: a roofline by class of operator, with learned efficiencies."""

from __future__ import annotations

import math

import numpy as np

from deepworth.cost.catalogue import Accelerator
from deepworth.cost.vision_networks import Network
from deepworth.errors import UserError

TERMS = ("dense", "group", "depth", "conv", "mm", "depth_moved", "group_moved", "rest", "kernels")
# How many times longer than the peaks of the data sheet allow each class takes: products without groups, with groups,
# one channel each (by the plain units), and bytes by class of operator; microseconds a kernel last. Learned by
# benchmarks/fit_vision.py from timm's published img/s (pytorch-image-models, Apache-2.0) and NVIDIA's examples.
PRICES: dict[str, tuple[float, ...]] = {
    "infer": (1.021, 1.301, 6.464, 2.626, 1.922, 0.98, 3.688, 0.891, 6.402),
    "train": (1.121, 0.958, 13.248, 4.896, 1.768, 4.814, 9.084, 1.004, 13.982),
    "cpu": (3.013, 3.316, 17.531, 4.706, 2.597, 1.221, 2.821, 0.01, 14.966),
    # Processors as they were probed, in fp32 by PyTorch without compilation: learned by benchmarks/processor.py from 81
    # steps of 18 networks on a Xeon with AVX-512, on one thread and on two; a network left out is met within 9 %.
    "eager infer": (1.539, 1.659, 5.243, 2.946, 2.027, 0.817, 2.515, 0.779, 22.738),
    "eager train": (1.439, 2.0, 22.529, 8.851, 1.989, 1.559, 2.798, 0.842, 15.139),
}
# TFLOP/s a watt of board power pays for: what keeps an L4 or a Max-Q part from its peak; learned with them.
WATTS = 1.07
LAUNCH_US = 42.0  # a kernel's way through Python on the hosts of V100s and T4s; learned with them
# Beside parts of that year and later it takes this share: an A100 against a V100 at batches of 1 to 8.
NEWER_HOST = (2020, 0.62)
CARDS: dict[str, tuple[float, float]] = {  # times the seconds of arithmetic and of moving, where a card was measured
    "A100-SXM4-80GB": (0.987, 1.142),
    "RTX 3090": (0.890, 1.009),
    "RTX 4090": (0.875, 0.913),
    "RTX 5090": (0.997, 1.045),
    "RTX PRO 6000 Max-Q": (1.029, 1.168),
    "T4": (1.613, 0.875),
    "V100-SXM2-16GB": (1.047, 0.897),
    "i7-12700H": (1.648, 0.915),
    "i9-10940X": (0.766, 1.093),
}
PROBED = "processor"  # as `arch`
KINDS = {"amp": "fp16", "fp16": "fp16", "bf16": "bf16", "tf32": "tf32", "fp32": "fp32"}
# Of int8 by OpenVINO over fp32: MiniLM, one thread of a Xeon without matrix units, interleaved, best of 5.
INT8_EAGER, INT8_COMPILED = 2.7, 1.9
WIDER = {"fp16": 1.0, "bf16": 1.0, "tf32": 1.85, "fp32": 1.85}  # bytes beside those of mixed precision


def kind_of(precision: str, device: Accelerator) -> tuple[str, str]:
    """The arithmetic behind a spelling of a precision on a device, and what has to be said about it."""
    word = precision.lower().replace("float", "fp").replace("bfp16", "bf16")
    kind = next((kind for key, kind in KINDS.items() if key in word), "")
    kind = kind or {"16": "fp16", "half": "fp16", "32": "fp32", "single": "fp32"}.get(word.split("-")[0], "")
    if not kind:
        raise UserError(f"precision is {precision!r}: give amp, fp16, bf16, tf32, fp32, or int8 for inference")
    if device.kind == "cpu" and kind in ("fp16", "tf32"):
        return "fp32", f"{device.name} has no {kind} arithmetic: taken as fp32"
    if kind == "fp16" and not device.fp16_tflops and device.bf16_tflops:
        return "bf16", ""
    if kind == "bf16" and not device.bf16_tflops:
        return ("fp16", f"{device.name} has no bf16 products: taken as fp16") if device.fp16_tflops else ("fp32", "")
    if kind == "tf32" and not device.tf32_tflops:
        return "fp32", f"{device.name} has no tf32 products: taken as fp32"
    return kind, ""


def int8(device: Accelerator) -> tuple[str, float, str]:
    """What inference in int8 is reckoned from: wider arithmetic, the likely gain over it, and what has to be said.

    No image network was measured in int8, so the interval reaches from no gain to the square of the likely one.
    """
    if device.kind == "cpu":
        said = (
            "int8 is not measured on image networks: on a sentence encoder OpenVINO's was 2.7 times the speed of "
            "PyTorch's fp32 (1.9 times OpenVINO's) at cosine 0.986, and no faster than bf16 on a processor with AMX"
        )
        return "fp32", INT8_EAGER if probed(device) else INT8_COMPILED, said
    kind, _ = kind_of("amp", device)
    half = device.bf16_tflops if kind == "bf16" else device.fp16_tflops
    if not device.int8_tops or not half:
        return kind, 1.0, f"no rate of {device.name} in int8 is known: taken as {kind}"
    most = max(device.int8_tops / half, 1.0)
    said = (
        f"int8 is not measured on GPUs: reckoned between no gain over {kind} and the {most:.1f} times that dense rates "
        "of the data sheet allow at most; its accuracy must be checked"
    )
    return kind, math.sqrt(most), said


def terms(network: Network, device: Accelerator, *, train: bool, kind: str, batch: float) -> np.ndarray:
    """Seconds a step would take in each of `TERMS` (9,) at the peaks of the data sheet."""
    work, prefix = network.work, "train_" if train else ""
    passes = 3 if train else 1  # a backward pass is two products for each of the forward pass
    dense = network.gmacs - work["group_gmacs"] - work["depth_gmacs"]
    flops = np.array([dense, work["group_gmacs"], work["depth_gmacs"]]) * 2e9 * passes
    peaks = np.array([*[matrix_rate(device, kind)] * 2, plain_rate(device)])
    moved = np.array([work[f"{prefix}{c}_mb"] for c in ("conv", "mm", "depth", "group", "rest")]) * 1e6 * WIDER[kind]
    return np.array([*flops * batch / peaks, *moved * batch / (device.bw_gbs * 1e9), work[f"{prefix}kernels"] * 1e-6])


def matrix_rate(device: Accelerator, kind: str) -> float:
    """FLOP/s of matrix products that the board's power sustains."""
    peak = {"fp16": device.fp16_tflops, "bf16": device.bf16_tflops, "tf32": device.tf32_tflops}.get(kind)
    if not peak or device.kind == "cpu" or not device.tdp_w:
        return peak * 1e12 if peak else plain_rate(device)
    return 1e12 / (peak**-4 + (WATTS * device.tdp_w) ** -4) ** 0.25


def plain_rate(device: Accelerator) -> float:
    """FLOP/s outside matrix units: where makers print none, an eighth of the matrix rate; 0: nothing is known."""
    return (device.fp32_tflops or (device.fp16_tflops or device.bf16_tflops or 0.0) / 8) * 1e12


def seconds(network: Network, device: Accelerator, *, train: bool, kind: str, batch: float) -> float:
    """Likely seconds of one step: what the device needs, or the launches where these take longer."""
    at_peak = terms(network, device, train=train, kind=kind, batch=batch)
    arithmetic, moving = CARDS.get(device.name, (1.0, 1.0))
    priced = at_peak * PRICES[_learned(device, train)] * np.array([*[arithmetic] * 3, *[moving] * 6])
    if device.kind == "cpu":
        return float(priced.sum())
    launch = launches(network, device, train) * LAUNCH_US * 1e-6
    return math.sqrt(math.hypot(priced.sum() ** 2, launch**2))  # the norm of order 4: nearly the larger


def probed(device: Accelerator) -> bool:
    """Whether it is a processor told by what it reaches, not by a data sheet."""
    return device.kind == "cpu" and device.arch == PROBED


def _learned(device: Accelerator, train: bool) -> str:
    """Which PRICES hold: published runs on processors are inference, compiled."""
    mode = "train" if train else "infer"
    if device.kind != "cpu":
        return mode
    return f"eager {mode}" if train or probed(device) else "cpu"


def launches(network: Network, device: Accelerator, train: bool) -> float:
    """Kernels of a step, as an older host would take equally long over; processors launch none."""
    if device.kind == "cpu":
        return 0.0
    count = network.work["train_kernels" if train else "kernels"]
    return count * (NEWER_HOST[1] if device.year >= NEWER_HOST[0] else 1.0)
