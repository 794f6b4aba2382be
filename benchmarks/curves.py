"""Whether learning curves keep their word: two models of known power laws, measured and projected as a verdict does.

    python benchmarks/curves.py [--repeats 40] [--seed 0]

Of each pair of laws and each number of test rows, 3 draws of 5 nested sizes are measured on the same test rows, whose
difficulty the models share; draws differ by 3 %. Printed, with the spread of the draws alone and with that of the test
rows besides: the share of 95 % intervals of what twice the rows give that hold the truth, how often a crossing is
called reliable, and how often that interval holds the true one. It ends with code 1 where, with both, fewer than 90 %
of the first or of ten and more of the second do.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from deepworth.metrics.curves import PowerLaws, crossing, deviations, gain_of_more_rows, resampled_errors
from deepworth.metrics.scores import METRICS

SIZES = np.array([500, 1000, 2000, 4000, 8000])
DRAWS, SPREAD = 3, 0.03
SHARED, OWN = 0.64, 0.16  # of the variance of what makes a row hard: for both models, and for one of them
LEAST, FEWEST = 0.9, 10
PAIRS = {
    "crossing beyond": ((0.12, 3.0, 0.5), (0.08, 12.0, 0.55)),
    "crossing within": ((0.05, 1.0, 0.3), (0.02, 3.0, 0.4)),
    "no crossing": ((0.12, 3.0, 0.5), (0.13, 3.0, 0.5)),
}


@dataclass
class Tally:
    held: int = 0
    reliable: int = 0
    true: int = 0

    def add(self, drawn: np.ndarray, gain: float, where: float) -> None:
        """Count (1 + resamples, 2, sizes) errors whose true gain of twice the rows and crossing are known."""
        low, high = np.quantile(gain_of_more_rows(SIZES, drawn[:, 0], SIZES[-1])[1], [0.025, 0.975])
        found = crossing(SIZES, drawn[:, 0], drawn[:, 1])
        self.held += bool(low <= gain <= high)
        self.reliable += found.reliable
        self.true += found.reliable and found.low <= where <= found.high


def measured(laws: PowerLaws, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(draws, 2, sizes) errors on as many test rows, and the (resamples, draws, 2, sizes) deviations of other rows."""
    share = laws.at(SIZES) * (1 + SPREAD * random.standard_normal((DRAWS, 2, len(SIZES))))
    hard = SHARED**0.5 * random.standard_normal(rows)
    hard = hard + OWN**0.5 * random.standard_normal((1, 2, 1, rows))
    hard = hard + (1 - SHARED - OWN) ** 0.5 * random.standard_normal((*share.shape, rows))
    wrong = hard < ndtri(np.clip(share, 1e-6, 1 - 1e-6))[..., None]
    said = np.eye(2)[wrong.reshape(-1, rows).astype(int)]
    noise = deviations(METRICS["accuracy"], np.zeros(rows, int), list(said))
    return wrong.mean(-1), noise.reshape(-1, *share.shape)


def truth(laws: PowerLaws) -> tuple[float, float]:
    """What twice the largest size takes of the first one's error, and from when on the second one has the smaller."""
    now, more = laws.at(np.array([SIZES[-1], 2 * SIZES[-1]], float))[0]
    grid = np.geomspace(SIZES[0], 10 * SIZES[-1], 4000)
    ahead = np.subtract(*laws.at(grid)) > 0
    return 1 - more / now, float(grid[ahead.argmax()]) if ahead[-1] else math.inf


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        f"{'laws':<16} {'test rows':>9}  {'spread of':<15} {'doubling held':>13} {'crossings':>9} {'of these held':>13}"
    )
    wrong = 0
    for name, pair in PAIRS.items():
        laws = PowerLaws(*(np.array(constants) for constants in zip(*pair, strict=True)))
        gain, where = truth(laws)
        for rows in (400, 4000):
            tallies = {"draws": Tally(), "draws and rows": Tally()}
            for repeat in range(options.repeats):
                errors, noise = measured(laws, rows, np.random.default_rng([options.seed, repeat]))
                for of, tally in zip((None, noise), tallies.values(), strict=True):
                    tally.add(resampled_errors(errors, 250, of_rows=of), gain, where)
            for spread, tally in tallies.items():
                held, true = tally.held / options.repeats, tally.true / max(tally.reliable, 1)
                print(
                    f"{name:<16} {rows:>9,}  {spread:<15} {held:>13.0%} {tally.reliable:>9} {true:>13.0%}", flush=True
                )
            wrong += held < LEAST or (tally.reliable >= FEWEST and true < LEAST)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
