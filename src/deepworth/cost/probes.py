"""Short measurements of one thing each: matrix products by precision, copies, launches, and pictures decoded."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from deepworth.cost.catalogue import accelerator
from deepworth.cost.detect import Device, Processor
from deepworth.registry import installed
from deepworth.types import record

FIRST, LARGEST = 256, 8192  # sides of the matrices
COPIED_MB = 256
LAUNCHES = 1000
PICTURE = (375, 500)  # rows and columns of the picture that is decoded, as those of ImageNet


@record
class Reached:
    """One thing that was measured."""

    what: str  # "matrix product", "copy", "copy to device", "launch" or "decode"
    precision: str = ""
    device: str = "cpu"  # or the name of an accelerator
    value: float
    unit: str  # "GFLOP/s", "GB/s" (a copy on one device reads and writes: twice its bytes), "us", "images/s"
    peak: float | None = None  # of the catalogue or the instructions, in the same unit

    @property
    def share(self) -> float | None:
        return self.value / self.peak if self.peak else None


Probe = Callable[[float], Reached]  # seconds it may take -> what was reached; RuntimeError where it cannot be done


def probes(host: Processor, found: tuple[Device, ...]) -> Iterator[tuple[str, Probe]]:
    """What can be measured here, by name. Of several accelerators the first stands for all."""
    if installed("torch"):
        yield from _with_torch(host, found)
    else:
        yield "fp32 product on cpu", lambda seconds: _numpy_product(host, seconds)
    yield "copy on cpu", _numpy_copy
    yield "decode on cpu", _decode


def peak(device: Device, what: str) -> float | None:
    """The most an accelerator can do: GFLOP/s of a precision, GB/s of a "copy"; None where it is not known."""
    if not device.part:
        return None
    item = accelerator(device.part)
    if what == "copy":
        return item.bw_gbs / item.devices
    rate = item.rate(what)
    return 1000 * rate / item.devices if rate else None


def _with_torch(host: Processor, found: tuple[Device, ...]) -> Iterator[tuple[str, Probe]]:
    import torch

    for precision in ("fp32", "bf16", "fp16", "int8"):
        most = host.peak_gflops if precision == "fp32" else None
        yield f"{precision} product on cpu", _product("cpu", "cpu", precision, most, host.threads)
    yield "launch on cpu", _launch("cpu", "cpu")
    place = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else ""
    if not place:
        return
    device = found[0] if found else Device(name=torch.cuda.get_device_name(0) if place == "cuda" else "mps", kind=place)
    precisions = ["fp32", "bf16", "fp16"]
    if place == "cuda":
        precisions += ["int8", *(["tf32"] if torch.cuda.get_device_capability() >= (8, 0) else [])]
    for precision in precisions:
        yield f"{precision} product on {device.name}", _product(place, device.name, precision, peak(device, precision))
    yield f"launch on {device.name}", _launch(place, device.name)
    yield f"copy on {device.name}", _copy(place, device)
    if place == "cuda":
        yield f"copy to {device.name}", _upload(device)


def _product(place: str, name: str, precision: str, most: float | None, threads: int = 1) -> Probe:
    import torch

    def probe(seconds: float) -> Reached:
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.int8}.get(precision, torch.float32)
        multiply: Any = torch._int_mm if precision == "int8" else torch.mm

        def sized(side: int) -> Callable[[], object]:
            a = torch.randint(-8, 8, (side, side), dtype=torch.int8).to(place).to(kind)
            return _waiting(place, lambda: multiply(a, a))

        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        try:
            value = _of_threads(torch.set_num_threads, threads, lambda share: _largest(sized, share * seconds))
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before
        return _gflops(name, precision, value, most)

    return probe


def _of_threads(limit: Callable[[int], object], threads: int, rate: Callable[[float], float]) -> float:
    """The best rate with one thread and with all; `rate` is given the share of the time it may take.

    Where others use the cores, threads that wait for each other are slower together than one is alone.
    """
    counts = sorted({1, threads})
    rates = []
    for count in counts:  # all the threads last: what comes next finds them
        limit(count)
        rates.append(rate(1 / len(counts)))
    return max(rates)


def _launch(place: str, name: str) -> Probe:
    """Microseconds an operation on nothing takes to be sent off, of many sent one after the other."""
    import torch

    def probe(seconds: float) -> Reached:
        one = torch.ones(1, device=place)

        def many() -> None:
            for _ in range(LAUNCHES):
                one.add_(0.0)

        best = _best(_waiting(place, many), seconds)
        return Reached(what="launch", device=name, value=1e6 * best / LAUNCHES, unit="us")

    return probe


def _copy(place: str, device: Device) -> Probe:
    import torch

    def probe(seconds: float) -> Reached:
        source = torch.zeros(COPIED_MB << 20, dtype=torch.uint8, device=place)
        target = torch.empty_like(source)
        best = _best(_waiting(place, lambda: target.copy_(source)), seconds)
        return _gbs("copy", device.name, 2 * len(source) / best, peak(device, "copy"))

    return probe


def _upload(device: Device) -> Probe:
    import torch

    def probe(seconds: float) -> Reached:
        source = torch.zeros(COPIED_MB << 20, dtype=torch.uint8).pin_memory()
        target = torch.empty_like(source, device="cuda")
        best = _best(_waiting("cuda", lambda: target.copy_(source, non_blocking=True)), seconds)
        return _gbs("copy to device", device.name, len(source) / best, None)

    return probe


def _waiting(place: str, call: Callable[[], object]) -> Callable[[], object]:
    """`call`, which ends when the device has done it."""
    if place == "cpu":
        return call
    import torch

    wait = torch.cuda.synchronize if place == "cuda" else torch.mps.synchronize

    def both() -> None:
        call()
        wait()

    return both


def _numpy_product(host: Processor, seconds: float) -> Reached:
    def sized(side: int) -> Callable[[], object]:
        a = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
        return lambda: a @ a

    with threadpool_limits(host.threads):  # what stood before comes back
        value = _of_threads(threadpool_limits, host.threads, lambda share: _largest(sized, share * seconds))
    return _gflops("cpu", "fp32", value, host.peak_gflops)


def _numpy_copy(seconds: float) -> Reached:
    """One thread's copy, as reading a batch is."""
    source = np.zeros(COPIED_MB << 20, dtype=np.uint8)
    target = np.empty_like(source)
    return _gbs("copy", "cpu", 2 * source.nbytes / _best(lambda: np.copyto(target, source), seconds), None)


def _decode(seconds: float) -> Reached:
    """JPEG pictures of the size of ImageNet's decoded a second, by one thread."""
    from PIL import Image

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (PICTURE[0] // 8, PICTURE[1] // 8, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize(PICTURE[::-1], Image.Resampling.BICUBIC)).astype(np.int16)
    grainy = (smooth + rng.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grainy).save(file, "JPEG", quality=90)
    best = _best(lambda: np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB")), seconds)
    return Reached(what="decode", precision="jpeg", value=1 / best, unit="images/s")


def _largest(sized: Callable[[int], Callable[[], object]], seconds: float) -> float:
    """GFLOP/s of the largest square product of which several fit into the time: small ones are bound by memory."""
    first = _best(sized(FIRST), seconds / 8)
    side = FIRST
    while 2 * side <= LARGEST and 8 * (2 * side / FIRST) ** 3 * first < seconds:
        side *= 2
    best = _best(sized(side), seconds / 2)
    return max(2 * FIRST**3 / first, 2 * side**3 / best) / 1e9


def _best(call: Callable[[], object], seconds: float) -> float:
    """The fewest seconds of a call: one to warm up, one that counts, and more until the time is over."""
    start = time.perf_counter()
    call()
    best = float("inf")
    while best == float("inf") or time.perf_counter() - start + best < seconds:
        begun = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begun)
    return best


def _gflops(device: str, precision: str, value: float, most: float | None) -> Reached:
    return Reached(what="matrix product", precision=precision, device=device, value=value, unit="GFLOP/s", peak=most)


def _gbs(what: str, device: str, value: float, most: float | None) -> Reached:
    return Reached(what=what, device=device, value=value / 1e9, unit="GB/s", peak=most)
