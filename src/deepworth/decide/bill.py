"""The bill of a plan: whether a GPU is to be rented, GPU-hours and money with their range, and what one would add."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.decide.candidates import Choice, cheapest_card, choose
from deepworth.decide.hardware import priced
from deepworth.decide.limits import capped, limited, total
from deepworth.decide.phrases import device, gpu_hours, joined
from deepworth.decide.situation import Situation
from deepworth.registry import missing, specs
from deepworth.types import DEEP, Candidate, Hardware, Range
from deepworth.words import money_span, span

CENT = 0.01  # dollars
LONG = 900.0  # seconds a GPU must save before it is worth a thought


def bill(situation: Situation, choice: Choice) -> str:
    """The answer looked for: whether to rent, GPU-hours and money with their range, and what a GPU would add."""
    hardware, limit = situation.hardware, situation.goals.seconds
    if not choice.runs:
        return "Nothing can be tried: no model reads such data, or none of those that do fits."
    everything = capped(total(choice.runs), limit)
    together = f"everything together takes {span(everything)}"
    costs, cut = _costs(hardware, everything), _cut(choice, limit)
    if hardware.count == 0 and hardware.found:
        needed, more = _with_a_gpu(situation)
        return f"{needed}: on this machine ({hardware.name}) {together}{costs}.{cut}{more}"
    if hardware.count == 0:
        return f"On {device(hardware)} {together}{costs}.{cut}"
    deep = [c for c in choice.runs if c.rung in DEEP]
    hours = f"the networks take {gpu_hours(capped(total(deep), limit), hardware.count)}, and " if deep else ""
    hours += f"{together}{costs}"
    if hardware.found:
        return f"Do not rent a GPU for this: on the {hardware.name} that is here {hours}.{cut}"
    return f"On {device(hardware)} {hours}.{cut}{_without_one(situation)}"


def _without_one(situation: Situation) -> str:
    """What the GPU that was named is needed for."""
    bare = situation.on("none")
    runs, alone = (choose(each, installed_only=False).runs for each in (situation, bare))
    if added := [c.model for c in runs if c.model not in {b.model for b in alone}]:
        return f" Without a GPU the limit would leave out {joined(added)}."
    seconds = span(capped(total(alone), bare.goals.seconds))
    return f" Without a GPU the same would be tried, in {seconds} on this machine."


def _cut(choice: Choice, limit: float) -> str:
    """Which models the limit cuts short or leaves out, likely: the longest, since each holds back time for the rest."""
    rest, cut = sorted(choice.runs, key=lambda c: c.estimate.seconds.likely), []
    while rest and total(rest).likely > limit:
        cut.append(rest.pop().model)
    if not cut:
        return ""
    said = f" The limit of {limited(limit)} ends it: uncut it would take {span(total(choice.runs))}, so the longest"
    names = [c.model for c in choice.runs if c.model in cut]
    return f"{said} ({joined(names)}) {'are' if len(names) > 1 else 'is'} likely cut short or left out."


def _costs(hardware: Hardware, seconds: Range) -> str:
    cost = priced(seconds, hardware)
    if cost is None:
        return ""
    if hardware.usd_per_hour is None:
        return f"; the electricity costs {money_span(cost) if cost.high >= CENT else 'less than a cent'}"
    return f" and {money_span(cost)} ({hardware.priced})"


def _with_a_gpu(situation: Situation) -> tuple[str, str]:
    """Whether one is needed, and what would be asked for if it were rented: other models, or only less time."""
    there = situation.on(cheapest_card(situation))
    here_runs, runs = (choose(each, installed_only=False).runs for each in (situation, there))
    before = {c.model for c in here_runs}
    if added := [c for c in runs if c.model not in before]:
        seconds = capped(total(added), there.goals.seconds)
        names = joined([c.model for c in added])
        return "Begin without renting a GPU", (
            f" Renting {device(there.hardware)}{_brought(added)} would let {names} in for {gpu_hours(seconds)}"
            f"{_costs(there.hardware, seconds)}."
        )
    here, faster = total(here_runs), total(runs)
    if here.likely < 1.5 * faster.likely:
        return "Do not rent a GPU for this", " Renting one would let no further model in."
    spent = capped(faster, there.goals.seconds)
    saved = capped(here, situation.goals.seconds).likely - spent.likely
    said = "No GPU is needed for this, one would only save time" if saved > LONG else "Do not rent a GPU for this"
    return said, (
        f" Renting {device(there.hardware)} would let no further model in; everything would take {span(faster)}"
        f"{_costs(there.hardware, spent)}."
    )


def _brought(added: Sequence[Candidate]) -> str:
    """The packages that would have to be there too, where this machine lacks them."""
    lacking = dict.fromkeys(package for c in added for package in missing(specs("models")[c.model]))
    return f" with {joined(list(lacking))}, not installed here," if lacking else ""
