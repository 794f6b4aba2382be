"""Estimates of language models against published measurements, beside the usual rules of thumb.

    python benchmarks/estimates_language.py [--hardware DIR]

DIR holds memory_llm.csv, throughput_llm.csv and prices.csv (default: `hardware` beside DEEPWORTH_DATA, or
../shared/hardware beside the repository). Three readings: with all that a row tells, with the fields of a request
alone, and with the sizes of the parts fitted again on the other families of models (what an unseen family meets).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from deepworth.cost import language, language_memory, language_setup, language_time
from deepworth.cost.catalogue import accelerator
from deepworth.cost.dims import find

DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[2] / "shared" / "data")
Row = dict[str, str]
FIELDS = [
    "model", "task", "method", "precision", "quant", "optimizer", "micro_batch", "seq_len", "grad_ckpt", "trainable",
    "n_gpus", "gpu", "sharding", "params", "grad_accum", "global_batch", "act_offload",
]  # fmt: skip
FIXED = ("weights", "casts", "gathered", "gradients", "states", "step", "cache")  # exact by arithmetic
PREDICTED = ("mem", "outcome", "speed", "tok_s", "tok_s_gpu")


def rows(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(newline="") as lines:
        return list(csv.DictReader(lines))


def family(row: Row) -> str:
    """The family of models that a row belongs to: mpt, llama-2, llama-3, qwen, ..."""
    return "-".join(row["model"].split("-")[: 2 if row["model"].startswith("llama") else 1]).split(".")[0]


def asked(row: Row, bare: bool) -> dict[str, Any]:
    """The request of a row; bare: the fields of a request, and the base of the unit."""
    if not bare:
        return {key: value for key, value in row.items() if key not in PREDICTED}
    request = {key: row[key] for key in FIELDS if key in row}
    return request | {"unit": "GiB" if row.get("unit") == "GiB" else "GB"}


def refitted(known: np.ndarray, parts: np.ndarray, truth: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Prediction over truth of every row: what is known, and the columns of `parts` weighted by what fits other groups.

    known, truth (rows,) and parts (rows, columns) in one unit; weights are least squares of the relative error, none
    negative.
    """
    ratio = np.zeros(len(truth))
    for group in set(groups):
        here = groups == group
        weights, _ = nnls(parts[~here] / truth[~here, None], 1 - known[~here] / truth[~here])
        ratio[here] = (known[here] + parts[here] @ weights) / truth[here]
    return ratio


def told(name: str, ratio: Iterable[float], bar: str = "") -> None:
    """One line: quantiles of predicted over measured, and the median error."""
    values = np.asarray(list(ratio))
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    error = np.median(np.abs(values - 1))
    print(f"{name:<58} n={len(values):<4} {low:5.2f} {middle:5.2f} {high:5.2f}   median error {error:6.1%}   {bar}")


def memory(table: list[Row]) -> None:
    ran = [row for row in table if row["outcome"] == "ok"]
    for bare in (False, True):
        answers = [language.answer(asked(row, bare)) for row in ran]
        truth = np.array([float(row["mem"]) for row in ran])
        peaks = [answer["peak_gb"] for answer in answers]
        name = "memory, fields of a request alone" if bare else "memory, all that the row tells"
        told(name, (peak["likely"] / true for peak, true in zip(peaks, truth, strict=True)), "bar 10 %")
        inside = np.mean([peak["low"] <= true <= peak["high"] for peak, true in zip(peaks, truth, strict=True)])
        width = np.median([peak["high"] / peak["low"] for peak in peaks])
        broke = [language.answer(asked(row, bare))["fits"] for row in table if row["outcome"] == "oom"]
        refused = np.mean([answer["fits"] is False for answer in answers])
        print(f"  inside the interval {inside:.0%} (bar 90 %), median high/low {width:.2f} (bar 1.5)")
        print(f"  out of memory said to fit {sum(map(bool, broke))} of {len(broke)} (bar 0), ", end="")
        print(f"ran but said not to fit {refused:.1%} (bar 10 %)")
    known, parts, truth = [], [], []
    for row in ran:
        sizes = language_memory.peak(language_setup.read(asked(row, bare=False)))
        known.append(sum(size for part, size in sizes.items() if part in FIXED))
        parts.append([sizes.get(part, 0.0) for part in ("activations", "logits", "workspace")])
        truth.append(float(row["mem"]) * (2**30 if row["unit"] == "GiB" else 1e9))
    groups = {"family of models": family, "device": lambda row: row["gpu"], "publication": lambda row: row["src"]}
    for name, group in groups.items():
        ratio = refitted(*map(np.array, (known, parts, truth, [group(row) for row in ran])))
        told(f"memory, {name} left out", ratio)
    for name, rule, kind in RULES:
        kept = [row for row in ran if kind(row)]
        true = [float(row["mem"]) * (2**30 if row["unit"] == "GiB" else 1e9) for row in kept]
        told(f"  rule of thumb: {name}", (rule * find(r["model"]).total / t for r, t in zip(kept, true, strict=True)))


def _is(**wanted: Any) -> Callable[[Row], bool]:
    def kind(row: Row) -> bool:
        method = row["method"].removeprefix("peft:")
        infer = row["task"] == "infer"
        seen = {"infer": infer, "quant": bool(row["quant"]), "full": method == "full" and not infer}
        return all(seen[key] == value for key, value in wanted.items())

    return kind


RULES = (
    ("bf16 inference, 2 B x P", 2.0, _is(infer=True, quant=False)),
    ("bf16 inference, 2 B x P x 1.2", 2.4, _is(infer=True, quant=False)),
    ("4-bit inference, 0.5 B x P", 0.5, _is(infer=True, quant=True)),
    ("LoRA and adapters, 2 B x P x 1.2", 2.4, _is(infer=False, full=False, quant=False)),
    ("QLoRA, 0.5 B x P x 1.2", 0.6, _is(infer=False, full=False, quant=True)),
    ("full training, 16 B x P", 16.0, _is(full=True)),
    ("full training, 8 B x P (accelerate)", 8.0, _is(full=True)),
)


def speed(table: list[Row], prices: list[Row]) -> None:
    kept = [row for row in table if row["tok_s_gpu"]]
    true = np.array([float(row["tok_s_gpu"]) * int(row["n_gpus"]) for row in kept])
    for bare in (False, True):
        rates = [language.answer(asked(row, bare))["items_per_second"] for row in kept]
        told(
            f"step time, {'fields of a request alone' if bare else 'all that the row tells'}",
            (truth / rate["likely"] for truth, rate in zip(true, rates, strict=True)),
            "bar 12 %",
        )
        inside = np.mean([rate["low"] <= truth <= rate["high"] for truth, rate in zip(true, rates, strict=True)])
        width = np.median([rate["high"] / rate["low"] for rate in rates])
        print(f"  inside the interval {inside:.0%}, median high/low {width:.2f}")
    parts, seconds = [], []
    for row, rate in zip(kept, true, strict=True):
        setup, device = language_setup.read(asked(row, bare=False)), accelerator(row["gpu"])
        sizes = language_time.step(setup, device)
        new = device.arch.startswith("Hopper")
        columns = [sizes[part] * (new == side) for part in ("products", "attention") for side in (True, False)]
        parts.append([*columns, sizes["traffic"], sizes["exchange"]])
        seconds.append(language_time.tokens(setup) / rate)
    for name, keys in (("model", ("model",)), ("model on a device", ("model", "gpu"))):
        groups = np.array([" ".join(row[key] for key in keys) for row in kept])
        ratio = refitted(np.zeros(len(kept)), np.array(parts), np.array(seconds), groups)
        told(f"step time, {name} left out", ratio)
    told("  rule of thumb: 40 % of peak", (_constant(row, rate) for row, rate in zip(kept, true, strict=True)))
    order(kept, prices)


def tuning(table: list[Row]) -> None:
    """Fine-tuning and generation, of which the publications print the speed beside the memory."""
    groups: dict[str, list[float]] = {}
    for row in table:
        if row["outcome"] != "ok" or not row["speed"] or row["gpu"] in language.NOT_NAMED:
            continue
        setup = language_setup.read(asked(row, bare=False))
        seconds = sum(language_time.step(setup, accelerator(row["gpu"])).values())
        groups.setdefault(row["src"], []).append(seconds / _measured(row, setup))
    for source, ratio in groups.items():
        told(f"step time of tuning and generation, {source}", ratio)
    told("step time of tuning and generation, all", itertools.chain(*groups.values()))


def _measured(row: Row, setup: language_setup.Setup) -> float:
    """Seconds of an optimiser step, or of a token, from a printed speed."""
    value, unit = float(row["speed"]), row["speed_unit"]
    if unit == "tok/s":
        return language_time.tokens(setup) / value
    if unit.startswith("min/1000"):
        return value * 60 / 1000 * setup.accumulate
    if unit.startswith("min total"):
        epochs, examples = (int(number) for number in re.findall(r"\d+", unit))
        return value * 60 / (epochs * examples / setup.micro_batch) * setup.accumulate
    return value / 1000 if unit.startswith("ms") else value


def _constant(row: Row, rate: float) -> float:
    """Predicted over measured seconds at 40 % of the peak, 6 FLOPs a parameter and 12 L h s of attention."""
    model = language_setup.read(asked(row, bare=False))
    flops = 6 * model.model.total + 12 * model.model.layers * model.model.hidden * model.seq_len
    peak = accelerator(row["gpu"]).bf16_tflops or 0.0
    return rate * flops / (0.4 * peak * 1e12 * int(row["n_gpus"]))


def order(kept: list[Row], prices: list[Row]) -> None:
    """How often the cheaper of two devices for the same run is told, on pairs more than 1.3 times apart."""
    dollars = {row["accelerator"]: float(row["usd_per_accel_hour"]) for row in prices if row["provider"] == "AWS"}
    right = total = 0
    for one, two in itertools.combinations(kept, 2):
        same = all(one[key] == two[key] for key in ("model", "seq_len", "n_gpus", "src"))
        names = [accelerator(row["gpu"]).name for row in (one, two)]
        if not same or names[0] == names[1] or not all(name in dollars for name in names):
            continue
        cost = [dollars[name] / float(row["tok_s_gpu"]) for name, row in zip(names, (one, two), strict=True)]
        if not 1 / 1.3 < cost[0] / cost[1] < 1.3:
            rates = [language.answer(asked(row, bare=True))["items_per_second"]["likely"] for row in (one, two)]
            guess = [dollars[name] / rate for name, rate in zip(names, rates, strict=True)]
            total += 1
            right += (cost[0] < cost[1]) == (guess[0] < guess[1])
    print(f"order of devices by dollars a token: {right} of {total} pairs right (bar 90 %)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hardware", type=Path, default=DATA.parent / "hardware")
    folder = parser.parse_known_args()[0].hardware
    print("predicted / measured:" + " " * 45 + "5 %   50 %  95 %")
    memory(rows(folder, "memory_llm.csv"))
    speed(rows(folder, "throughput_llm.csv"), rows(folder, "prices.csv"))
    tuning(rows(folder, "memory_llm.csv"))


if __name__ == "__main__":
    main()
