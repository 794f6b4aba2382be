"""Runs a network over batches in the fastest way this machine has, chosen by a probe on real rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from deepworth.registry import installed
from deepworth.weights._quiet import quiet_imports

Batch = tuple[np.ndarray, ...]  # what the network's forward takes, in order
Gate = Callable[[np.ndarray, np.ndarray], bool]  # (trusted features, cheaper features of the same rows) -> as good?

CONVERT_SECONDS = 4.0  # to convert and compile a small network with OpenVINO
QUANTISE_SECONDS = 15.0  # to calibrate it to int8 besides
SAME = 0.98  # least mean cosine of int8 features with the fp32 ones; rounding to bf16 stays above 0.999
FASTER = 1.15  # less is noise


@dataclass(frozen=True, slots=True)
class Runtime:
    """A network ready to run: `run(batch)` is (n, width) float32."""

    name: str  # "torch-fp32", "cuda-bf16", "openvino-bf16", "openvino-int8", ...
    run: Callable[[Batch], np.ndarray]
    ratio: float = 1.0  # measured speed over torch fp32
    cosine: float = 1.0  # measured mean cosine of its features with those of torch fp32
    file: Path | None = None  # the converted network, where it cannot be made again from the weights alone


def torch_runtime(module: nn.Module, threads: int) -> Runtime:
    """The network in torch: in fp32 on a CPU; in half precision where there is CUDA."""
    torch.set_num_threads(threads)
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    half = torch.bfloat16 if cuda and torch.cuda.is_bf16_supported() else torch.float16
    module = module.to(device).eval()

    def run(batch: Batch) -> np.ndarray:
        with torch.inference_mode(), torch.autocast(device.type, half, enabled=cuda):
            return module(*(torch.from_numpy(part).to(device) for part in batch)).float().cpu().numpy()

    return Runtime(f"cuda-{str(half).removeprefix('torch.')}" if cuda else "torch-fp32", run)


def choose_runtime(
    module: nn.Module,
    probe: Sequence[Batch],
    *,
    key: str,
    cache: Path,
    threads: int,
    work: float,
    calibration: Callable[[], Sequence[Batch]],
    gate: Gate,
) -> Runtime:
    """The fastest runtime whose features are as good as those of torch in fp32.

    `probe` are a few real batches, `work` says how many times the probe is still to be computed: a conversion must pay
    for itself. `key` names the network and its settings in the cache of converted networks. int8 is taken only where its
    features have a mean cosine of 0.98 with the trusted ones, `gate` finds them as good for a head, and it is faster.
    """
    best = torch_runtime(module, threads)
    trusted, seconds = _measure(best, probe)
    if best.name.startswith("cuda") or not installed("openvino") or seconds * work < 3 * CONVERT_SECONDS:
        return best
    plain, fp32_seconds = openvino_runtime(module, key, cache, threads, example=probe[0]), seconds
    features, plain_seconds = _measure(plain, probe)
    if cosine(trusted, features) >= 0.999 and plain_seconds * FASTER < seconds:
        best = Runtime(plain.name, plain.run, fp32_seconds / plain_seconds, cosine(trusted, features))
        seconds = plain_seconds
    if not installed("nncf") or seconds * work < 3 * QUANTISE_SECONDS:
        return best
    small = int8_runtime(module, key, cache, threads, probe[0], calibration)
    features, small_seconds = _measure(small, probe)
    likeness = cosine(trusted, features)
    if likeness >= SAME and small_seconds * FASTER < seconds and gate(trusted, features):
        best = Runtime(small.name, small.run, fp32_seconds / small_seconds, likeness, small.file)
    return best


def openvino_runtime(module: nn.Module, key: str, cache: Path, threads: int, example: Batch) -> Runtime:
    """The network in OpenVINO, in the precision it prefers on this CPU (bf16 where the CPU computes in it, else fp32)."""
    return compiled(_converted(module, key, cache, example), threads)


def int8_runtime(
    module: nn.Module, key: str, cache: Path, threads: int, example: Batch, calibration: Callable[[], Sequence[Batch]]
) -> Runtime:
    """The network quantised to int8 after training, with ranges from the batches of `calibration` (Jacob et al. 2018)."""
    file = cache / f"{key}.int8.xml"
    if not file.exists():
        quiet_imports()
        import nncf
        import openvino

        nncf.set_log_level("ERROR")
        plain = openvino.Core().read_model(_converted(module, key, cache, example))
        samples = list(calibration())
        transformer = any(isinstance(part, nn.LayerNorm) for part in module.modules())
        with _no_progress():
            quantised = nncf.quantize(
                plain,
                nncf.Dataset([list(sample) for sample in samples]),
                model_type=nncf.ModelType.TRANSFORMER if transformer else None,
                subset_size=len(samples),
            )
        _write(quantised, file)
    return compiled(file, threads, "openvino-int8")


def compiled(file: Path, threads: int, name: str = "") -> Runtime:
    """A converted network in a file, compiled for this CPU."""
    quiet_imports()
    import openvino

    network = openvino.Core().compile_model(file, "CPU", {"INFERENCE_NUM_THREADS": threads})
    precision = {"f32": "fp32"}.get(kind := network.get_property("INFERENCE_PRECISION_HINT").to_string(), kind)

    def run(batch: Batch) -> np.ndarray:
        return np.array(network(list(batch))[0], dtype=np.float32)  # a copy: OpenVINO reuses its buffer

    return Runtime(name or f"openvino-{precision}", run, file=file)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The mean cosine of two (n, width) feature matrices, row by row, about the mean of the first.

    Centred, because features of one network share a large common part that hides differences.
    """
    one, other = one - one.mean(axis=0), other - one.mean(axis=0)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.mean(np.sum(one * other, axis=1) / np.maximum(lengths, 1e-12)))


def _measure(runtime: Runtime, probe: Sequence[Batch]) -> tuple[np.ndarray, float]:
    """(features of the probe, the shorter of two measured seconds for it), after one batch that warms up."""
    runtime.run(probe[0])
    times = []
    for _ in range(2):
        start = time.perf_counter()
        features = np.concatenate([runtime.run(batch) for batch in probe])
        times.append(time.perf_counter() - start)
    return features, min(times)


def _converted(module: nn.Module, key: str, cache: Path, example: Batch) -> Path:
    """The file of the network converted by OpenVINO, made when it is not there yet."""
    file = cache / f"{key}.xml"
    if not file.exists():
        quiet_imports()
        import openvino

        with torch.inference_mode():
            network = openvino.convert_model(module, example_input=tuple(torch.from_numpy(part) for part in example))
        network.reshape([_shape(part) for part in example]) if example[0].ndim > 2 else None
        _write(network, file)
    return file


def _write(network: Any, file: Path) -> None:
    """Save in one step: two trials may convert at once. The .xml comes last: it says that the .bin is whole."""
    import openvino

    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.stem}.{os.getpid()}.xml")
    openvino.save_model(network, fresh, compress_to_fp16=False)
    os.replace(fresh.with_suffix(".bin"), file.with_suffix(".bin"))
    os.replace(fresh, file)
