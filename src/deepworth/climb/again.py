"""What is worth making again after a climb: seeds, folds and subsets of the trials compared, what tells most first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deepworth.climb.sides import Sides
from deepworth.types import TrialResult

FEW_ROWS = 1000  # test rows under which one division of the data says little
FEW_GROUPS = 10  # in the test part, the same
FEWEST_SEEDS = 3  # two say next to nothing about how seeds differ
REPETITIONS = 2  # of the cross-validation
HERE = "."  # the division of the run itself
FIXED = 0.3  # share of a trial's seconds that fewer rows do not save
REMEMBERED = 0.3  # share of a trial's seconds where its features are kept from the first time
SLACK = 1.2  # a block is begun where so many times what it is expected to take is left


@dataclass(frozen=True, kw_only=True)
class Step:
    """One trial made again."""

    of: TrialResult
    purpose: Literal["seed", "fold", "size"]
    number: int  # of the seed, of the fold, or of the draw of the subsets; added to the seed of the run
    folder: str = HERE  # of its division, from the run folder
    rows: int = 0  # it learns from

    @property
    def fit(self) -> tuple[str, str, int]:
        """What makes it another fit than others: a seed is also the largest size of a learning curve."""
        return self.of.key, self.folder, self.number


@dataclass(frozen=True, kw_only=True)
class Block:
    """Steps that are of use together. `instead` is made where there is no time for them."""

    name: str
    steps: tuple[Step, ...]
    instead: Block | None = None

    def which(self, step: Step) -> str:
        """Which of its steps one is, for a person."""
        place = f"{step.number + 1} of {1 + max(one.number for one in self.steps)}"
        return f"{step.rows:,} rows, draw {place}" if step.purpose == "size" else f"{step.purpose} {place}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the plan must know of a division that can be made."""

    folder: str
    rows: int  # to learn from


def says_little(test: int, groups: int | None) -> bool:
    """Whether one division with so many test rows, of so many groups where it has groups, is no sound judge."""
    return test < FEW_ROWS or (groups is not None and groups < FEW_GROUPS)


def blocks(
    sides: Sides, train: int, folds: Sequence[Sequence[Place]], subsets: Sequence[Sequence[Place]]
) -> list[Block]:
    """What to make again of the trials compared in a run with so many training rows, in its order.

    `folds` has a list for each repetition of the cross-validation, empty where the test part is enough (`says_little`);
    `subsets` has one for each draw, the smallest first, without all the training rows. Folds say most where there are
    any, else further seeds; then comes the learning curve.
    """
    if sides.base is None or sides.challenger is None:
        return []
    seeds = {deep.key: _seeds(deep, train) for deep in sides.deep}
    found = []
    if folds:
        found += [_folds(sides.base, deep, folds[0], 0, seeds[deep.key]) for deep in sides.deep]
        for repetition, some in enumerate(folds[1:], start=1):
            found += [_folds(sides.base, deep, some, repetition) for deep in sides.deep]
    else:
        found += seeds.values()
    if subsets:
        found.append(_curve(sides.base, sides.challenger, train, subsets))
    return found


def _seeds(deep: TrialResult, train: int) -> Block:
    steps = [Step(of=deep, purpose="seed", number=n, rows=train) for n in range(1, FEWEST_SEEDS)]
    return Block(name=f"{len(steps)} more seeds of {deep.model}", steps=tuple(steps))


def _folds(
    base: TrialResult, deep: TrialResult, some: Sequence[Place], repetition: int, instead: Block | None = None
) -> Block:
    steps = [
        Step(of=trial, purpose="fold", number=number, folder=fold.folder, rows=fold.rows)
        for number, fold in enumerate(some, start=repetition * len(some))
        for trial in (base, deep)
    ]
    more = "more " if repetition else ""
    return Block(name=f"{len(some)} {more}folds of {base.model} and {deep.model}", steps=tuple(steps), instead=instead)


def _curve(base: TrialResult, deep: TrialResult, train: int, subsets: Sequence[Sequence[Place]]) -> Block:
    steps = [
        Step(of=trial, purpose="size", number=number, folder=one.folder, rows=one.rows)
        for number, some in enumerate(subsets)
        for one in (*some, Place(folder=HERE, rows=train))
        for trial in (base, deep)
    ]
    steps.sort(key=lambda step: step.rows)  # where the time ends early, whole sizes are there, not whole draws
    return Block(name=f"a learning curve of {base.model} and {deep.model}", steps=tuple(steps))


class Costs:
    """What steps are expected to take, from what the first fit of each took and from those made again since."""

    def __init__(self, train: int, jobs: int = 1) -> None:
        self.train, self.jobs = train, jobs
        self.seen: dict[str, list[float]] = {}  # trial -> actual over expected seconds

    def expected(self, step: Step) -> float:
        """Seconds. A fit that the clock cut fills its time with fewer rows, too; features that were kept are free."""
        seen = self.seen.get(step.of.key)
        factor = sum(seen) / len(seen) if seen else REMEMBERED if "cache" in step.of.notes else 1.0
        return factor * self._alone(step)

    def learn(self, step: Step, seconds: float) -> None:
        self.seen.setdefault(step.of.key, []).append(seconds / self._alone(step))

    def _alone(self, step: Step) -> float:
        share = 1.0 if "cut" in step.of.notes else FIXED + (1 - FIXED) * step.rows / self.train
        return max(step.of.seconds, 0.01) * share

    def of(self, block: Block, made: Mapping[tuple[str, str, int], object]) -> float:
        """Seconds that what is left of a block takes, so many jobs at once."""
        left = {step.fit: step for step in block.steps if step.fit not in made}
        seconds = list(map(self.expected, left.values()))
        return max(sum(seconds) / self.jobs, max(seconds, default=0.0))
