"""Ways to run a network on batches: torch, and OpenVINO in full or int8 precision, converted once and kept on disk."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from deepworth.weights._quiet import quiet_imports

Batch = tuple[np.ndarray, ...]  # what the network's forward takes, in order


@dataclass(frozen=True, slots=True)
class Runtime:
    """A network ready to run: `run(batch)` is (n, width) float32."""

    name: str  # "torch-fp32", "cuda-bfloat16", "openvino-bf16", "openvino-int8", ...
    run: Callable[[Batch], np.ndarray]
    file: Path | None = None  # of int8: it cannot be made again from the weights alone


def torch_runtime(module: nn.Module, threads: int) -> Runtime:
    """The network in torch: fp32 on a CPU, half precision where there is CUDA."""
    torch.set_num_threads(threads)
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    half = torch.bfloat16 if cuda and torch.cuda.is_bf16_supported() else torch.float16
    module = module.to(device).eval()

    def run(batch: Batch) -> np.ndarray:
        with torch.inference_mode(), torch.autocast(device.type, half, enabled=cuda):
            return module(*(torch.from_numpy(part).to(device) for part in batch)).float().cpu().numpy()

    return Runtime(f"cuda-{str(half).removeprefix('torch.')}" if cuda else "torch-fp32", run)


def openvino_runtime(module: nn.Module, file: Path, threads: int, example: Batch, precision: str = "") -> Runtime:
    """The network in OpenVINO, in "fp32" or the precision it prefers: bf16 on a CPU that computes in it, else fp32.

    `file` (.xml) is where the converted network is kept; it is converted when it is not there.
    """
    return _compiled(_converted(module, file, example), threads, precision)


def int8_runtime(
    module: nn.Module, file: Path, threads: int, example: Batch, calibration: Callable[[], Sequence[Batch]]
) -> Runtime:
    """The network quantised to int8 after training, its ranges from the batches of `calibration`."""
    small = file.with_suffix(".int8.xml")
    if not small.exists():
        quiet_imports()
        import nncf
        import openvino

        nncf.set_log_level("ERROR")
        plain = openvino.Core().read_model(_converted(module, file, example))
        samples = [list(sample) for sample in calibration()]
        transformer = any(isinstance(part, nn.LayerNorm) for part in module.modules())
        with _own_signal_stack(), contextlib.redirect_stdout(io.StringIO()):  # nncf draws progress bars
            quantised = nncf.quantize(
                plain,
                nncf.Dataset(samples),
                model_type=nncf.ModelType.TRANSFORMER if transformer else None,
                subset_size=len(samples),
            )
        _write(quantised, small)
    return read_int8(small, threads)


def read_int8(file: Path, threads: int) -> Runtime:
    """The quantised network in a file."""
    return Runtime("openvino-int8", _compiled(file, threads).run, file)


def _compiled(file: Path, threads: int, precision: str = "") -> Runtime:
    quiet_imports()
    import openvino

    # No dynamic quantisation: on some CPUs OpenVINO would round activations unasked.
    limits: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    if precision == "fp32":
        limits["INFERENCE_PRECISION_HINT"] = "f32"
    with _own_signal_stack():
        network = openvino.Core().compile_model(file, "CPU", limits)
    kind = network.get_property("INFERENCE_PRECISION_HINT").to_string()

    def run(batch: Batch) -> np.ndarray:
        return np.array(network(list(batch))[0], dtype=np.float32)  # a copy: OpenVINO reuses its buffer

    return Runtime("openvino-fp32" if kind == "f32" else f"openvino-{kind}", run)


class _SignalStack(ctypes.Structure):
    """`stack_t` of sigaltstack(2)."""

    _fields_ = (("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextlib.contextmanager
def _own_signal_stack() -> Iterator[None]:
    """Leave the thread with the signal stack it has.

    OpenVINO's CPU plugin gives the thread that loads it a stack of its own (AMX needs a larger one), and unmaps it in
    whichever thread the plugin ends: the next Ctrl-C would be delivered on no memory, which ends the process at once
    (seen with OpenVINO 2026.4 where the garbage collector ran in another thread).
    """
    if sys.platform != "linux":
        yield
        return
    libc, before = ctypes.CDLL(None), _SignalStack()
    libc.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        libc.sigaltstack(ctypes.byref(before), None)


def _converted(module: nn.Module, file: Path, example: Batch) -> Path:
    if not file.exists():
        quiet_imports()
        import openvino

        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of every size that is read
            network = openvino.convert_model(module, example_input=tuple(torch.from_numpy(part) for part in example))
        _write(network, file)
    return file


def _write(network: Any, file: Path) -> None:
    """Save in one step: two trials may convert at once. The .xml comes last: it says that the .bin is whole."""
    import openvino

    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.stem}-{os.getpid()}.xml")
    openvino.save_model(network, fresh, compress_to_fp16=False)
    os.replace(fresh.with_suffix(".bin"), file.with_suffix(".bin"))
    os.replace(fresh, file)
