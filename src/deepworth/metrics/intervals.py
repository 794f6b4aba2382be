"""The interval of the gain of one model over another: on the same test rows by a bootstrap, or from folds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import ndtri, stdtrit

from deepworth.metrics.scores import Metric
from deepworth.metrics.sums import Sums, sums

WORST = -10.0  # a gain below it, down to the minus infinity of a base without any error, counts as this
FEWEST = 50  # resamples, however little time there is
UNITS = 1000  # more rows than this are resampled in so many random bundles, which costs nothing in precision
CAREFUL = 0.3  # share of the careful width: 3 seeds, any share of the variance theirs, hold 93.2 to 96.2 %
BLOCK = 100  # resamples between two looks at the clock


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A relative reduction of the error, where it lies, and what made the interval as wide as it is.

    The parts are variances of the difference over the sum of the two errors (`contrast`), the scale on which intervals
    are made: `from_rows` shrinks as 1 / test rows (or groups), `from_seeds` as 1 / seeds.
    """

    relative: float
    low: float
    high: float
    level: float
    resamples: int = 0
    units: int = 0  # rows or groups that were resampled, or folds
    from_rows: float = 0.0
    from_seeds: float = 0.0


def paired_gain(
    metric: Metric,
    labels: np.ndarray,
    bases: Sequence[np.ndarray],
    challengers: Sequence[np.ndarray],
    *,
    groups: np.ndarray | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    seconds: float = math.inf,
    choices: int = 1,
) -> Interval:
    """The relative reduction of the mean error of `bases` by that of `challengers`, and its interval.

    `bases` and `challengers` hold the predictions of one model on the same test rows, one array a seed; `groups` are
    codes of rows that belong together. All models are scored on the same resampled rows, or whole groups, so what they
    have in common cancels out (paired bootstrap, Efron and Tibshirani 1993, ch. 8; clusters: Field and Welsh 2007).
    The percentiles are moved away from the estimate by the quotient of a t and a normal quantile (Hesterberg 2015,
    "expanded percentiles"), with the degrees of freedom that the kurtosis of the units leaves for a variance (O'Neill
    2014): few groups, unequal ones and few errors widen it.

    Seeds and rows are both samples, as readers and cases are in the comparison of diagnostic tests: the variance is
    that between seeds over their number plus what the rows do to all seeds alike (Obuchowski and Rockette 1995; degrees
    of freedom: Hillis 2007 and `_half_width`). With one seed the interval is about these two fitted models.

    Where the base is the best on these rows of so many `choices`, the upper end has the level that holds for all of
    them together (Bonferroni): the least of many errors lies too low by chance, and the gain over it with it. Few
    resamples do not reach so far out: the percentiles of the plain level tell the shape there, too.

    Ends after `seconds`, FEWEST resamples at least; resamples in which the metric is undefined (an AUC without both
    classes) do not count. Two models without error gain 0.
    """
    random, until = np.random.default_rng(seed), time.monotonic() + seconds
    scored = [sums(metric, labels, p) for p in (*bases, *challengers)]
    pool = _pool(len(labels), groups, random)
    sides = (slice(0, len(bases)), slice(len(bases), len(scored)))
    units = [pool @ one.rows for one in scored]

    def errors(totals: Sequence[np.ndarray]) -> np.ndarray:  # of each model (resamples, k) -> (resamples, models)
        return np.stack([one.error(total) for one, total in zip(scored, totals, strict=True)], -1)

    totals = [unit.sum(0) for unit in units]
    estimate = float(_contrasts(errors(totals), sides))
    freedom = _freedom(_contrasts(errors([total - unit for total, unit in zip(totals, units, strict=True)]), sides))
    number = pool.shape[0]
    units = _with_an_error_each(scored, units, sides)
    once = errors([unit.sum(0) for unit in units])
    drawn = np.empty((0, len(scored)))
    for size in _blocks(resamples if number > 1 else 0, BLOCK):
        if len(drawn) >= FEWEST and time.monotonic() > until:
            break
        counts = _draw(random, len(units[0]), size)
        drawn = np.vstack([drawn, errors([counts @ unit for unit in units])])
    drawn = drawn[np.isfinite(drawn).all(1)]
    if len(drawn) < 2 or not math.isfinite(estimate):
        return Interval(relative=to_gain(estimate), low=WORST, high=1.0, level=level, units=number)
    contrasts = _contrasts(drawn, sides)
    rows = float(contrasts.var()) * number / (number - 1)  # a bootstrap divides by the units, a variance by one less
    seeds = [_seeds(once, drawn, mine, sides) for mine in sides]
    common = max(0.0, rows - sum(one.mixed for one in seeds))
    parts = [(common, freedom), *((one.between, one.number - 1) for one in seeds if one.number > 1)]
    centre = float(_contrasts(once, sides))
    halves = [_half_width(at, parts) for at in (level, 1 - (1 - level) / choices)]
    low, high = (float(end) for end in centre + _standard(contrasts, centre, level) * halves)
    return Interval(
        relative=to_gain(estimate),
        low=to_gain(min(low, estimate)),
        high=to_gain(max(high, estimate)),
        level=level,
        resamples=len(drawn),
        units=number,
        from_rows=rows,
        from_seeds=max(0.0, sum(part for part, _ in parts) - rows),
    )


def resampled_gain(
    bases: np.ndarray, challengers: np.ndarray, *, train: float, test: float, level: float = 0.95
) -> Interval:
    """The gain and its interval from the errors of two models on the same folds, (folds,) each.

    The corrected resampled t interval (Nadeau and Bengio 2003; for repeated cross-validation Bouckaert and Frank 2004):
    folds share training rows, so the variance of the mean is (1 / folds + test / train) of that between folds, where
    `train` and `test` are the mean rows of a fold's parts. It is careful: folds of one repetition share no test row,
    and where learners hardly change with their training rows, intervals hold about 98 % of the truths; how much they do
    change cannot be told from one data set (Bengio and Grandvalet 2004). The difference of the errors over their sum is
    a quotient of two means, linearised around them. Folds without a value in one of the models do not count.
    """
    known = np.isfinite(bases) & np.isfinite(challengers)
    base, challenger = bases[known], challengers[known]
    folds = len(base)
    if folds < 2:
        return Interval(relative=math.nan, low=WORST, high=1.0, level=level, units=folds)
    estimate = float(contrast(base.mean(), challenger.mean()))
    total = base.mean() + challenger.mean()
    spread = (base - challenger - estimate * (base + challenger)) / total if total > 0 else np.zeros(folds)
    variance = float(spread.var(ddof=1)) * (1 / folds + test / train)
    half = stdtrit(folds - 1, (1 + level) / 2) * math.sqrt(variance)
    return Interval(
        relative=to_gain(estimate),
        low=to_gain(estimate - half),
        high=to_gain(estimate + half),
        level=level,
        units=folds,
        from_rows=variance,
    )


def contrast(base: np.ndarray, challenger: np.ndarray) -> np.ndarray:
    """The difference of two errors over their sum, -1 to 1: as far from 0 whichever of the two is the better one, and
    finite where one of them is 0. Two models without error differ by 0; an undefined error stays undefined."""
    total = np.asarray(base + challenger, dtype=np.float64)
    return np.where(total == 0, 0.0, np.subtract(base, challenger) / np.where(total == 0, 1.0, total))


def to_gain(difference: float) -> float:
    """The relative reduction of the error that a `contrast` stands for, WORST at least."""
    bounded = min(max(difference, -1.0), 1.0) if math.isfinite(difference) else difference
    return WORST if bounded == -1.0 else float(max(2 * bounded / (1 + bounded), WORST))


def to_contrast(gain: float) -> float:
    """The `contrast` of a relative reduction of the error."""
    return gain / (2 - gain)


@dataclass(frozen=True)
class _Seeds:
    """What the seeds of one side do to the variance of the contrast."""

    number: int
    between: float = 0.0  # variance of the mean over seeds as the seeds show it, rows of their own included
    mixed: float = 0.0  # of it, what rows do to each seed alone: also part of what the bootstrap of the rows finds


def _seeds(once: np.ndarray, drawn: np.ndarray, mine: slice, sides: tuple[slice, slice]) -> _Seeds:
    number = len(once[mine])
    base, challenger = (once[side].mean() for side in sides)
    if number == 1 or base + challenger == 0:
        return _Seeds(number)
    other = challenger if mine is sides[0] else base
    slope = (2 * other / (base + challenger) ** 2) ** 2  # of the contrast by this side's mean error, squared
    alone = drawn[:, mine] - drawn[:, mine].mean(1, keepdims=True)
    return _Seeds(
        number,
        between=float(slope * once[mine].var(ddof=1) / number),
        mixed=float(slope * alone.var(0, ddof=1).mean() / (number - 1)),
    )


def _with_an_error_each(
    scored: Sequence[Sums], units: Sequence[np.ndarray], sides: tuple[slice, slice]
) -> list[np.ndarray]:
    """Where rows are right or wrong, one more that only the first side gets wrong and one that only the second does
    (Agresti and Min 2005): a model without an error on few rows is not one that makes none."""
    longer = list(units)
    for position, one in enumerate(scored):
        if one.wrong is not None and one.right is not None:
            extra = (one.wrong, one.right) if position < sides[0].stop else (one.right, one.wrong)
            longer[position] = np.vstack([units[position], *extra])
    return longer


def _standard(drawn: np.ndarray, centre: float, level: float) -> np.ndarray:
    """The ends of the central part of a sample, as multiples of those of a normal one around `centre` of its width."""
    spread = drawn.std()
    if spread == 0:
        return np.array([-1.0, 1.0])
    tails = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="weibull") - centre  # others lie too far in
    return tails / (spread * ndtri((1 + level) / 2))


def _half_width(level: float, parts: list[tuple[float, float]]) -> float:
    """Half the width of an interval around a mean whose variance is a sum of (estimate, its degrees of freedom).

    Student's t with the degrees of freedom of the sum (Satterthwaite 1946) is too sure where three seeds make most of
    it: they may look alike by chance, and then it counts the many degrees of freedom of the rows (92 % of 95 %
    intervals hold the truth). Each part with its own t is too careful. The squares of the two are mixed.
    """
    variance, lost = sum(part for part, _ in parts), sum(part**2 / freedom for part, freedom in parts)
    if lost == 0:
        return 0.0
    at = (1 + level) / 2
    sure = stdtrit(variance**2 / lost, at) ** 2 * variance
    careful = sum(stdtrit(freedom, at) ** 2 * part for part, freedom in parts)
    return math.sqrt((1 - CAREFUL) * sure + CAREFUL * careful)


def _freedom(left_out: np.ndarray) -> float:
    """Degrees of freedom of a variance estimated from units, by the values without each of them (O'Neill 2014)."""
    values = left_out[np.isfinite(left_out)]
    number = len(values)
    moments = values - (values.mean() if number else 0.0)
    if number < 2 or not moments.any():
        return max(1.0, number - 1.0)
    kurtosis = (moments**4).mean() / (moments**2).mean() ** 2
    return float(np.clip(2 * number / max(kurtosis - (number - 3) / (number - 1), 1e-9), 1.0, number - 1))


def _contrasts(errors: np.ndarray, sides: tuple[slice, slice]) -> np.ndarray:
    """(..., models) errors -> (...) contrasts of the means of the sides."""
    return contrast(*(errors[..., side].mean(-1) for side in sides))


def _pool(rows: int, groups: np.ndarray | None, random: np.random.Generator) -> sparse.csr_matrix:
    """(units, rows): which rows are resampled together."""
    if groups is not None:
        unit = np.unique(groups, return_inverse=True)[1]
    elif rows > UNITS:
        unit = random.permutation(rows) % UNITS
    else:
        unit = np.arange(rows)
    return sparse.csr_matrix((np.ones(rows), (unit, np.arange(rows))))


def _blocks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


def _draw(random: np.random.Generator, number: int, size: int) -> np.ndarray:
    """(size, number): how often each unit is in each resample."""
    drawn = random.integers(0, number, (size, number)) + number * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * number).reshape(size, number).astype(np.float64)
