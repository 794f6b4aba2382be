"""Published measurements of image networks, as what the estimates are asked and what was measured."""

from __future__ import annotations

import csv
import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepworth.cost import vision_memory, vision_networks, vision_time
from deepworth.cost.catalogue import Accelerator, accelerator
from deepworth.cost.vision_networks import Network

DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[2] / "shared" / "data")
HARDWARE = DATA.parent / "hardware"
CARDS = {  # columns of timm_infer.csv -> hardware, column of the batch size
    "rtx3090": ("RTX 3090", "bs_rtx3090"),
    "rtx4090": ("RTX 4090", "bs_rtx4090"),
    "rtx4090_pt291": ("RTX 4090", "bs_rtx4090"),
    "rtx5090": ("RTX 5090", "bs_rtx5090"),
    "rtxpro6000maxq": ("RTX PRO 6000 Max-Q", "bs_rtxpro6000maxq"),
    "i9_10940x_fp32_bs1": ("i9-10940X", ""),
    "i7_12700h_fp32_bs1": ("i7-12700H", ""),
}
NVIDIA = {  # NVIDIA's names -> (parameters in millions, GMACs, macts, image size) of the nets they stand for
    "resnet50v1.5": (25.56, 4.11, 11.11, 224),
    "resnext101-32x4d": (44.18, 8.01, 21.23, 224),
    "se-resnext101-32x4d": (48.96, 8.02, 21.26, 224),
    "efficientnet-b4": (19.34, 4.49, 49.49, 380),
    "efficientnet-widese-b4": (19.34, 4.49, 49.49, 380),
    "efficientnet-widese-b0": (5.29, 0.4, 6.75, 224),
}
GPUS = {"V100-16GB": "V100-SXM2-16GB", "V100-32GB": "V100-SXM2-32GB"}
LAMBDA = {"V100 16GB": "V100-SXM2-16GB", "H100 80GB SXM5": "H100-SXM5-80GB"}
VARIANTS = re.compile(r"^(?:tf_|tv_|nf_|jx_|legacy_|eca_|ecare|gc_|gc|se)")


def family(model: str) -> str:
    """A name up to its first digit or underscore, without the prefixes that tell who trained or varied it."""
    short = VARIANTS.sub("", model)
    return (re.search(r"[a-z]+", "re" + short if model.startswith("ecare") else short) or [model])[0]


@dataclass(frozen=True)
class Sizes:
    model: str
    params_m: float
    gmacs: float
    macts: float
    img: float

    @property
    def group(self) -> str:
        return family(self.model)

    def network(self, known: bool = True) -> Network:
        """As the estimates find it; unless `known`, with the whole family taken out of the table."""
        return _network(self, known)


@functools.cache
def _network(sizes: Sizes, known: bool) -> Network:
    names, _ = vision_networks.table()
    if known:
        return vision_networks.like(sizes.params_m, sizes.gmacs, sizes.macts, sizes.img)
    found = vision_networks.like(sizes.params_m, sizes.gmacs, sizes.macts, sizes.img)
    groups = {family(name) for name in found.like} | {sizes.group}
    without = frozenset(name for name in names if family(name) in groups)
    return vision_networks.like(sizes.params_m, sizes.gmacs, sizes.macts, sizes.img, without)


@dataclass(frozen=True)
class Timed:
    sizes: Sizes
    device: Accelerator
    column: str
    kind: str
    batch: float
    train: bool
    measured: float  # images a second
    known: bool = True

    @property
    def network(self) -> Network:
        return self.sizes.network(self.known)

    @property
    def seconds(self) -> float:
        return self.batch / self.measured

    def terms(self) -> np.ndarray:
        """At the peaks of the data sheet, the power limit not yet applied."""
        at_peak = vision_time.terms(self.network, self.device, train=self.train, kind=self.kind, batch=self.batch)
        at_peak[:2] *= vision_time.matrix_rate(self.device, self.kind) / (self.peak * 1e12)
        return at_peak

    @property
    def peak(self) -> float:
        device = self.device
        peak = {"fp16": device.fp16_tflops, "bf16": device.bf16_tflops, "tf32": device.tf32_tflops}.get(self.kind)
        return peak or device.fp32_tflops or 0.0

    @property
    def launches(self) -> float:
        return vision_time.launches(self.network, self.device, self.train)

    def predict(self) -> float:
        """Images a second."""
        return self.batch / vision_time.seconds(
            self.network, self.device, train=self.train, kind=self.kind, batch=self.batch
        )


@dataclass(frozen=True)
class Bracket:
    sizes: Sizes
    device: Accelerator
    runs: float
    fails: float  # the next batch size up; infinite where the largest one tried ran
    train: bool = True
    known: bool = True

    def largest(self, held: float, workspace: float) -> float:
        """The largest batch (not rounded) when a traced byte costs `held` and `workspace` GB are gone."""
        network = self.sizes.network(self.known)
        fixed, each = vision_memory.parts(network, train=self.train, kind="fp16", optimizer="sgd")
        return max((self.device.usable_gb - workspace - fixed) / (each * held), 0.3)


def _sizes(row: dict[str, str]) -> Sizes | None:
    if not row["gmacs"]:
        return None
    return Sizes(row["model"], *(float(row[c]) for c in ("params_m", "gmacs", "macts", "img")))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read(folder: Path) -> list[Timed]:
    """Every timed row: inference on four cards and two processors, training on one card, NVIDIA's networks."""
    found = []
    for row in rows_of(folder / "timm_infer.csv"):
        sizes = _sizes(row)
        for column, (name, batch) in CARDS.items():
            if sizes and row[column]:
                device = accelerator(name)
                kind, size = ("fp16", float(row[batch] or 256)) if batch else ("fp32", 1.0)
                found.append(Timed(sizes, device, column, kind, size, False, float(row[column])))
    for row in rows_of(folder / "timm_train_rtx3090_amp.csv"):
        sizes = _sizes(row)
        if sizes:
            card, batch = accelerator("RTX 3090"), float(row["batch_fits"])
            found.append(Timed(sizes, card, "train", "fp16", batch, True, float(row["img_s_nchw"])))
    for row in rows_of(folder / "nvidia_examples.csv"):
        if row["model"] in NVIDIA and row["n_gpus"] == "1":
            sizes = Sizes(row["model"], *NVIDIA[row["model"]])
            device = accelerator(GPUS.get(row["gpu"], row["gpu"]))
            kind = "fp16" if "fp16" in row["precision"] else "tf32" if device.tf32_tflops else "fp32"
            train = row["task"] == "train"
            batch = float(row["batch"] or 128)
            found.append(Timed(sizes, device, "nvidia", kind, batch, train, float(row["throughput"])))
    return found


def lambda_rows(folder: Path) -> list[Timed]:
    """ResNet-50 on cards that nothing was fitted to; the table has no licence: looked at, never shipped."""
    if not (folder / "lambda_train.csv").exists():
        return []
    found = []
    for row in rows_of(folder / "lambda_train.csv"):
        if row["task"] == "resnet50" and row["n_gpus"] == "1" and row["precision"] == "amp fp16":
            device = accelerator(LAMBDA.get(row["gpu"], row["gpu"]))
            sizes = Sizes("resnet50v1.5", *NVIDIA["resnet50v1.5"])
            batch, speed = float(row["batch_total"]), float(row["throughput"])
            found.append(Timed(sizes, device, "lambda", "fp16", batch, True, speed))
    return found


def brackets(folder: Path) -> list[Bracket]:
    """Largest training batches on 24 GB, two-sided where the next one up failed."""
    card = accelerator("RTX 3090")
    found = []
    for row in rows_of(folder / "timm_train_rtx3090_amp.csv"):
        sizes = _sizes(row)
        if sizes:
            found.append(Bracket(sizes, card, float(row["batch_fits"]), float(row["batch_failed"] or np.inf)))
    return found
