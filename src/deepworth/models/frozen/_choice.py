"""Chooses how finely and with what the rows are encoded: by the clock, by a probe on real rows, and by a head."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from deepworth.data.examples import Examples
from deepworth.models._heads import LinearHead
from deepworth.models.frozen._budget import Budget
from deepworth.models.frozen._encode import Encoder, encode_all
from deepworth.models.frozen._runtime import (
    Batch,
    Runtime,
    int8_runtime,
    openvino_runtime,
    read_int8,
    torch_runtime,
)
from deepworth.models.learner import Context
from deepworth.registry import installed
from deepworth.types import Task

PROBE_ROWS, PROBE_CHUNK, PROBE_SECONDS = 64, 8, 1.5  # rows are taken until the trusted runtime has worked this long
CALIBRATION_ROWS = 128  # give int8 its ranges
GATE_ROWS = 300  # on which a head judges int8 features; fewer than 200 cannot tell
CONVERT_SECONDS, QUANTISE_SECONDS = 3.0, 12.0  # what a conversion costs; it must pay for itself three times
SAME_FLOAT, SAME_INT8 = 0.995, 0.97  # least mean cosine with the features of torch in fp32, centred
FASTER = 1.15  # less is noise
WORSE = 1.03  # of the trusted loss, what is no difference on a hundred rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    level: int
    runtime: Runtime
    seconds_per_work: float
    ratio: float  # speed measured over torch fp32
    cosine: float  # of the features with those of torch fp32, centred, mean over the probe's rows


def network_file(cache: Path, digest: str, encoder: Encoder, level: int) -> Path:
    """Where the converted network is kept."""
    size = "any" if encoder.one_network else level
    return cache / "networks" / f"{_hash(f'{digest}-{encoder.key}-{size}')}.xml"


def runtime_named(name: str, encoder: Encoder, level: int, file: Path, threads: int) -> Runtime:
    """The runtime that was chosen before. int8 needs its own file beside `file`; the others are made again."""
    module = encoder.module(level)
    if name == "openvino-int8":
        return read_int8(file.with_suffix(".int8.xml"), threads)
    if name.startswith("openvino"):
        return openvino_runtime(module, file, threads, encoder.example(level), name.removeprefix("openvino-"))
    return torch_runtime(module, threads)


def choose(encoder: Encoder, digest: str, task: Task, train: Examples, valid: Examples, context: Context) -> Choice:
    """The fastest runtime whose features are as good as torch's in fp32, and the finest level that fits the time.

    What was chosen before for the same network, data and threads is taken again, so that its cached features serve.
    """
    facts = f"{digest}-{encoder.key}-{encoder.levels[0]}-{context.threads}-{train.dataset.fingerprint}"
    record = context.cache / "choices" / f"{_hash(facts)}.json"
    budget = Budget(encoder, task, train, valid, context)

    def fastest(level: int) -> Choice:
        total = budget.per_row[level] * (len(train) + len(valid) + context.predict_rows)
        file = network_file(context.cache, digest, encoder, level)
        return _fastest(Probe(encoder, some, level, context.threads), total, file, task, rows, context)

    if record.exists():
        found = json.loads(record.read_text())
        budget.probed(found["seconds_per_work"])
        if encoder.one_network or budget.fits(found["level"]):
            file = network_file(context.cache, digest, encoder, found["level"])
            runtime = runtime_named(found.pop("runtime"), encoder, found["level"], file, context.threads)
            return Choice(runtime=runtime, **found | {"level": budget.finest()})
    rows = train.take(np.random.default_rng(0).permutation(len(train))[:GATE_ROWS])
    some = rows.take(np.arange(min(PROBE_ROWS, len(rows))))
    choice = fastest(encoder.levels[0])
    budget.probed(choice.seconds_per_work)
    if encoder.one_network or budget.finest() == choice.level:
        _remember(record, choice)
        return replace(choice, level=budget.finest())
    # A coarser level is a matter of this run's time, so it is not remembered.
    return fastest(budget.finest())


class Probe:
    """A few real batches, their features by torch in fp32, and the seconds that took."""

    def __init__(self, encoder: Encoder, rows: Examples, level: int, threads: int) -> None:
        self.encoder, self.rows, self.level = encoder, rows, level
        self.torch = torch_runtime(encoder.module(level), threads)
        self.batches: list[Batch] = []
        seconds, used, features = 0.0, 0, []
        while used < len(rows) and seconds < PROBE_SECONDS:
            chunk = rows.take(np.arange(used, min(used + PROBE_CHUNK, len(rows))))
            fresh = [batch for _, batch in encoder.batches(chunk, level)]
            if not used:
                self.torch.run(fresh[0])  # the first call plans and allocates
            start = time.perf_counter()
            features += [self.torch.run(batch) for batch in fresh]
            seconds += time.perf_counter() - start
            self.batches += fresh
            used += len(chunk)
        self.features, self.seconds = np.concatenate(features), seconds
        self.work = encoder.work(rows.take(np.arange(used)), level)

    @property
    def seconds_per_work(self) -> float:
        return self.seconds / self.work

    def measure(self, runtime: Runtime) -> tuple[float, float]:
        """(seconds for the probe, cosine with the trusted features)."""
        times = []
        for _ in range(2):  # the first time plans for every new shape
            start = time.perf_counter()
            features = np.concatenate([runtime.run(batch) for batch in self.batches])
            times.append(time.perf_counter() - start)
        return min(times), cosine(self.features, features)


def cosine(trusted: np.ndarray, other: np.ndarray) -> float:
    """The mean cosine of two (n, width) matrices, row by row, about the mean of the first.

    Centred, because the features of one network share a large common part that would hide differences.
    """
    one, other = trusted - trusted.mean(axis=0), other - trusted.mean(axis=0)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(np.mean(np.sum(one * other, axis=1) / np.maximum(lengths, 1e-12)))


def judged_equal(task: Task, labels: np.ndarray, trusted: np.ndarray, cheaper: np.ndarray) -> bool:
    """Whether a head on `cheaper` (n, d) loses nothing on the last third of the rows against one on `trusted`.

    By log loss or squared error; True where there are fewer than 200 rows, which cannot tell.
    """
    if len(labels) < 200:
        return True
    cut = 2 * len(labels) // 3
    losses = []
    for features in (trusted, cheaper):
        head = LinearHead(task).fit(features[:cut], labels[:cut], features[:0], labels[:0])
        predicted, true = head.predict(features[cut:]), labels[cut:]
        if task.is_classification:
            losses.append(-float(np.log(np.maximum(predicted[np.arange(len(true)), true], 1e-6)).mean()))
        else:
            losses.append(float(np.square(predicted - true).mean()))
    return losses[1] <= WORSE * losses[0]


def _may_convert(runtime: Runtime) -> bool:
    return runtime.name == "torch-fp32" and installed("openvino")


def _fastest(probe: Probe, total: float, file: Path, task: Task, rows: Examples, context: Context) -> Choice:
    encoder, level, threads = probe.encoder, probe.level, context.threads

    def chosen(runtime: Runtime, seconds: float, likeness: float) -> Choice:
        return Choice(
            level=level,
            runtime=runtime,
            seconds_per_work=seconds / probe.work,
            ratio=probe.seconds / seconds,
            cosine=likeness,
        )

    best, best_seconds = chosen(probe.torch, probe.seconds, 1.0), probe.seconds
    repeats = total / probe.work
    if not _may_convert(probe.torch) or best_seconds * repeats < 3 * CONVERT_SECONDS:
        return best
    context.tell(0.03, "converting the network")
    module, example = encoder.module(level), encoder.example(level)
    runtime = openvino_runtime(module, file, threads, example)
    seconds, likeness = probe.measure(runtime)
    if likeness < SAME_FLOAT and runtime.name != "openvino-fp32":  # bf16 is too coarse for this network
        runtime = openvino_runtime(module, file, threads, example, "fp32")
        seconds, likeness = probe.measure(runtime)
    if likeness >= SAME_FLOAT and seconds * FASTER < best_seconds:
        best, best_seconds = chosen(runtime, seconds, likeness), seconds
    # Where a CPU computes in bf16 (AMX), int8 was no faster: 0.96 to 1.06 of its speed with both default networks.
    if best.runtime.name == "openvino-bf16" or not installed("nncf") or best_seconds * repeats < 3 * QUANTISE_SECONDS:
        return best
    context.tell(0.04, "quantising the network")
    some = rows.take(np.arange(min(CALIBRATION_ROWS, len(rows))))
    runtime = int8_runtime(module, file, threads, example, lambda: _singles(encoder, some, level))
    seconds, likeness = probe.measure(runtime)
    if likeness < SAME_INT8 or seconds * FASTER > best_seconds:
        return best
    trusted, cheaper = (encode_all(encoder, level, way.run, rows) for way in (best.runtime, runtime))
    return chosen(runtime, seconds, likeness) if judged_equal(task, rows.known_labels, trusted, cheaper) else best


def _singles(encoder: Encoder, rows: Examples, level: int) -> Sequence[Batch]:
    """The rows' batches, four rows together: padding would spoil the ranges, single rows waste calibration time."""
    chunks = (rows.take(np.arange(i, min(i + 4, len(rows)))) for i in range(0, len(rows), 4))
    return [batch for _, batch in chain.from_iterable(encoder.batches(chunk, level) for chunk in chunks)]


def _remember(record: Path, choice: Choice) -> None:
    facts = {"runtime": choice.runtime.name, "level": choice.level, "seconds_per_work": choice.seconds_per_work}
    record.parent.mkdir(parents=True, exist_ok=True)
    fresh = record.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(facts | {"ratio": choice.ratio, "cosine": choice.cosine}))
    os.replace(fresh, record)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
