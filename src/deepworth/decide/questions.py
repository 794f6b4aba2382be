"""The four questions, each answered from facts, with what would change it."""

from __future__ import annotations

from deepworth.decide.candidates import LACKING, Choice
from deepworth.decide.changes import barred, more_rows, more_time, other_hardware, other_modality, other_splits
from deepworth.decide.limits import capped, late, limited, total
from deepworth.decide.phrases import joined, kind, things
from deepworth.decide.shapes import BUILT_IN, NOT_READ, shapes
from deepworth.decide.situation import Situation
from deepworth.types import DEEP, Answer, Fact, Question, Said
from deepworth.words import span

ASKED = {
    "data": "What is the data, and does its kind ask for deep learning?",
    "amount": "Is there enough of it to train a network?",
    "hardware": "Does the hardware allow training one?",
    "iterations": "Is there time to try it more than once?",
}
FEW_IN_CLASS = 20  # training examples below which a class can hardly be learned
ENOUGH_ROWS, LEAST_ROWS = 10_000, 200  # training rows of a table from which, and to which, the amount answers alone
LEAST_GB = 7.5  # of an "8 GB" card


def answers(situation: Situation, choice: Choice) -> tuple[Answer, Answer, Answer, Answer]:
    """Data, amount, hardware and iterations."""
    return (
        _data(situation, choice),
        _amount(situation, choice),
        _hardware(situation, choice),
        _iterations(situation, choice),
    )


# 1. The data: order and groups first, then its kind


def _data(situation: Situation, choice: Choice) -> Answer:
    work = situation.work
    reasons = (rule.reason for rule in choice.rules if rule.id.endswith("-family"))
    reason = next(reasons, "what it asks for is not known")
    what = f"{kind(situation)}: {reason}"
    table, known = work.modality == "tabular", work.modality in BUILT_IN
    other = next((c for c in shapes(situation.dataset, situation.profile) if c.id in NOT_READ), None)
    open_: bool = bool(other) or not known or (table and work.train >= LEAST_ROWS)
    doubt: Said = "unsure" if open_ else "no" if table else "yes"
    said = f"{other.message.partition(':')[0]}, which no model here reads as such yet" if other else what
    return Answer(
        question="data",
        asked=ASKED["data"],
        answer=doubt,
        because=f"{_order(situation)}. {said[0].upper()}{said[1:]}.",
        facts=(
            Fact(name="order", value="time" if situation.ordered else "none found", how="dates and neighbouring rows"),
            Fact(name="split", value=situation.splits.protocol, how="; ".join(situation.splits.notes)),
            Fact(name="modality", value=work.modality, how="kinds of the columns"),
            *_known(situation, "features", "numbers", "categories", "booleans", "dates", "texts", "missing_share"),
            *_known(situation, "chars_mean", "rows_left_out"),
        ),
        changes=(*other_splits(situation), *other_modality(situation)),
    )


def _order(situation: Situation) -> str:
    """Time and groups: what the division of the rows answers for."""
    roles, protocol = situation.dataset.roles, situation.splits.protocol
    if roles.time:
        return f"The rows are divided by {roles.time}, past to future"
    if protocol == "given":
        said = "The division into training and test came with the data"
        return f"{said}, and rows of one {roles.group} stay together" if roles.group else said
    if roles.group:
        return f"Rows of one {roles.group} stay on one side of the split"
    found = []
    if situation.concern("time"):
        found.append("the rows are in the order of time")
    if dates := situation.concern("dates"):
        found.append(f"there are dates ({joined(dates.columns)})")
    if groups := situation.concern("group"):
        found.append(f"rows belong together by {joined(groups.columns)}")
    if not found:
        return "No time order and no groups were found, so rows are divided at random"
    said = " and ".join(found)
    return f"{said[0].upper()}{said[1:]}, but they are divided at random"


# 2. The amount


def _amount(situation: Situation, choice: Choice) -> Answer:
    work, noun = situation.work, things(situation.work)
    rarest = int(situation.profile.fact("rows_rarest_class")) if work.classes else 0
    classes = f" in {work.classes} classes, {rarest:,} in the rarest" if work.classes else ""
    reason = _reason(choice, "amount")
    poor = f"; classes under {FEW_IN_CLASS} examples can hardly be learned" if 0 < rarest < FEW_IN_CLASS else ""
    doubt: Said = "unsure" if work.modality == "tabular" and work.train >= LEAST_ROWS else "no"
    return Answer(
        question="amount",
        asked=ASKED["amount"],
        answer="yes" if work.train >= ENOUGH_ROWS else doubt,
        because=f"{work.train:,} training {noun}{classes}{reason}{poor}.",
        facts=(
            Fact(name="train", value=float(work.train), unit="rows", how=f"{situation.splits.protocol} split"),
            *_known(situation, "rows", "classes", "rows_rarest_class", "majority_share", "imbalance"),
        ),
        changes=tuple(more_rows(situation)),
    )


# 3. The hardware


def _hardware(situation: Situation, choice: Choice) -> Answer:
    hardware, machine = situation.hardware, situation.machine
    reason = _reason(choice, "hardware")
    deep = [c.model for c in choice.runs if c.rung in DEEP]
    trained = any(c.rung in ("tuned", "custom") for c in choice.runs)
    answer: Said = "unsure" if trained else "no"  # a processor trains what is small enough
    if hardware.count == 0:
        fits = f"; {joined(deep)} fit{'s' * (len(deep) == 1)} the limit all the same" if deep else ""
        because = f"{hardware.name}, {machine.gflops:,.0f} GFLOP/s reached{reason}{fits}."
    else:
        known = machine.accelerator_gb
        answer = "yes" if known >= LEAST_GB else "unsure"
        number = f"{hardware.count} x " if hardware.count > 1 else ""
        memory = f" with {hardware.memory_gb:g} GB" if hardware.memory_gb else ", memory not known"
        because = f"{number}{hardware.name}{memory}{reason}."
    how = "found here" if hardware.found else f"from the catalogue{'; ' * bool(hardware.note)}{hardware.note}"
    facts = [
        Fact(name="devices", value=float(hardware.count), how=how),
        Fact(name="threads", value=float(machine.threads), how="cores this process may use"),
        Fact(name="gflops", value=machine.gflops, unit="GFLOP/s", how="fp32 matrix products on the processor"),
    ]
    if hardware.count:
        reach = "estimated for training from the catalogue's rates and bandwidth"
        facts.append(Fact(name="accelerator_gb", value=machine.accelerator_gb, unit="GB", how=how))
        facts.append(Fact(name="accelerator_gflops", value=machine.accelerator_gflops, unit="GFLOP/s", how=reach))
    return Answer(
        question="hardware",
        asked=ASKED["hardware"],
        answer=answer,
        because=because,
        facts=tuple(facts),
        changes=tuple(other_hardware(situation, choice)),
    )


# 4. The iterations


def _iterations(situation: Situation, choice: Choice) -> Answer:
    goals, all_in = situation.goals, total(choice.runs)
    slow = [c.model for c in choice.candidates if c.rung in DEEP and late(c)]
    short = bool(slow) or all_in.likely > goals.seconds
    told = span(capped(all_in, goals.seconds))
    takes = f"everything that is to run takes {told} in all" if all_in.likely else "nothing is to run"
    if all_in.likely > goals.seconds:
        takes += f" ({span(all_in)} uncut), so the longest of it is likely cut short or left out"
    answer: Said = "no" if short else "yes"
    if not goals.told:
        answer, taken = "unsure", f"one run of {limited(goals.seconds)} is taken as granted"
        because = f"Neither --weeks nor --time was given, so {taken}: {takes}"
    elif goals.weeks is None:
        because = f"One run of {limited(goals.seconds)}: {takes}"
    else:
        answer = "yes" if goals.weeks >= 2 or not slow else "no"
        weeks = f"{goals.weeks:g} week{'s' * (goals.weeks != 1)}"
        because = f"{weeks}, so a run may take {limited(goals.seconds)}{_reason(choice, 'iterations')}; {takes}"
        out = [c for c in choice.candidates if not late(c) and not c.reason.startswith(LACKING)]
        because += barred(out, goals.seconds).replace(":", ";", 1)
    return Answer(
        question="iterations",
        asked=ASKED["iterations"],
        answer=answer,
        because=because + (f"; too long for it: {joined(slow)}" if slow else "") + ".",
        facts=(
            Fact(name="seconds", value=goals.seconds, unit="s", how="limit of one run"),
            *(() if goals.weeks is None else (Fact(name="weeks", value=goals.weeks, unit="weeks", how="as told"),)),
            Fact(name="seconds_likely", value=all_in.likely, unit="s", how="sum of the estimates of what is to run"),
        ),
        changes=tuple(more_time(situation, choice)),
    )


def _reason(choice: Choice, question: Question) -> str:
    """Why the first rule on a question holds; "" where none speaks of this, as of a plug-in's kind of data."""
    return next((f": {rule.reason}" for rule in choice.rules if rule.question == question), "")


def _known(situation: Situation, *names: str) -> tuple[Fact, ...]:
    by_name = {fact.name: fact for fact in situation.profile.facts}
    return tuple(by_name[name] for name in names if name in by_name)
