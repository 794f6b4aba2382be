"""From what was found to the plan: answers, rules, candidates, evidence and the paragraph to hand in."""

from __future__ import annotations

from dataclasses import replace

from deepworth.cost.history import Actual
from deepworth.decide.candidates import choose
from deepworth.decide.evidence import evidence_for
from deepworth.decide.hardware import reckoned
from deepworth.decide.justify import justification
from deepworth.decide.phrases import joined
from deepworth.decide.questions import answers
from deepworth.decide.shapes import STRINGS, published_as, shapes
from deepworth.decide.situation import Situation
from deepworth.decide.strings import written
from deepworth.errors import Unanswered
from deepworth.types import Dataset, Goals, Hardware, Machine, Plan, Profile, Splits, Workload


def make_plan(
    dataset: Dataset,
    splits: Splits,
    profile: Profile,
    work: Workload,
    machine: Machine,
    goals: Goals,
    past: tuple[Actual, ...] = (),
) -> Plan:
    """The plan `fit` follows: every model that fits the data with its estimate, and run or skip with a reason.

    `machine` is this one, `past` what trials took on it. Nothing is trained and nothing is fetched. Raises UserError
    for models, rungs or hardware that do not exist.
    """
    told: list[str] = []
    if goals.memory_gb is not None and goals.memory_gb > machine.memory_gb:
        free = f"the {machine.memory_gb:.1f} GB that are free here"
        told.append(f"the memory limit of {goals.memory_gb:.0f} GB is more than {free}: the plan is made for these")
        goals = replace(goals, memory_gb=machine.memory_gb)
    situation = Situation(
        dataset=dataset, splits=splits, profile=profile, work=work, here=machine, goals=goals, past=past
    )
    choice = choose(situation)
    concerns = (*shapes(dataset, profile), *profile.concerns)
    published = replace(work, modality=written(dataset)[0] or published_as(concerns, work.modality))
    other = published.modality in (*STRINGS, "lists")  # what holds for text or tables says nothing about these
    fired = tuple(r for r in choice.rules if not (other and r.question == "data" and "modality" in r.when))
    evidence = evidence_for(published, situation.order, fired, series=situation.series)
    four = answers(situation, choice)
    return Plan(
        candidates=choice.candidates,
        about=_about(dataset),
        concerns=concerns,
        notes=(*dataset.notes, *splits.notes, *_of_hardware(situation.hardware), *told),
        rules=fired,
        answers=four,
        evidence=evidence,
        hardware=situation.hardware,
        justification=justification(situation, choice, evidence, concerns),
    )


def _of_hardware(hardware: Hardware) -> tuple[str, ...]:
    """What was assumed of hardware that is only named: which part, and whose price of which day."""
    price = f"priced by {hardware.priced}" if hardware.usd_per_hour is not None else ""
    said = "; ".join(filter(None, [hardware.note, price]))
    return (f"{hardware.name}: {said}",) if said and not hardware.found else ()


def _about(dataset: Dataset) -> str:
    """adult: 48,842 rows; predict 'income', one of 2 classes (<=50K, >50K), judged by auc."""
    task = dataset.task
    shown = [str(label) for label in task.classes[:4]]
    classes = f", one of {len(task.classes)} classes ({joined(shown, len(task.classes))})" if shown else ", a number"
    return f"{dataset.name}: {dataset.rows:,} rows; predict {task.target!r}{classes}, judged by {task.metric}"


def not_ready(error: Unanswered, machine: Machine, goals: Goals) -> Plan:
    """A plan that only says what must be known first."""
    return Plan(candidates=(), hardware=reckoned(goals.hardware, machine)[0], not_ready=(error.missing,))
