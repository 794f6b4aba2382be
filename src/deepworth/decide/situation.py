"""What a plan is made for: the data as it was found, the hardware it is reckoned on, and what the user wants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deepworth.cost.history import Actual
from deepworth.decide.hardware import reckoned
from deepworth.decide.shapes import shapes
from deepworth.decide.strings import written
from deepworth.types import Concern, Dataset, Goals, Hardware, Machine, Profile, Splits, Workload

FactValue = str | float | bool


@dataclass(frozen=True, kw_only=True)
class Situation:
    """`machine` is the one the estimates are for: this one, or this one with the accelerators that were named."""

    dataset: Dataset
    splits: Splits
    profile: Profile
    work: Workload
    here: Machine  # this machine as it was measured
    goals: Goals
    past: tuple[Actual, ...] = ()  # what trials took on this machine

    @property
    def hardware(self) -> Hardware:
        return reckoned(self.goals.hardware, self.here)[0]

    @property
    def machine(self) -> Machine:
        return reckoned(self.goals.hardware, self.here)[1]

    @property
    def ordered(self) -> bool:
        """Whether the rows are in the order of time: as told, or as found."""
        return self.dataset.roles.time is not None or self.concern("time") is not None

    @property
    def series(self) -> bool:
        """Whether the rows are the course of something measured; a table of events in the order of time is not."""
        return any(concern.id == "series" for concern in shapes(self.dataset, self.profile))

    @property
    def order(self) -> str:
        """How the rows are divided, or, where that is at random, how they should be: "time" and "group" go first."""
        if self.splits.protocol == "given":
            return "group" if self.dataset.roles.group else "given"
        return "time" if self.ordered else "group" if self.concern("group") else self.splits.protocol

    def concern(self, name: str) -> Concern | None:
        return next((c for c in self.profile.concerns if c.id == name), None)

    @property
    def facts(self) -> dict[str, FactValue]:
        """What the conditions of rules look at. A fact that is not known is not in it, and no rule on it fires."""
        work, weeks = self.work, self.goals.weeks
        known: dict[str, FactValue] = {
            "modality": work.modality,
            "task": work.task,
            "train": work.train,
            "classes": work.classes,
            "numbers": work.numbers,
            "categories": work.categories,
            "texts": work.texts,
            "series": self.series,
            "devices": self.hardware.count,
            "device_gb": self.machine.accelerator_gb,
            "one_run": weeks is None,
        }
        if strings := written(self.dataset)[0]:
            known["strings"] = strings
        return known if weeks is None else known | {"weeks": weeks}

    def on(self, hardware: str) -> Situation:
        """The same on other hardware."""
        return replace(self, goals=replace(self.goals, hardware=hardware))

    def with_rows(self, train: int) -> Situation:
        """The same with so many training rows."""
        return replace(self, work=replace(self.work, train=train))
