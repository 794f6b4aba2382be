"""The stop rules of the ladder, pure: what a next step may gain after what the bought ones showed, and if it pays."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from deepworth.types import Goals, Rung
from deepworth.words import duration

Array = npt.NDArray[np.float64]

# Chosen on 64 published sets, each left out in turn (benchmarks/backtest.py): intervals hold as often as stated.
DOUBT = 0.2  # share of its distance from the others by which a validation error is unsure: differences have heavy tails
SHRINK = 0.6  # of the correlations between kinds towards none: some 30 sets tell them roughly
OUTLIER = 6.0  # a gain further from the median than this many sd counts as so far
SCALES = ((0.5, 0.35), (1.0, 0.3), (2.0, 0.2), (4.0, 0.1), (8.0, 0.05))  # times the published spread, and how often
UNKNOWN = 0.2  # sd of the log error of a kind of model without published results
UNKNOWN_SLIP = 1.5  # and of its slip, in sampling units
LEAST = 1e-9  # an error of nothing counts as this
LEVEL = 5.0  # sd of how hard a data set is, in log error: nothing is known about it before the first step


@dataclass(frozen=True, kw_only=True)
class Experience:
    """How kinds of models did on published sets, as log gains over the first kind.

    `mean` and `cov`: of the gain on test rows. `slip` and `slip_cov`: of what it was more than on validation rows, in
    sampling units (`Bought.unit`); a kind that was tuned on the validation rows gains less than it showed.
    """

    kinds: tuple[str, ...]
    mean: Array  # (kinds,)
    cov: Array  # (kinds, kinds)
    slip: Array  # (kinds,)
    slip_cov: Array  # (kinds, kinds)
    sets: int


NOTHING_PUBLISHED = Experience(
    kinds=(), mean=np.zeros(0), cov=np.zeros((0, 0)), slip=np.zeros(0), slip_cov=np.zeros((0, 0)), sets=0
)


@dataclass(frozen=True, kw_only=True)
class Bought:
    """A step that was taken: its error on validation rows, how finely those rows can tell errors apart, its cost."""

    kind: str
    error: float
    unit: float  # `sampling_unit`
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A step that may be taken next, and its estimate."""

    kind: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """Go on with `offer`, or stop where it is None; with what was expected of it. Gains are shares of the error."""

    offer: Offer | None
    reason: str
    over: str = ""  # the kind that is best so far
    expected: float = 0.0  # mean of the gain where it is one: a step that loses is not taken over
    low: float = 0.0  # 90 % interval of the gain over the best so far; negative: it loses
    high: float = 0.0
    toll: float = 0.0  # the gain that its seconds must bring


@dataclass(frozen=True, kw_only=True)
class Gain:
    """The log gain of one kind over another on test rows: a mixture of Gaussians."""

    odds: Array  # (parts,), sum 1
    means: Array
    sds: Array

    def mean(self) -> float:
        return float(self.odds @ self.means)

    def quantile(self, share: float) -> float:
        """The log gain that is not reached with probability `share`; by bisection."""
        low, high = float((self.means - 9 * self.sds).min()), float((self.means + 9 * self.sds).max())
        for _ in range(60):
            middle = (low + high) / 2
            below = sum(o * _normal((middle - m) / s) for o, m, s in zip(self.odds, self.means, self.sds, strict=True))
            low, high = (middle, high) if below < share else (low, middle)
        return low

    def interval(self) -> tuple[float, float]:
        """90 % interval of the share of the error that is gained; negative: lost."""
        return 1 - math.exp(-self.quantile(0.05)), 1 - math.exp(-self.quantile(0.95))

    def improvement(self) -> float:
        """Expected improvement (Mockus 1978): E[max(0, 1 - exp(-g))], the mean gain where a step that loses is left."""
        return float(sum(o * _improvement(m, s) for o, m, s in zip(self.odds, self.means, self.sds, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is believed of -log(test error) of each kind, after some steps; only differences mean anything."""

    kinds: tuple[str, ...]
    odds: Array  # (scales,), sum 1
    means: Array  # (scales, kinds)
    covs: Array  # (scales, kinds, kinds)

    def gain(self, kind: str, over: str) -> Gain:
        i, j = self.kinds.index(kind), self.kinds.index(over)
        variance = self.covs[:, i, i] + self.covs[:, j, j] - 2 * self.covs[:, i, j]
        sds = np.sqrt(np.maximum(variance, 1e-12))
        return Gain(odds=self.odds, means=self.means[:, i] - self.means[:, j], sds=sds)

    def favourite(self, kinds: Sequence[str]) -> str:
        """The one of `kinds` with the lowest expected test error: the validation error, shrunk towards experience."""
        middle = self.odds @ self.means
        return max(kinds, key=lambda kind: float(middle[self.kinds.index(kind)]))


def learn(gains: Mapping[str, Sequence[float]], slips: Mapping[str, Sequence[float]]) -> Experience:
    """Experience from the log gains and the slips of each kind over the first: a number a set, NaN where not run."""
    mean, cov = _spread(gains)
    slip, slip_cov = _spread(slips)
    sets = len(next(iter(gains.values())))
    return Experience(kinds=tuple(gains), mean=mean, cov=cov, slip=slip, slip_cov=slip_cov, sets=sets)


def _spread(values: Mapping[str, Sequence[float]]) -> tuple[Array, Array]:
    """Centre and covariance of some columns with gaps and outliers.

    Centres are medians, outliers are brought in to `OUTLIER`, correlations use the sets that both kinds have and are
    shrunk (Ledoit & Wolf 2004 give the reason; the amount is a constant here).
    """
    table = np.array(list(values.values()), dtype=float).T  # (sets, kinds)
    centre = np.nanmedian(table, axis=0)
    reach = OUTLIER * 1.4826 * np.nanmedian(np.abs(table - centre), axis=0)
    apart = np.clip(table - centre, -reach, reach)
    there = ~np.isnan(apart)
    apart = np.where(there, apart, 0.0)
    both = np.maximum(there.T.astype(float) @ there, 1.0)
    sd = np.sqrt((apart**2).sum(axis=0) / np.diag(both))
    scaled = apart / np.where(sd > 0, sd, 1.0)
    correlation = (1 - SHRINK) * (scaled.T @ scaled) / both + SHRINK * np.eye(len(values))
    roots, vectors = np.linalg.eigh(correlation)  # pairs of different sets need not fit together
    correlation = (vectors * np.maximum(roots, 1e-6)) @ vectors.T
    return centre, correlation * np.outer(sd, sd)


def sampling_unit(error: float, rows: float, bounded: bool) -> float:
    """1 / sqrt(errors counted): the relative sd of an error rate on `rows` rows, up to a factor near one.

    `bounded`: the error is a share (1 - accuracy, 1 - AUC) or a log loss, and only wrong rows tell; an RMSE uses all.
    """
    counted = rows * min(max(error, 0.5 / rows), 0.5) if bounded else rows
    return 1 / math.sqrt(max(counted, 1.0))


def look(experience: Experience, bought: Sequence[Bought], ahead: Sequence[str] = ()) -> Outlook:
    """The belief after `bought`, over their kinds and those `ahead`. At least one step, and each of another kind.

    What published sets showed is a Gaussian belief about the log test error of every kind of model, and each bought
    step is a noisy look at it. On some sets the choice of the model matters much more than on others, so the prior is
    a mixture over `SCALES` of the published spread, weighed by how likely it makes what was seen.
    """
    kinds = tuple(dict.fromkeys([*(step.kind for step in bought), *ahead]))
    mean, cov = _among(experience.kinds, experience.mean, experience.cov, kinds, UNKNOWN)
    slip, slip_cov = _among(experience.kinds, experience.slip, experience.slip_cov, kinds, UNKNOWN_SLIP)
    seen = np.array([kinds.index(step.kind) for step in bought])
    unit = np.array([step.unit for step in bought])
    heights = -np.log([max(step.error, LEAST) for step in bought])
    heights -= np.median(heights)
    noise = slip_cov[np.ix_(seen, seen)] * np.outer(unit, unit) + np.diag((DOUBT * heights) ** 2)
    off = heights + unit * slip[seen] - mean[seen]
    likely, means, covs = [], [], []
    for scale, share in SCALES:
        prior = scale**2 * cov + LEVEL**2
        total = prior[np.ix_(seen, seen)] + noise
        weight = np.linalg.solve(total, prior[seen]).T
        likely.append(math.log(share) - 0.5 * (np.linalg.slogdet(total)[1] + off @ np.linalg.solve(total, off)))
        means.append(mean + weight @ off)
        covs.append(prior - weight @ prior[seen])
    odds = np.exp(np.array(likely) - max(likely))
    return Outlook(kinds=kinds, odds=odds / odds.sum(), means=np.array(means), covs=np.array(covs))


def weighed(rung: Rung, tried: Collection[Rung], goals: Goals) -> bool:
    """Whether a step of `rung` must pay for its seconds after those `tried`: the floor is not among them.

    The two sides of the comparison are tried first, then each rung gets an answer of its own, and what was asked for by
    name is always run.
    """
    return not goals.models and rung in tried and "classical" in tried and len(set(tried)) > 1


def price(goals: Goals) -> float:
    """Share of the error a second must bring: a step that takes the whole limit must bring the least useful gain."""
    return goals.worth / goals.seconds


def next_step(
    experience: Experience, bought: Sequence[Bought], offers: Sequence[Offer], *, price: float, left: float
) -> Step:
    """The step with the largest expected gain beyond its price, or a stop with the reason.

    `price`: the share of the error that a second must bring; the least useful gain over the time limit is a good one: a
    step that takes it all must bring that gain. `left`: seconds until the limit. At least one step must be bought: the
    first is the cheapest honest model. A comparison of two sides is complete only when both were tried: the caller sees
    to that.
    """
    if min(step.error for step in bought) <= 0:
        return Step(offer=None, reason="nothing is left to gain: no error on the validation rows")
    if not offers:
        return Step(offer=None, reason="nothing is left to try")
    fitting = [offer for offer in offers if offer.seconds <= left]
    if not fitting:
        cheapest = min(offer.seconds for offer in offers)
        return Step(
            offer=None, reason=f"the next step takes {duration(cheapest)}, {duration(left)} are left of the limit"
        )
    outlook = look(experience, bought, [offer.kind for offer in fitting])
    best = outlook.favourite([step.kind for step in bought])
    steps = [_weigh(outlook, offer, best, price) for offer in fitting]
    chosen = max(steps, key=lambda step: step.expected - step.toll)
    if chosen.expected > chosen.toll:
        return chosen
    return replace(chosen, offer=None, reason=f"no step pays: {chosen.reason}")


def _weigh(outlook: Outlook, offer: Offer, best: str, price: float) -> Step:
    gain = outlook.gain(offer.kind, best)
    expected, (low, high) = gain.improvement(), gain.interval()
    toll = price * offer.seconds
    return Step(
        offer=offer,
        over=best,
        reason=f"{offer.kind} is expected to save {expected:.2%} of the error of {best} [{low:.1%} .. {high:.1%}] "
        f"in {offer.seconds:.0f} s, which must bring {toll:.2%}",
        expected=expected,
        low=low,
        high=high,
        toll=toll,
    )


def _improvement(mean: float, sd: float) -> float:
    """E[max(0, 1 - exp(-g))] of a Gaussian log gain g."""
    z = mean / sd
    return max(0.0, _normal(z) - math.exp(sd * sd / 2 - mean) * _normal(z - sd))


def _normal(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def _among(known: tuple[str, ...], mean: Array, cov: Array, kinds: tuple[str, ...], sd: float) -> tuple[Array, Array]:
    """Mean and covariance over `kinds`; one that is not known is like the first, give or take `sd`."""
    found, spread = np.zeros(len(kinds)), np.diag(np.full(len(kinds), sd**2))
    here = [i for i, kind in enumerate(kinds) if kind in known]
    there = [known.index(kinds[i]) for i in here]
    if here:
        found[here] = mean[there]
        spread[np.ix_(here, here)] = cov[np.ix_(there, there)]
    return found, spread
