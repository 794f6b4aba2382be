"""Every judged figure of the estimates on published measurements, beside the usual rules of thumb.

    python benchmarks/estimates.py [--hardware DIR]

DIR holds the tables of published measurements (default: `hardware` beside DEEPWORTH_DATA, or ../shared/hardware beside
the repository). Image networks are read four ways: as shipped; with efficiencies learned again without the network's
family; with the family also gone from the table of traced networks (what an unknown network meets); and with
efficiencies learned without the card.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import estimates_language
import numpy as np
from _vision_rows import HARDWARE, Bracket, Timed, brackets, lambda_rows, read
from fit_vision import Fit

from deepworth.cost import money, vision, vision_memory

FOLDS = 5  # of families
APART = 1.3  # times: pairs of cards closer than this in cost are not asked for their order
Key = tuple[str, str, float, bool, str]


def told(name: str, errors: Iterable[float], bar: str = "") -> None:
    """One line: median and 90th percentile of |predicted / measured - 1| of logarithms of ratios."""
    off = np.abs(np.expm1(np.array(list(errors))))
    middle, most = np.median(off), np.quantile(off, 0.9)
    print(f"  {name:<66} n={len(off):<5} median error {middle:6.1%}   90 % below {most:6.1%}   {bar}")


def memory(found: list[Bracket]) -> None:
    """Largest training batch on 24 GB: in the bracket of what ran and what failed."""
    print("largest training batch on 24 GB (share inside the measured bracket)")
    two, one = [b for b in found if np.isfinite(b.fails)], [b for b in found if not np.isfinite(b.fails)]
    held, workspace = vision_memory.HELD, vision_memory.WORKSPACE_GB

    def share(rows: list[Bracket], batch: Callable[[Bracket], float]) -> str:
        return f"{np.mean([b.runs <= np.floor(batch(b)) < b.fails for b in rows]):6.1%} of {len(rows)}"

    def thumb(bytes_a_parameter: float, passes: float) -> Callable[[Bracket], float]:
        return lambda b: (
            (b.device.mem_gb - bytes_a_parameter * b.sizes.params_m / 1e3) / (b.sizes.macts * 2e-3 * passes + 1e-9)
        )

    print(f"  {'deepworth':<66} {share(two, lambda b: b.largest(held, workspace))}   bar 80 %")
    unknown = [replace(b, known=False) for b in two]
    print(f"  {'deepworth, the family unknown to it':<66} {share(unknown, lambda b: b.largest(held, workspace))}")
    print(f"  {'deepworth, where the largest batch tried ran':<66} {share(one, lambda b: b.largest(held, workspace))}")
    for name, rule in (
        ("rule: 16 B a parameter, activations in half precision", thumb(16, 1)),
        ("rule: 16 B a parameter, activations and their gradients", thumb(16, 2)),
        ("rule: 16 B a parameter, twice that", thumb(16, 4)),
    ):
        print(f"  {name:<66} {share(two, rule)}")
    answers = [_asked(b.sizes.network(), b.device.name, b.runs, True) for b in two]
    fails = [_asked(b.sizes.network(), b.device.name, b.fails, True) for b in two]
    room = two[0].device.usable_gb
    inside = [a["peak_gb"]["low"] <= room <= f["peak_gb"]["high"] for a, f in zip(answers, fails, strict=True)]
    print(f"  {'24 GB inside low of what ran .. high of what failed':<66} {np.mean(inside):6.1%}")


def _asked(network: object, hardware: str, batch: float, train: bool, precision: str = "amp") -> dict:
    sizes = {name: getattr(network, name) for name in ("params_m", "gmacs", "macts", "img")}
    mode = "train" if train else "infer"
    return vision.answer({**sizes, "batch": batch, "mode": mode, "precision": precision, "hardware": hardware})


def times(rows: list[Timed], folder: Path) -> None:
    """Training on one card, inference on four cards and two processors, NVIDIA's networks on three."""
    gpus = [r for r in rows if r.device.kind != "cpu"]
    host = Fit([r for r in gpus if not r.train]).solve()
    for what, part in (
        ("training", [r for r in gpus if r.train and r.column == "train"]),
        ("inference", [r for r in gpus if not r.train and r.column != "nvidia"]),
    ):
        print(f"{what}: images a second")
        told("deepworth", (np.log(r.predict() / r.measured) for r in part), "bar 25 %")
        told("deepworth, efficiencies without the family", _families(part, gpus, host, known=True))
        told("deepworth, the family unknown to it", _families(part, gpus, host, known=False))
        peak = [r.peak * 1e12 / (r.sizes.gmacs * 2e9 * (3 if r.train else 1)) for r in part]
        share = np.median([r.measured / p for r, p in zip(part, peak, strict=True)])
        told(f"rule: {share:.0%} of the peak (the best constant)", _logs(share * np.array(peak), part))
        _coverage(part)
    print("inference by card, and with efficiencies learned without it")
    for column in dict.fromkeys(r.column for r in rows if not r.train):
        part = [r for r in rows if not r.train and r.column == column]
        told(column, (np.log(r.predict() / r.measured) for r in part))
        if part[0].device.kind != "cpu":
            told(f"{column}, never measured", _left_out(part, [r for r in gpus if not r.train]))
    told(
        "NVIDIA's networks, training",
        (np.log(r.predict() / r.measured) for r in gpus if r.train and r.column == "nvidia"),
    )
    checks = lambda_rows(folder)
    if checks:
        told(
            "ResNet-50, training, cards never fitted", (np.log(r.predict() / r.measured) for r in checks), "check only"
        )


def _logs(predicted: np.ndarray, rows: list[Timed]) -> np.ndarray:
    return np.log(predicted / np.array([r.measured for r in rows]))


def _families(part: list[Timed], gpus: list[Timed], host: Fit, *, known: bool) -> np.ndarray:
    """Errors of each fold of families by what the other folds teach."""
    groups = sorted({r.sizes.group for r in part})
    logs = []
    for fold in range(FOLDS):
        out = set(groups[fold::FOLDS])
        rest = [r for r in gpus if r.sizes.group not in out and r.train == part[0].train]
        fit = Fit(rest, cards=not part[0].train, known=host if part[0].train else None).solve()
        logs.append(fit.errors([replace(r, known=known) for r in part if r.sizes.group in out]))
    return np.concatenate(logs)


def _left_out(part: list[Timed], gpus: list[Timed]) -> np.ndarray:
    return Fit([r for r in gpus if r.device.name != part[0].device.name]).solve().errors(part)


def _coverage(part: list[Timed]) -> None:
    inside, width = [], []
    for row in part:
        network = row.sizes.network()
        span = _asked(network, row.device.name, row.batch, row.train)["items_per_second"]
        inside.append(span["low"] <= row.measured <= span["high"])
        width.append(span["high"] / span["low"])
    print(f"  {'inside low..high (meant: 90 %)':<66} {np.mean(inside):6.1%}   median high/low {np.median(width):.2f}")


def transfer(rows: list[Timed]) -> None:
    """A measurement on one card, moved to another by the ratio of two predictions."""
    print("transfer of a measurement between cards (bar 15 %)")
    gpus = [r for r in rows if not r.train and r.device.kind != "cpu"]
    without = {name: Fit([r for r in gpus if r.device.name != name]).solve() for name in _names(gpus)}
    pooled: dict[str, list[float]] = {"deepworth": [], "never": [], "peak": [], "bandwidth": []}
    for source, target in itertools.permutations(_names(gpus), 2):
        pairs = _pairs(gpus, source, target)
        if not pairs:
            continue
        a, b = [p[0] for p in pairs], [p[1] for p in pairs]
        truth = np.log([y.measured / x.measured for x, y in pairs])
        ours = np.log([y.predict() / x.predict() for x, y in pairs]) - truth
        never = without[target].errors(b) - np.log([x.predict() / x.measured for x in a])
        told(f"{source} to {target}", ours)
        told(f"{source} to {target}, never measured", never)
        pooled["deepworth"] += list(ours)
        pooled["never"] += list(never)
        pooled["peak"] += list(np.log([y.peak / x.peak for x, y in pairs]) - truth)
        pooled["bandwidth"] += list(np.log([y.device.bw_gbs / x.device.bw_gbs for x, y in pairs]) - truth)
    told("all pairs: deepworth", pooled["deepworth"], "bar 15 %")
    told("all pairs: deepworth, the target never measured", pooled["never"])
    told("all pairs: rule, ratio of the peaks", pooled["peak"])
    told("all pairs: rule, ratio of the bandwidths", pooled["bandwidth"])


def _names(rows: list[Timed]) -> list[str]:
    return list(dict.fromkeys(r.device.name for r in rows))


def _pairs(rows: list[Timed], source: str, target: str) -> list[tuple[Timed, Timed]]:
    """The same network, precision and (for NVIDIA's) batch on two cards; timm's batches differ by card."""
    found: dict[tuple, Timed] = {}
    for row in rows:
        if row.device.name == source and not row.column.endswith("pt291"):
            found[_same(row)] = row
    return [(found[_same(r)], r) for r in rows if r.device.name == target and _same(r) in found]


def _same(row: Timed) -> tuple:
    return row.sizes, row.train, row.batch if row.column == "nvidia" else None, row.kind, row.column == "nvidia"


def order(rows: list[Timed]) -> None:
    """Which of two cards makes an epoch cheaper, where the measurements are more than 1.3x apart."""
    right: dict[str, list[bool]] = {"deepworth": [], "peak": [], "price": []}
    gpus = [r for r in rows if r.device.kind != "cpu"]
    usd = {name: rate.likely for name in _names(gpus) if (rate := money.usd_per_hour(name, 1)) is not None}
    for source, target in itertools.combinations([n for n in _names(gpus) if n in usd], 2):
        price = np.log(usd[target] / usd[source])
        for x, y in _pairs(gpus, source, target):
            truth = price - np.log(y.measured / x.measured)
            if abs(truth) > np.log(APART):
                right["deepworth"].append(truth * (price - np.log(y.predict() / x.predict())) > 0)
                right["peak"].append(truth * (price - np.log(y.peak / x.peak)) > 0)
                right["price"].append(truth * price > 0)
    print(f"order of {len(usd)} cards by dollars an epoch ({len(right['deepworth'])} pairs over {APART}x apart)")
    for name, bar in (("deepworth", "   bar 90 %"), ("peak", ""), ("price", "")):
        label = {"peak": "rule: by peak a dollar", "price": "rule: the cheapest hour"}.get(name, name)
        print(f"  {label:<66} {np.mean(right[name]) if right[name] else float('nan'):6.1%}{bar}")


def main() -> None:
    """Language models first, then image networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hardware", type=Path, default=HARDWARE)
    folder = parser.parse_args().hardware
    if not (folder / "timm_infer.csv").exists():
        print(f"no published measurements in {folder}: set DEEPWORTH_DATA or give --hardware; nothing was measured")
        return
    print("language models", flush=True)
    estimates_language.main()
    print("\nimage networks", flush=True)
    rows = read(folder)
    memory(brackets(folder))
    times(rows, folder)
    transfer(rows)
    order(rows)


if __name__ == "__main__":
    main()
