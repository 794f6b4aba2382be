"""Replay published data sets as if climbing: what the stop rules would have bought, lost and said.

    python benchmarks/backtest.py --evidence DIR [--price 0.01/300] [--limit SECONDS] [--each] [--aside TIMES]

DIR holds tabarena_lite_long.csv, tabarena_lite_wide.csv and yandex_long.csv. A policy sees sizes and, of the steps that
it bought, validation errors and seconds. The rules are those of the product (deepworth.decide.stop); what they know is
its tables without the set that is replayed, so that sets which the tables lack are replayed by all they know.

Regret: 1 - lowest test error / test error of the model taken, against the pool of steps and against every published
method. Seconds are those of the source: boosting on CPUs, networks on a GPU; TabArena's are of eightfold bagging.

Intervals stated at 90 % are looked at twice, both on test rows. After a step: the gain of the best network bought over
the best classical model bought. Before a step: the gain of that step over the best so far.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from _published import FIRST, Published, bounded, tabarena, yandex

from deepworth.decide.experience import Run, experience, published_steps
from deepworth.decide.stop import Bought, Experience, Gain, Offer, look, next_step, sampling_unit

CLASSICAL = {"linear", "forest", "lightgbm", "xgboost", "catboost", "lightgbm-tuned", "xgboost-tuned", "catboost-tuned"}
BOOSTING_TUNED = ("lightgbm-tuned", "xgboost-tuned", "catboost-tuned")
Policy = Callable[[Published], "Outcome | None"]


@dataclass(frozen=True)
class Statement:
    """An interval that was stated, and what was true."""

    low: float
    high: float
    true: float

    @property
    def held(self) -> bool:
        return self.low <= self.true <= self.high


@dataclass(frozen=True)
class Outcome:
    dataset: str
    taken: str
    bought: tuple[str, ...]
    seconds: float
    regret: float  # against the best of the pool of steps
    regret_all: float  # against the best of every published method
    verdicts: tuple[Statement, ...] = ()  # after each step with which both sides were there
    forecasts: tuple[Statement, ...] = ()  # before each step
    reason: str = ""


@dataclass
class Climb:
    """What the policy knows of one set: nothing but what it bought."""

    published: Published
    experience: Experience
    costs: Costs
    bought: list[Bought] = field(default_factory=list)

    def buy(self, kind: str) -> None:
        run = self.published.runs[kind]
        unit = sampling_unit(run.valid, self.published.rows, bounded(self.published.metric))
        self.bought.append(Bought(kind=kind, error=run.valid, unit=unit, seconds=run.seconds))

    def offers(self) -> list[Offer]:
        mine = {step.kind: step.seconds for step in self.bought}
        return [Offer(kind=k, seconds=self.costs.of(k, mine)) for k in self.published.runs if k not in mine]

    def verdict(self) -> Statement | None:
        """What is said of the gain on test rows of the best network over the best classical model so far."""
        kinds = [step.kind for step in self.bought]
        nets, classical = [k for k in kinds if k not in CLASSICAL], [k for k in kinds if k in CLASSICAL]
        if not nets or not classical:
            return None
        outlook = look(self.experience, self.bought)
        net, base = outlook.favourite(nets), outlook.favourite(classical)
        return _statement(
            outlook.gain(net, base), math.log(self.published.runs[base].test / self.published.runs[net].test)
        )


def _statement(gain: Gain, true: float) -> Statement:
    return Statement(*gain.interval(), 1 - math.exp(-true))


@dataclass(frozen=True)
class Costs:
    """Seconds of a step from those of the steps bought: median ratios on the other sets, averaged over the bought."""

    runs: Sequence[dict[str, Run]]

    def of(self, kind: str, bought: dict[str, float]) -> float:
        logs = []
        for other, seconds in bought.items():
            ratios = [run[kind].seconds / run[other].seconds for run in self.runs if kind in run and other in run]
            logs.append(math.log(seconds * float(np.median(ratios))))
        return math.exp(float(np.mean(logs)))


def deepworth(price: float, limit: float, aside: Collection[str] = ()) -> Policy:
    """Climb by the rules of the product, beginning with LightGBM, without what was published on the sets `aside`."""

    def run(published: Published) -> Outcome:
        without = {published.dataset, *aside}
        others = published_steps(published.source, without=without)
        climb = Climb(published, experience(published.source, without=without), Costs(others))
        climb.buy(FIRST)
        verdicts, forecasts = [], []
        while True:
            left = limit - sum(step.seconds for step in climb.bought)
            step = next_step(climb.experience, climb.bought, climb.offers(), price=price, left=left)
            if step.offer is None:
                break
            old, new = published.runs[step.over].test, published.runs[step.offer.kind].test
            forecasts.append(Statement(step.low, step.high, 1 - new / old))
            climb.buy(step.offer.kind)
            if said := climb.verdict():
                verdicts.append(said)
        kinds = [step.kind for step in climb.bought]
        taken = look(climb.experience, climb.bought).favourite(kinds)
        return _outcome(published, taken, kinds, tuple(verdicts), tuple(forecasts), step.reason)

    return run


def always(*kinds: str) -> Policy:
    """Buy `kinds` (all steps where none is named), take the lowest validation error."""

    def run(published: Published) -> Outcome | None:
        bought = [kind for kind in published.runs if not kinds or kind in kinds]
        if not bought:
            return None
        return _outcome(published, min(bought, key=lambda kind: published.runs[kind].valid), bought)

    return run


def _outcome(
    published: Published,
    taken: str,
    bought: Sequence[str],
    verdicts: tuple[Statement, ...] = (),
    forecasts: tuple[Statement, ...] = (),
    reason: str = "",
) -> Outcome:
    error = published.runs[taken].test
    pool = min(run.test for run in published.runs.values())
    return Outcome(
        dataset=published.dataset,
        taken=taken,
        bought=tuple(bought),
        seconds=sum(published.runs[kind].seconds for kind in bought),
        regret=1 - pool / error if error else 0.0,
        regret_all=1 - published.best / error if error else 0.0,
        verdicts=verdicts,
        forecasts=forecasts,
        reason=reason,
    )


OTHERS: dict[str, Policy] = {
    "CatBoost default": always("catboost"),
    "CatBoost tuned": always("catboost-tuned"),
    "boosting tuned, three": always(*BOOSTING_TUNED),
    "open foundation model": always("foundation"),
    "everything": always(),
}


def report(name: str, sets: list[Published], price: float, limit: float, each: bool) -> list[Outcome]:
    policies = {"deepworth": deepworth(price, limit), **OTHERS}
    print(f"\n{name}: {len(sets)} sets                 regret, pool      regret, all       seconds        steps")
    print(f"{'':24}      mean  median     mean  median     mean  median")
    table: dict[str, list[Outcome]] = {}
    for label, policy in policies.items():
        outcomes = [outcome for outcome in map(policy, sets) if outcome]
        if not outcomes:
            print(f"{label:28} none published")
            continue
        table[label] = outcomes
        pool, every = [o.regret for o in outcomes], [o.regret_all for o in outcomes]
        seconds = [o.seconds for o in outcomes]
        print(
            f"{label:28}{np.mean(pool):7.2%} {np.median(pool):7.2%}  {np.mean(every):7.2%} {np.median(every):7.2%}"
            f"  {np.mean(seconds):7.0f} {np.median(seconds):7.0f}   {np.mean([len(o.bought) for o in outcomes]):6.1f}"
        )
    mine = table.pop("deepworth")
    for label, middle in (("mean", np.mean), ("median", np.median)):
        for key in ("regret", "regret_all"):
            rows = {k: (middle([getattr(o, key) for o in v]), middle([o.seconds for o in v])) for k, v in table.items()}
            here = (middle([getattr(o, key) for o in mine]), middle([o.seconds for o in mine]))
            better = [k for k, v in rows.items() if v[0] < here[0] and v[1] < here[1]]
            worse = [k for k, v in rows.items() if v[0] > here[0] and v[1] > here[1]]
            words = "on the frontier" if not better else f"beaten by {', '.join(better)}"
            print(f"{label} {key} and seconds: {words}; beats on both: {', '.join(worse) or 'none'}")
    if each:
        for outcome in mine:
            print(
                f"  {outcome.dataset[:44]:44} {outcome.regret:6.2%} {outcome.seconds:7.0f} s  {outcome.taken:16}",
                end=" ",
            )
            print(" ".join(outcome.bought), "|", outcome.reason)
    return mine


def coverage(outcomes: Sequence[Outcome]) -> None:
    for label, key in (
        ("gain on test rows, after a step", "verdicts"),
        ("gain of the next step, before it", "forecasts"),
    ):
        said = [statement for outcome in outcomes for statement in getattr(outcome, key)]
        last = [getattr(outcome, key)[-1] for outcome in outcomes if getattr(outcome, key)]
        if said:
            width = np.median([statement.high - statement.low for statement in said])
            print(
                f"90 % interval of the {label}: held {held(said):.1%} of {len(said)}, of the last of each set "
                f"{held(last):.1%} of {len(last)}; median width {width:.1%}"
            )


def held(statements: Sequence[Statement]) -> float:
    return float(np.mean([statement.held for statement in statements]))


def kept_aside(sets: dict[str, list[Published]], price: float, limit: float, times: int) -> None:
    """As for sets that the product never saw: forget a random 35 % of the sets, replay those, again and again."""
    draw = np.random.default_rng(0)
    after, before, beaten = [], [], dict.fromkeys(sets, 0)
    for _ in range(times):
        aside = {name: [p for p in some if draw.random() < 0.35] for name, some in sets.items()}
        names = {published.dataset for some in aside.values() for published in some}
        policy = deepworth(price, limit, names)
        mine = {name: [outcome for p in some if (outcome := policy(p))] for name, some in aside.items()}
        after.append(held([s for some in mine.values() for outcome in some for s in outcome.verdicts]))
        before.append(held([s for some in mine.values() for outcome in some for s in outcome.forecasts]))
        for name, some in aside.items():
            here = _means(mine[name])
            others = [[outcome for p in some if (outcome := other(p))] for other in OTHERS.values()]
            beaten[name] += any(np.all(_means(outcomes) < here) for outcomes in others if outcomes)
    print(f"\nkept aside, {times} times 35 % of the sets: 90 % intervals held (mean and sd over the draws)")
    for label, shares in (("after a step", after), ("before a step", before)):
        print(f"  {label}: {np.mean(shares):.1%} +- {np.std(shares):.1%}")
    for name, count in beaten.items():
        print(f"  {name}: on the frontier of mean regret and seconds in {times - count} of {times}")


def _means(outcomes: Sequence[Outcome]) -> npt.NDArray[np.float64]:
    return np.mean([(outcome.regret, outcome.seconds) for outcome in outcomes], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evidence", type=Path, required=True)
    parser.add_argument("--price", default="0.01/300", help="share of the error that a second must bring")
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds a climb may take")
    parser.add_argument("--each", action="store_true", help="one line a set")
    parser.add_argument("--aside", type=int, default=0, help="so many times, forget 35 %% of the sets and replay them")
    asked = parser.parse_args()
    top, _, bottom = asked.price.partition("/")
    price = float(top) / float(bottom or 1)
    outcomes = []
    sets = {"TabArena-lite": tabarena(asked.evidence), "Yandex": yandex(asked.evidence)}
    for name, some in sets.items():
        here = report(name, some, price, asked.limit, asked.each)
        coverage(here)
        outcomes += here
    print("\nboth")
    coverage(outcomes)
    if asked.aside:
        kept_aside(sets, price, asked.limit, asked.aside)


if __name__ == "__main__":
    main()
