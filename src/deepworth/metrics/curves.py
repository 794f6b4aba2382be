"""Learning curves: power laws of errors on nested subsets, what more data gives, and where two curves cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.special import ndtri

from deepworth.metrics.scores import Metric
from deepworth.metrics.sums import sums

EXPONENTS = np.linspace(0.05, 1.5, 59)  # of the power law that are tried: learners lie between (Viering and Loog 2022)
LEAST_SIZES = 4  # a law with three constants through three sizes fits anything
LEAST_SEEDS = 3
FAR = 10.0  # times the largest size that was measured: no projection reaches further
AGREE = 0.95  # share of the resampled pairs of curves that must cross for a crossing to be believed
BUNDLES = 1000  # test rows are resampled in so many random bundles where there are more
ENOUGH_ROWS = 20_000  # test rows, of whole bundles or groups, that say how much others would differ
FEWEST_UNITS = 100  # of which some stand for all
WIDEST = 10.0  # times its lower end that the upper end of a crossing may be


@dataclass(frozen=True)
class PowerLaws:
    """error(n) = a + b n^-c, a >= 0 and b >= 0; one law an element of the arrays."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray

    def at(self, rows: np.ndarray | float) -> np.ndarray:
        """(laws, sizes) errors; (laws, 1) for a single size."""
        return self.a[:, None] + self.b[:, None] * np.atleast_1d(rows)[None] ** -self.c[:, None]


@dataclass(frozen=True, kw_only=True)
class Projected:
    """A value that was projected, and the interval of it; `why_not` says why it is not reliable where it is not."""

    value: float
    low: float
    high: float
    why_not: str = ""

    @property
    def reliable(self) -> bool:
        return not self.why_not


def fit_power_laws(sizes: np.ndarray, errors: np.ndarray) -> PowerLaws:
    """The laws nearest to (laws, sizes) errors in relative squares; the form is that of Cortes et al. (1993).

    For every exponent the other two constants are a least-squares problem of their own (Golub and Pereyra 1973); where
    one of them would be negative it is 0. Raises ValueError for fewer than LEAST_SIZES different sizes.
    """
    if len(np.unique(sizes)) < LEAST_SIZES:
        raise ValueError(f"a power law needs {LEAST_SIZES} sizes, not {len(np.unique(sizes))}")
    unit = float(np.max(sizes))
    weights = 1 / np.maximum(errors, 1e-12 + 1e-3 * errors.max(1, keepdims=True)) ** 2
    best = np.full(len(errors), np.inf)
    a, b, c = (np.zeros(len(errors)) for _ in range(3))
    total = weights.sum(1)
    mean = (weights * errors).sum(1) / total
    for exponent in EXPONENTS:
        x = (sizes / unit) ** -exponent
        middle = weights @ x / total
        slope = (weights * errors * (x - middle[:, None])).sum(1) / (weights * (x - middle[:, None]) ** 2).sum(1)
        through_zero = (weights * errors) @ x / (weights @ x**2)
        steep = np.where(slope < 0, 0.0, np.where(mean - slope * middle < 0, through_zero, slope))
        floor = np.where(slope < 0, mean, np.maximum(mean - slope * middle, 0.0))
        misfit = (weights * (errors - floor[:, None] - steep[:, None] * x) ** 2).sum(1)
        better = misfit < best
        best = np.where(better, misfit, best)
        a, b, c = (np.where(better, new, old) for new, old in ((floor, a), (steep * unit**exponent, b), (exponent, c)))
    return PowerLaws(a, b, c)


def resampled_errors(
    errors: np.ndarray, resamples: int = 500, seed: int = 0, of_rows: np.ndarray | None = None
) -> np.ndarray:
    """(1 + resamples, models, sizes) mean errors: first those over all seeds, then what they might have been.

    `errors` is (seeds, models, sizes): each seed draws its own nested subsets, and all models and sizes of a seed share
    them, so the deviations of a seed stay together. They are weighted at random so that whatever is nearly linear in
    the errors has Student's t distribution with seeds - 1 degrees of freedom: a bootstrap of a handful of seeds looks
    too sure (3 seeds: 80 % of its 95 % intervals hold the truth). All are judged on the same test rows: what other rows
    would have added, (resamples, seeds, models, sizes) of `deviations`, is added where it is given. Raises ValueError
    for fewer than LEAST_SEEDS seeds.
    """
    seeds = len(errors)
    if seeds < LEAST_SEEDS:
        raise ValueError(f"{seeds} seeds do not say how errors vary: {LEAST_SEEDS} are needed")
    random = np.random.default_rng(seed)
    mean = errors.mean(0)
    weights = random.standard_normal((resamples, seeds)) / np.sqrt(seeds * (seeds - 1))
    weights /= np.sqrt(random.chisquare(seeds - 1, (resamples, 1)) / (seeds - 1))
    drawn = mean + np.einsum("rs,smk->rmk", weights, errors - mean)
    if of_rows is not None and len(of_rows):
        drawn += np.resize(of_rows.mean(1), drawn.shape)
    return np.maximum(np.concatenate([mean[None], drawn]), 0.0)


def deviations(
    metric: Metric,
    labels: np.ndarray,
    predictions: Sequence[np.ndarray],
    groups: np.ndarray | None = None,
    resamples: int = 250,
    seed: int = 0,
) -> np.ndarray:
    """(resamples, models) errors on resampled test rows, or groups, less those on the rows as they are.

    All models are scored on the same resamples, as in `paired_gain`; those without a value in one of them are left out.
    Of many rows some do: a deviation shrinks with the root of their number.
    """
    random = np.random.default_rng(seed)
    if groups is not None:
        unit = np.unique(groups, return_inverse=True)[1]
    else:
        unit = random.permutation(len(labels)) % BUNDLES if len(labels) > BUNDLES else np.arange(len(labels))
    number = int(unit.max()) + 1
    share = min(1.0, ENOUGH_ROWS / len(labels))
    if share < 1 and share * number >= FEWEST_UNITS:
        kept = random.permutation(number)[: int(share * number)]
        some = np.isin(unit, kept)
        labels, predictions = labels[some], [one[some] for one in predictions]
        unit, number = np.unique(unit[some], return_inverse=True)[1], len(kept)
    else:
        share = 1.0
    scored = [sums(metric, labels, one) for one in predictions]
    pool = sparse.csr_matrix((np.ones(len(unit)), (unit, np.arange(len(unit)))), shape=(number, len(unit)))
    counts = random.multinomial(number, np.full(number, 1 / number), resamples).astype(np.float64)
    drawn = np.stack([one.error(counts @ (pool @ one.rows)) for one in scored], -1)
    whole = np.stack([one.error(one.rows.sum(0)) for one in scored], -1)
    return share**0.5 * (drawn - whole)[np.isfinite(drawn).all(1)]


def crossing(sizes: np.ndarray, base: np.ndarray, challenger: np.ndarray, level: float = 0.95) -> Projected:
    """The rows from which the challenger has the smaller error, projected from (1 + resamples, sizes) errors.

    The first row of each is the estimate, the others are resamples of both at once (the same subsets, or the same test
    rows). It is not reliable where the curves of too few resamples cross within FAR times the largest size, where the
    interval is wider than a factor of WIDEST, or where the challenger leads already.
    """
    largest = float(np.max(sizes))
    grid = np.geomspace(float(np.min(sizes)), FAR * largest, 400)
    ahead = fit_power_laws(sizes, base).at(grid) - fit_power_laws(sizes, challenger).at(grid) > 0
    stays = np.flip(np.logical_and.accumulate(np.flip(ahead, 1), 1), 1)  # ahead from here to the end of the grid
    first = np.where(stays.any(1), grid[stays.argmax(1)], np.inf)
    value, drawn = float(first[0]), first[1:]
    low, high = (float(q) for q in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="nearest"))
    crosses = float(np.isfinite(drawn).mean())
    why_not = ""
    if not np.isfinite(value) and ahead[0].any():
        why_not = f"it leads up to about {grid[np.flatnonzero(ahead[0])[-1]]:,.0f} rows only"
    elif not np.isfinite(value):
        why_not = f"the curves do not cross within {FAR:.0f} times the {largest:,.0f} rows measured"
        why_not += f", but {crosses:.0%} of the resampled ones do" if crosses > (1 - level) / 2 else ""
    elif value <= grid[0]:
        why_not = "it leads at every size that was measured"
        if high > grid[0]:
            why_not += f", but in {float((drawn <= grid[0]).mean()):.0%} of the resampled curves only"
    elif crosses < AGREE:
        why_not = f"only {crosses:.0%} of the resampled curves cross"
    elif high > WIDEST * low:
        why_not = f"the interval reaches from {low:,.0f} to {high:,.0f} rows"
    return Projected(value=value, low=low, high=high, why_not=why_not)


def gain_of_more_rows(
    sizes: np.ndarray, errors: np.ndarray, rows: float, times: float = 2.0
) -> tuple[float, np.ndarray]:
    """(estimate, (resamples,)) relative reduction of the error by `times` the `rows`, from (1 + resamples, sizes)
    errors of one model. Raises ValueError beyond FAR times the largest size."""
    if rows * times > FAR * float(np.max(sizes)):
        raise ValueError(f"{rows * times:,.0f} rows are more than {FAR:.0f} times the {np.max(sizes):,} measured")
    now, more = fit_power_laws(sizes, errors).at(np.array([rows, rows * times])).T
    gains = np.where(now > 0, 1 - more / np.where(now > 0, now, 1.0), 0.0)  # nothing is left to gain without an error
    return float(gains[0]), gains[1:]


def data_or_rung(
    data: tuple[float, np.ndarray], rung: tuple[float, float, float], level: float = 0.95, seed: int = 0
) -> tuple[Literal["data", "rung", "cannot tell yet"], Projected]:
    """Whether more data helps more than the next rung, and the difference of the two gains (data - rung).

    `data` is what `gain_of_more_rows` gives; `rung` the gain of the next rung, measured, with its interval
    (relative, low, high) at the same level. Their errors are taken as independent: one comes from subsets of the
    training rows, the other from test rows.
    """
    estimate, drawn = data
    relative, low, high = rung
    spread = ndtri((1 + level) / 2)
    z = np.random.default_rng(seed).standard_normal(len(drawn))
    other = relative + np.where(z < 0, (relative - low), (high - relative)) * z / spread
    under, over = (float(q) for q in np.quantile(drawn - other, [(1 - level) / 2, (1 + level) / 2]))
    told = under > 0 or over < 0
    why_not = "" if told else "the interval of the difference holds 0"
    answer: Literal["data", "rung", "cannot tell yet"] = "cannot tell yet"
    if told:
        answer = "data" if under > 0 else "rung"
    return answer, Projected(value=estimate - relative, low=under, high=over, why_not=why_not)
