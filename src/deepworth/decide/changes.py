"""What would change an answer: found by planning again with the other input, not by opinion."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from deepworth.cost.money import Option, cheapest_adequate
from deepworth.decide.candidates import LACKING, Choice, cheapest_card, choose
from deepworth.decide.limits import late, limited, total
from deepworth.decide.phrases import device, entering, joined, things, why
from deepworth.decide.rules import hours, thresholds
from deepworth.decide.shapes import useful_beside
from deepworth.decide.situation import Situation
from deepworth.types import Candidate
from deepworth.words import money_span, span

WEEKS = (1.0, 4.0, 12.0)
ROUND = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800)  # limits people give


def other_splits(situation: Situation) -> list[str]:
    """What the scores would be about if the rows were divided another way."""
    found = []
    for concern in situation.profile.concerns:
        if concern.id == "group" and situation.splits.protocol != "given":
            name = concern.columns[0]
            found.append(f"with --group {name}, the scores would be about a {name} never met before")
        if concern.id == "time" or (concern.id == "dates" and len(concern.columns) == 1):
            found.append(f"with --time-column {concern.columns[0]}, the scores would be about later times")
    return found


def other_modality(situation: Situation) -> list[str]:
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


def more_rows(situation: Situation) -> list[str]:
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


def other_hardware(situation: Situation, choice: Choice) -> list[str]:
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
    if named.usd_per_hour is None or (other.name, other.count) == (named.name, named.count):
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


def more_time(situation: Situation, choice: Choice) -> list[str]:
    """The least limit at which something else is tried, and what projects of more weeks would change."""
    goals, before = situation.goals, choose(situation, installed_only=False)
    found = []
    skipped = [c for c in before.candidates if late(c)]
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
    return found + _more_weeks(situation, before)


def _more_weeks(situation: Situation, before: Choice) -> list[str]:
    """What each longer project lets in that the one before it does not; those that change nothing share a line."""
    found, idle = [], []
    for weeks in WEEKS:
        if weeks <= (situation.goals.weeks or 0):
            continue
        longer = replace(situation.goals, weeks=weeks, seconds=max(situation.goals.seconds, hours(weeks) * 3600))
        after = choose(replace(situation, goals=longer), installed_only=False)
        if entered := entering(before, after):
            found.append(f"with --weeks {weeks:g} (up to {limited(longer.seconds)} a run), {' and '.join(entered)}")
        else:
            idle.append(f"{weeks:g}")
        before = after
    if not idle:
        return found or ["more time would not change which models are tried"]
    longest = max(situation.goals.seconds, hours(WEEKS[-1]) * 3600)
    out = barred(before.candidates, longest) or ": all of them are tried"
    return [
        *found,
        f"with --weeks {joined(idle).replace(' and ', ' or ')}, no {'further ' * bool(found)}model would enter{out}",
    ]


def barred(candidates: Iterable[Candidate], limit: float) -> str:
    """: image-resnet stays out, since ...; the first that is skipped under a `limit` of seconds, and what shares its
    reason; "" where none is.
    """
    left = [c for c in candidates if c.decision == "skip"]
    if not left:
        return ""
    kept = [c.model for c in left if why(c, limit) == why(left[0], limit)]
    single = len(kept) == 1
    return f": {joined(kept)} stay{'s' * single} out, since {why(left[0], limit, not single)}"


def _flag(seconds: int) -> str:
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}m"
