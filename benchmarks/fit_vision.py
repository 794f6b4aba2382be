"""Learns the efficiencies in src/deepworth/cost/vision_time.py and vision_memory.py from published measurements.

    python benchmarks/fit_vision.py [--hardware DIR]

DIR: timm_infer.csv, timm_train_rtx3090_amp.csv and nvidia_examples.csv (default: `hardware` beside DEEPWORTH_DATA).
Prints the constants to put there; nothing is written. Times are fitted in logarithms, with a loss that outliers do not
rule; a card's own factors are drawn towards 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _vision_rows import HARDWARE, Timed, brackets, read
from scipy.optimize import least_squares

from deepworth.cost.vision_time import TERMS

START = np.log([0.85, 1.08, 18.0, 2.5, 1.7, 0.3, 3.5, 0.85, 8.0])
DRAWN = 0.05  # spread of a card's own factors, as logarithms, that is believed before looking


class Fit:
    """Prices of the terms, TFLOP/s a watt, microseconds a launch, and two factors a card; all as logarithms."""

    def __init__(self, rows: list[Timed], *, cards: bool = True, known: Fit | None = None) -> None:
        self.host = known.found[9:11] if known else None
        self.given = known.own() if known else {}
        self.cards = sorted({row.device.name for row in rows}) if cards else []
        self._look(rows)

    def _look(self, rows: list[Timed]) -> None:
        self.rows = rows
        self.at_peak = np.array([row.terms() for row in rows])
        self.peak = np.array([row.peak for row in rows]) * 1e12
        self.power = np.array([row.device.tdp_w or 0 for row in rows])
        self.launches = np.array([row.launches for row in rows])
        self.card = np.array([self.cards.index(r.device.name) if r.device.name in self.cards else -1 for r in rows])
        self.truth = np.log([row.seconds for row in rows])
        self.limited = np.array([row.kind != "fp32" and row.device.kind != "cpu" for row in rows])

    def errors(self, rows: list[Timed]) -> np.ndarray:
        """Logarithms of predicted over measured images a second of other rows, (rows,)."""
        self._look(rows)
        return self.truth - self.predict(self.found)

    def start(self) -> np.ndarray:
        return np.concatenate([START, np.log([0.54, 30.0]), np.zeros(2 * len(self.cards))])

    def predict(self, p: np.ndarray) -> np.ndarray:
        """Logarithms of seconds, (rows,)."""
        watts, launch = p[9:11] if self.host is None else self.host
        capped = (self.peak**-4.0 + (np.exp(watts) * 1e12 * np.maximum(self.power, 1)) ** -4.0) ** -0.25
        slow = np.where(self.limited, self.peak / capped, 1.0)
        own = np.vstack([p[11:].reshape(-1, 2), [[0.0, 0.0]]])[self.card]  # the last: a card without factors
        own += np.log([self.given.get(row.device.name, (1.0, 1.0)) for row in self.rows])
        priced = self.at_peak * np.exp(p[:9])
        device = priced[:, :2].sum(1) * slow * np.exp(own[:, 0]) + priced[:, 2] * np.exp(own[:, 0])
        device += priced[:, 3:].sum(1) * np.exp(own[:, 1])
        return 0.25 * np.log(device**4 + (self.launches * np.exp(launch) * 1e-6) ** 4)

    def own(self) -> dict[str, tuple[float, float]]:
        """The factors of every card that was fitted."""
        return {name: (a, b) for name, (a, b) in zip(self.cards, np.exp(self.found[11:]).reshape(-1, 2), strict=True)}

    def solve(self) -> Fit:
        """Find `found`."""
        names = [row.device.name for row in self.rows]
        alike = len(self.cards) > 2  # one card's hundreds of rows shall not drown the others' dozens
        weight = np.sqrt([min(8.0, len(names) / 8 / names.count(name)) if alike else 1.0 for name in names])

        def misses(p: np.ndarray) -> np.ndarray:
            return np.concatenate(
                [(self.predict(p) - self.truth) * weight / 0.1, p[11:] / DRAWN, (p[:11] - self.start()[:11]) / 3]
            )

        self.found = least_squares(misses, self.start(), loss="soft_l1").x
        return self

    def tell(self) -> None:
        p = self.found
        errors = np.abs(np.expm1(self.predict(p) - self.truth))
        print(
            f"  {len(self.truth)} rows, median error {np.median(errors):.1%}, 90 % below {np.quantile(errors, 0.9):.1%}"
        )
        print("  PRICES:", tuple(round(float(v), 3) for v in np.exp(p[:9])), TERMS)
        if self.host is None and self.launches.any():
            print(f"  WATTS {np.exp(p[9]):.3f}  LAUNCH_US {np.exp(p[10]):.1f}")
        for name, (arithmetic, moving) in self.own().items():
            print(f"  CARDS {name}: ({arithmetic:.3f}, {moving:.3f})")


def memory(folder: Path) -> None:
    """Bytes a traced byte costs, by the likelihood of the brackets (largest batch that ran, next one that failed)."""
    found = brackets(folder)
    lower, upper = (np.array([getattr(row, side) for row in found]) for side in ("runs", "fails"))

    def loss(p: np.ndarray) -> float:
        batch = np.array([row.largest(np.exp(p[0]), np.exp(p[1])) for row in found])
        spread = np.exp(p[2])
        inside = _normal(np.log(upper / batch) / spread) - _normal(np.log(lower / batch) / spread)
        usual = (p[1] - np.log(0.5)) / 0.2  # the two trade places along a ridge: the workspace is held near 0.5 GB
        return float(usual**2 / 2 - np.log(np.maximum(inside, 0.05)).sum())

    from scipy.optimize import minimize

    best = minimize(loss, np.log([1.1, 0.5, 0.1]), method="Nelder-Mead").x
    batch = np.array([row.largest(np.exp(best[0]), np.exp(best[1])) for row in found])
    two_sided = np.isfinite(upper)
    inside = (np.floor(batch) >= lower) & (np.floor(batch) < upper)
    print(f"  HELD {np.exp(best[0]):.3f}  WORKSPACE_GB {np.exp(best[1]):.3f}  SPREAD {np.exp(best[2]):.3f}")
    print(
        f"  inside the bracket {inside[two_sided].mean():.1%} of {two_sided.sum()}; "
        f"where the largest ran {inside[~two_sided].mean():.1%}"
    )


def _normal(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(z)


def main() -> None:
    """Fit inference on every card, then training with the power limit found there, then CPUs and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hardware", type=Path, default=HARDWARE)
    folder = parser.parse_args().hardware
    if not (folder / "timm_infer.csv").exists():
        print(f"no published measurements in {folder}: set DEEPWORTH_DATA or give --hardware; nothing was fitted")
        return
    rows = read(folder)
    print("infer")
    host = Fit([r for r in rows if not r.train and r.device.kind != "cpu"]).solve()
    host.tell()
    print("train")
    Fit([r for r in rows if r.train], cards=False, known=host).solve().tell()
    print("cpu")
    Fit([r for r in rows if r.device.kind == "cpu"]).solve().tell()
    print("memory")
    memory(folder)


if __name__ == "__main__":
    main()
