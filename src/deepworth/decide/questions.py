"""The four questions, each answered from facts, with what would change it: found by planning again, not by opinion."""

from __future__ import annotations

import math
from dataclasses import replace

from deepworth.cost.money import Option, cheapest_adequate
from deepworth.decide.candidates import LACKING, Choice, cheapest_card, choose
from deepworth.decide.phrases import device, entering, joined, kind, limited, things, total
from deepworth.decide.rules import hours, thresholds
from deepworth.decide.shapes import NOT_READ, shapes, useful_beside
from deepworth.decide.situation import Situation
from deepworth.types import DEEP, Answer, Fact, Said
from deepworth.words import money_span, span

ASKED = {
    "data": "What is the data, and does its kind ask for deep learning?",
    "amount": "Is there enough of it to train a network?",
    "hardware": "Does the hardware allow training one?",
    "iterations": "Is there time to try it more than once?",
}
FEW_IN_CLASS = 20  # training examples below which a class can hardly be learned
ENOUGH_ROWS, LEAST_ROWS = 10_000, 200  # training rows of a table from which, and to which, the amount answers alone
LEAST_GB = 7.5  # of an "8 GB" card
WEEKS = (1.0, 4.0, 12.0)
ROUND = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800)  # limits people give


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
    table = work.modality == "tabular"
    other = next((c for c in shapes(situation.dataset, situation.profile) if c.id in NOT_READ), None)
    doubt: Said = "unsure" if other or (table and work.train >= LEAST_ROWS) else "no" if table else "yes"
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
        changes=(*_other_splits(situation), *_other_modality(situation)),
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


def _other_splits(situation: Situation) -> list[str]:
    """What the scores would be about if the rows were divided another way."""
    found = []
    for concern in situation.profile.concerns:
        if concern.id == "group" and situation.splits.protocol != "given":
            name = concern.columns[0]
            found.append(f"with --group {name}, the scores would be about a {name} never met before")
        if concern.id == "time" or (concern.id == "dates" and len(concern.columns) == 1):
            found.append(f"with --time-column {concern.columns[0]}, the scores would be about later times")
    return found


def _other_modality(situation: Situation) -> list[str]:
    """Which models would read the data as another kind, where its columns allow it."""
    work, dataset = situation.work, situation.dataset
    if work.modality == "tabular" and work.texts:
        other, what = "text", "only the text would be read"
        changed = replace(work, modality="text", numbers=0, categories=0)
    elif len(beside := [c for c in useful_beside(dataset, situation.profile) if c.kind in ("number", "category")]) > 1:
        numbers = sum(c.kind == "number" for c in beside)
        other, what = "tabular", f"{joined([c.name for c in beside[:4]], len(beside))} would be read instead"
        changed = replace(work, modality="tabular", numbers=numbers, categories=len(beside) - numbers, texts=0)
    else:
        return []
    if situation.goals.models:
        return []
    there = choose(replace(situation, work=changed), installed_only=False).runs
    names = joined([c.model for c in there if c.rung != "floor"][:4], len(there) - 1)
    return [f"with --modality {other}, {what}, by {names}"]


# 2. The amount


def _amount(situation: Situation, choice: Choice) -> Answer:
    work, noun = situation.work, things(situation.work)
    rarest = int(situation.profile.fact("rows_rarest_class")) if work.classes else 0
    classes = f" in {work.classes} classes, {rarest:,} in the rarest" if work.classes else ""
    rule = next(r for r in choice.rules if r.question == "amount")
    poor = f"; classes under {FEW_IN_CLASS} examples can hardly be learned" if 0 < rarest < FEW_IN_CLASS else ""
    doubt: Said = "unsure" if work.modality == "tabular" and work.train >= LEAST_ROWS else "no"
    return Answer(
        question="amount",
        asked=ASKED["amount"],
        answer="yes" if work.train >= ENOUGH_ROWS else doubt,
        because=f"{work.train:,} training {noun}{classes}: {rule.reason}{poor}.",
        facts=(
            Fact(name="train", value=float(work.train), unit="rows", how=f"{situation.splits.protocol} split"),
            *_known(situation, "rows", "classes", "rows_rarest_class", "majority_share", "imbalance"),
        ),
        changes=tuple(_more_rows(situation)),
    )


def _more_rows(situation: Situation) -> list[str]:
    """What the next size at which a rule changes would do; time allows as much as it takes, so that rows alone tell."""
    patient = replace(situation, goals=replace(situation.goals, seconds=math.inf))
    before = choose(patient, installed_only=False)
    for size in thresholds("train", situation.facts):
        if size <= situation.work.train:
            continue
        after = choose(patient.with_rows(int(size)), installed_only=False)
        entered = entering(before, after)
        new = [r for r in after.rules if r.question == "amount" and r not in before.rules]
        if entered or new:
            what = entered[0] if entered else f"{new[0].effect} (rule {new[0].id})"
            return [f"from {size:,.0f} training {things(situation.work)} on, {what}"]
    return []


# 3. The hardware


def _hardware(situation: Situation, choice: Choice) -> Answer:
    hardware, machine = situation.hardware, situation.machine
    rule = next((r for r in choice.rules if r.question == "hardware"), None)
    reason = f": {rule.reason}" if rule else ""
    deep = [c.model for c in choice.runs if c.rung in DEEP]
    answer: Said = "no"
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
        changes=tuple(_other_hardware(situation, choice)),
    )


def _other_hardware(situation: Situation, choice: Choice) -> list[str]:
    before = choose(situation, installed_only=False)
    card = cheapest_card(situation)
    cheaper = _cheaper(situation, card)
    found = []
    for name in ("none", card):
        other = situation.on(name)
        if other.hardware == situation.hardware or (name == "none" and not situation.hardware.count):
            continue
        after = choose(other, installed_only=False)
        if changed := entering(before, after) or (_faster(before, after) if not cheaper else []):
            called = "without a GPU" if name == "none" else f"with {device(other.hardware)}{_brought(choice)}"
            found.append(f"{called}, {' and '.join(changed)}")
    return found + cheaper or ["no other hardware would change which models are tried"]


def _brought(choice: Choice) -> str:
    """What other hardware is reckoned to have and this machine lacks."""
    lacking = [c.model for c in choice.candidates if c.reason.startswith(LACKING)]
    return f" and what {joined(lacking)} need{'s' * (len(lacking) == 1)} installed" if lacking else ""


def _cheaper(situation: Situation, card: str) -> list[str]:
    """The card that does the same for less than the named one, and from which speed-up on the dear one pays."""
    named, other = situation.hardware, situation.on(card).hardware
    if named.usd_per_hour is None or other.name == named.name:
        return []
    plans = (situation, situation.on(card))
    chosen = [choose(each, installed_only=False).runs for each in plans]
    if {c.model for c in chosen[0]} - {c.model for c in chosen[1]}:
        return []
    options = [
        Option(hardware=each.hardware.name, count=each.hardware.count, seconds=total(runs))
        for each, runs in zip(plans, chosen, strict=True)
    ]
    comparison = cheapest_adequate(options)
    best = comparison.cheapest
    if best is None or best.usd is None or best.option is options[0] or not comparison.break_evens:
        return []
    found = comparison.break_evens[0]
    dear, cheap = (total(runs) for runs in (chosen if found.dear.endswith(named.name) else chosen[::-1]))
    speedups = (cheap.low / dear.low, cheap.likely / dear.likely, cheap.high / dear.high)  # both are off alike
    sentence = replace(found, sure=len({speedup > found.needed for speedup in speedups}) == 1).sentence
    uncut = ", uncut" * (best.option.seconds.likely > situation.goals.seconds)
    return [f"{device(other)} would do the same for {money_span(best.usd)}{uncut}: {sentence}"]


def _faster(before: Choice, after: Choice) -> list[str]:
    """The same models in less than two thirds or more than one and a half times of the time."""
    old, new = total(before.runs), total(after.runs)
    if not old.likely or 2 / 3 < new.likely / old.likely < 1.5:
        return []
    return [f"the same models would take {span(new)} instead of {span(old)}"]


# 4. The iterations


def _iterations(situation: Situation, choice: Choice) -> Answer:
    goals, all_in = situation.goals, total(choice.runs)
    late = [c.model for c in choice.candidates if c.rung in DEEP and "the limit is" in c.reason]
    takes = f"everything that is to run takes {span(all_in)} in all" if all_in.likely else "nothing is to run"
    if all_in.likely > goals.seconds:
        takes += ", so the longest of it is likely cut short or left out"
    answer: Said = "unsure"
    if goals.weeks is None:
        because = f"--weeks was not given, so this is one run of {limited(goals.seconds)}: {takes}"
    else:
        answer = "yes" if goals.weeks >= 2 or not late else "no"
        rule = next(r for r in choice.rules if r.question == "iterations")
        weeks = f"{goals.weeks:g} week{'s' * (goals.weeks != 1)}"
        because = f"{weeks}, so a run may take {limited(goals.seconds)}: {rule.reason}; {takes}"
    return Answer(
        question="iterations",
        asked=ASKED["iterations"],
        answer=answer,
        because=because + (f"; too long for it: {joined(late)}" if late else "") + ".",
        facts=(
            Fact(name="seconds", value=goals.seconds, unit="s", how="limit of one run"),
            *(() if goals.weeks is None else (Fact(name="weeks", value=goals.weeks, unit="weeks", how="as told"),)),
            Fact(name="seconds_likely", value=all_in.likely, unit="s", how="sum of the estimates of what is to run"),
        ),
        changes=tuple(_more_time(situation, choice)),
    )


def _more_time(situation: Situation, choice: Choice) -> list[str]:
    """The least limit at which something else is tried, and what a project of more weeks would change."""
    goals, before = situation.goals, choose(situation, installed_only=False)
    found = []
    skipped = [c for c in before.candidates if "the limit is" in c.reason]
    if skipped:
        least = 1.1 * (total(choice.runs).likely + min(c.estimate.seconds.likely for c in skipped))
        limit = next((size for size in ROUND if size >= least), None)
        if limit:
            after = choose(replace(situation, goals=replace(goals, seconds=float(limit))), installed_only=False)
            if entered := entering(before, after):
                found.append(f"with --time {_flag(limit)}, {' and '.join(entered)}")
    whole = total(choice.runs).likely
    if whole > goals.seconds and (enough := next((size for size in ROUND if size >= whole), None)):
        found.append(f"with --time {_flag(enough)}, all that is to run would likely end")
    for weeks in WEEKS if not found else ():
        if weeks <= (goals.weeks or 0):
            continue
        longer = replace(goals, weeks=weeks, seconds=max(goals.seconds, hours(weeks) * 3600))
        after = choose(replace(situation, goals=longer), installed_only=False)
        if entered := entering(before, after):
            return [f"with --weeks {weeks:g}, {' and '.join(entered)}"]
    return found or ["more time would not change which models are tried"]


def _flag(seconds: int) -> str:
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}m"


def _known(situation: Situation, *names: str) -> tuple[Fact, ...]:
    by_name = {fact.name: fact for fact in situation.profile.facts}
    return tuple(by_name[name] for name in names if name in by_name)
