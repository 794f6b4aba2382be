"""What an image network computes and moves for one image, from its four published sizes or its name."""

from __future__ import annotations

import csv
import difflib
import functools
import math
import re
from importlib import resources
from typing import Any

import numpy as np

from deepworth.errors import UserError
from deepworth.types import record

SIZES = {"t": "tiny", "ti": "tiny", "s": "small", "b": "base", "l": "large", "h": "huge"}  # as papers shorten them
ELSEWHERE = {  # names of torchvision and of the hub that no rule turns into timm's
    "mobilenet_v2": "mobilenetv2_100", "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenet_v3_small": "mobilenetv3_small_100", "mnasnet1_0": "mnasnet_100", "mnasnet0_5": "mnasnet_050",
    "maxvit_t": "maxvit_tiny_tf_224", "swin_v2_t": "swinv2_tiny_window8_256", "swin_v2_s": "swinv2_small_window8_256",
    "swin_v2_b": "swinv2_base_window8_256", "efficientnet_v2_s": "efficientnetv2_s",
    "efficientnet_v2_m": "efficientnetv2_m", "efficientnet_v2_l": "efficientnetv2_l",
    "regnet_y_400mf": "regnety_004", "regnet_y_800mf": "regnety_008", "regnet_y_1_6gf": "regnety_016",
    "regnet_y_3_2gf": "regnety_032", "regnet_y_8gf": "regnety_080", "regnet_y_16gf": "regnety_160",
    "regnet_y_32gf": "regnety_320", "dinov2_small": "vit_small_patch14_dinov2",
    "dinov2_base": "vit_base_patch14_dinov2", "dinov2_large": "vit_large_patch14_dinov2",
    "clip_vit_base_patch32": "vit_base_patch32_clip_224", "clip_vit_base_patch16": "vit_base_patch16_clip_224",
    "clip_vit_large_patch14": "vit_large_patch14_clip_224",
}  # fmt: skip
NEIGHBOURS = 20
SAME = (5e-4, 0.08, 0.06)  # closer than this in the logarithms of parameters, multiply-adds and activations, beyond
# the rounding of what was asked, it is the network itself: counters differ by what they take normalisation for
BLUR = 0.1  # distances below it weigh alike
BOUNDS = {"params_m": (1e-3, 1e8), "gmacs": (1e-6, 1e9), "macts": (1e-6, 1e9), "img": (1.0, 1e5)}  # of what is asked
FLOPS = ("gmacs", "group_gmacs", "depth_gmacs")
COUNTS = ("kernels", "train_kernels")
MOVED = (
    *("conv_mb", "mm_mb", "depth_mb", "group_mb", "rest_mb", "peak_mb"),
    *("train_conv_mb", "train_mm_mb", "train_depth_mb", "train_group_mb", "train_rest_mb"),
    *("train_saved_mb", "train_peak_mb"),
)  # fmt: skip


@record
class Network:
    """Sizes of a network, and its work for one image in mixed precision (units as in the columns' names)."""

    params_m: float
    gmacs: float  # forward pass, 1e9 multiply-adds
    macts: float  # forward pass, 1e6 elements that products give
    img: float
    work: dict[str, float]  # group_gmacs, depth_gmacs, kernels, MB moved by class of operator, MB held
    like: tuple[str, ...]  # the names it was recognised as, or the nearest ones
    apart: float  # distance to the nearest one, in logarithms of the sizes; 0: recognised


@functools.cache
def table() -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Names, and the other columns of tables/vision_models.csv, (networks,) float64 each.

    Made by benchmarks/_vision_table.py: the networks of timm (Apache-2.0), traced on the meta device; no measurement.
    """
    with resources.files("deepworth.cost").joinpath("tables/vision_models.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "name"}
    return tuple(row["name"] for row in rows), columns


def find(request: dict[str, Any]) -> Network:
    """The network of a request: by `params_m`, `gmacs`, `macts` and `img`, or else by `model`. Raises UserError."""
    if request.get("gmacs") is None or request.get("params_m") is None:
        return named(request)
    img = _positive(request, "img") if request.get("img") is not None else 224.0
    gmacs, params = _positive(request, "gmacs"), _positive(request, "params_m")
    macts = _positive(request, "macts") if request.get("macts") is not None else None
    return like(params, gmacs, macts, img)


def named(request: dict[str, Any]) -> Network:
    """The network called `model`, at its own image size or at `img`. Raises UserError with the nearest names."""
    names, columns = table()
    asked = str(request.get("model") or "")
    if not asked:
        raise UserError("a network is told by params_m, gmacs, macts and img, or by its name in `model`")
    name = _spelled(asked, names)
    places = [i for i, known in enumerate(names) if known == name]
    if not places:
        close = near(asked)
        hint = f"; near it are {', '.join(close)}" if close else ""
        raise UserError(f"no image network {asked!r} is in the table{hint}; or give params_m, gmacs, macts and img")
    img = _positive(request, "img") if request.get("img") is not None else float(columns["img"][places[0]])
    place = min(places, key=lambda i: abs(columns["img"][i] - img))
    size = float(img / columns["img"][place]) ** 2
    work = {c: float(columns[c][place]) * (1 if c in COUNTS else size) for c in (*FLOPS[1:], *COUNTS, *MOVED)}
    sizes = {c: float(columns[c][place]) * size for c in ("gmacs", "macts")}
    return Network(params_m=float(columns["params_m"][place]), img=img, work=work, like=(name,), apart=0.0, **sizes)


def like(
    params_m: float, gmacs: float, macts: float | None, img: float, without: frozenset[str] = frozenset()
) -> Network:
    """A network of these sizes, taken as the weighted mean of the traced networks whose sizes are nearest.

    Distances are logarithms of parameters, multiply-adds a pixel and activations a pixel, less what rounding hides;
    weights their inverse squares. A network that is in the table is itself. `without` leaves names out.
    """
    names, columns = table()
    gaps = [_gap(params_m, columns["params_m"], 1.0), _gap(gmacs, columns["gmacs"], (img / columns["img"]) ** 2)]
    if macts is not None:
        gaps.append(_gap(macts, columns["macts"], (img / columns["img"]) ** 2))
    far = np.sqrt(sum(gap**2 for gap in gaps)) + 0.02 * np.abs(np.log(img / columns["img"]))  # its own size first
    if without:
        far = np.where(np.isin(names, list(without)), np.inf, far)
    near = np.argsort(far, kind="stable")[:NEIGHBOURS]
    apart = float(far[near[0]])
    told = len(str(params_m).partition(".")[2])  # decimals: "25.6" is any of 25.55 to 25.65
    limits = (max(SAME[0], 0.06 / params_m if told < 2 else 0.0), *SAME[1:])
    same = [int(i) for i in near if all(gap[i] < most for gap, most in zip(gaps, limits, strict=False)) and far[i] < 1]
    if same:

        def plainest(i: int) -> tuple[float, bool, float, int, str]:
            """By parameters, which are exact; traced at this size; by the other sizes; then the shortest name."""
            params = round(gaps[0][i], 5) if told > 1 else 0.0
            return params, columns["img"][i] != img, round(far[i], 3), len(names[i]), names[i]

        apart, near = 0.0, np.array([min(same, key=plainest)])
    weights = 1 / (far[near] ** 2 + BLUR**2)
    weights /= weights.sum()
    if macts is None:
        macts = gmacs * float(np.exp(weights @ np.log(columns["macts"][near] / columns["gmacs"][near])))
    scale = {"gmacs": gmacs / columns["gmacs"][near], "macts": macts / columns["macts"][near]}
    work = {c: float(weights @ (columns[c][near] * scale["gmacs"])) for c in FLOPS[1:]}
    work |= {c: float(weights @ columns[c][near]) for c in COUNTS}
    work |= {c: float(weights @ (columns[c][near] * scale["macts"])) for c in MOVED}
    return Network(
        params_m=params_m, gmacs=gmacs, macts=macts, img=img, work=work, like=tuple(names[i] for i in near[:3]),
        apart=apart,
    )  # fmt: skip


def _gap(asked: float, known: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """How far apart two sizes are, in logarithms, beyond what two decimals can tell."""
    return np.maximum(np.abs(np.log(asked / (known * scale))) - math.log1p(0.006 / asked), 0.0)


def _spelled(asked: str, names: tuple[str, ...]) -> str:
    """The name in timm's words of what is called so elsewhere: google/vit-base-patch16-224, ViT-B/16, resnet-50."""
    tail = asked.rpartition("/")[2]
    name = re.sub(r"[\s/-]+", "_", (asked if tail.isdecimal() else tail).lower().split(".")[0])
    if name in names or name in ELSEWHERE:
        return ELSEWHERE.get(name, name)
    words = [SIZES.get(word, word) for word in name.split("_")]
    if words[0] == "vit":
        words = [f"patch{word}" if word.isdecimal() and place == 2 else word for place, word in enumerate(words)]
        words += ["patch14" if words[-1] == "huge" else "patch16"] * (len(words) == 2 and words[-1] in SIZES.values())
    joined = "_".join(words)
    alike = [known for known in names if known.replace("_", "") == joined.replace("_", "")]
    longer = sorted((known for known in names if known.startswith(f"{joined}_")), key=len)
    return (*alike, *longer, name)[0] if len(words) > 1 else name


def near(asked: str) -> list[str]:
    """The names nearest to what was asked for, of the same family where there is one: vit, resnet, convnext."""
    names, _ = table()
    name = _spelled(asked, names)
    family = re.sub(r"[^a-z].*", "", name)
    alike = [known for known in names if len(family) > 2 and known.startswith(family)]
    alike = [known for known in alike if known.startswith(f"{family}_")] or alike
    return difflib.get_close_matches(name, alike or names, n=4, cutoff=0.0 if alike else 0.6)


def _positive(request: dict[str, Any], field: str) -> float:
    try:
        value = float(request[field])
    except (TypeError, ValueError):
        value = math.nan
    least, most = BOUNDS[field]
    if not least <= value <= most:
        raise UserError(f"{field} is {request[field]!r}: give a number from {least:g} to {most:g}")
    return value
