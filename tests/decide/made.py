"""Situations for tests of the plan, made of records: no data, no measuring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deepworth.decide.plan import make_plan
from deepworth.decide.situation import Situation
from deepworth.types import (
    Column,
    Concern,
    Dataset,
    Fact,
    Goals,
    Kind,
    Machine,
    Plan,
    Profile,
    Roles,
    Splits,
    Task,
    Workload,
)

CPU = Machine(threads=2, memory_gb=16, gflops=60)
TABLE = Workload(
    modality="tabular", task="binary", classes=2, train=30_000, valid=5000, test=5000, numbers=10, categories=5
)
PHOTOS = Workload(modality="image", task="multiclass", classes=6, train=1600, valid=400, test=500, pixels=120 * 160)
TEXTS = Workload(modality="text", task="binary", classes=2, train=6920, valid=872, test=1821, texts=1, chars=100)
CLIPS = Workload(modality="audio", task="multiclass", classes=10, train=1920, valid=480, test=600, clip_seconds=0.4)
ALL = (TABLE, PHOTOS, TEXTS, CLIPS)


def situation(
    work: Workload = TABLE,
    goals: Goals | None = None,
    machine: Machine = CPU,
    *,
    concerns: tuple[Concern, ...] = (),
    roles: Roles | None = None,
    protocol: str = "stratified",
    beside: tuple[Column, ...] = (),
) -> Situation:
    """What was found of made data; `beside` are columns its models do not read."""
    columns = _columns(work)
    dataset = Dataset(
        name="made",
        source="made.csv",
        reader="csv",
        modality=work.modality,
        task=Task(
            kind=work.task,
            target="y",
            classes=tuple(range(work.classes)),
            metric="rmse" if work.task == "regression" else "accuracy",
        ),
        rows=work.rows,
        columns=(*columns, *beside),
        features=tuple(column.name for column in columns),
        fingerprint="f",
        table="t",
        roles=roles or Roles(),
    )
    splits = Splits(
        protocol=protocol,
        seed=0,
        train=work.train,
        valid=work.valid,
        test=work.test,
        fingerprint="s",
        notes=("a note",),
    )
    counts = {"numbers": work.numbers, "categories": work.categories, "texts": work.texts}
    facts = [Fact(name=name, value=float(value)) for name, value in counts.items() if value]
    if work.classes:
        facts.append(Fact(name="rows_rarest_class", value=float(work.train // (2 * work.classes))))
    profile = Profile(facts=tuple(facts), concerns=concerns)
    return Situation(dataset=dataset, splits=splits, profile=profile, work=work, here=machine, goals=goals or Goals())


def plan(work: Workload = TABLE, goals: Goals | None = None, machine: Machine = CPU, **more: Any) -> Plan:
    made = situation(work, goals, machine, **more)
    return make_plan(made.dataset, made.splits, made.profile, work, machine, made.goals)


def _columns(work: Workload) -> tuple[Column, ...]:
    if work.modality in ("image", "audio"):
        return (Column(name="file", kind=work.modality),)
    kinds: list[Kind] = ["number"] * work.numbers + ["category"] * work.categories + ["text"] * work.texts
    return tuple(Column(name=f"{kind}{place}", kind=kind, distinct=5) for place, kind in enumerate(kinds))


def with_train(work: Workload, train: int) -> Workload:
    return replace(work, train=train)
