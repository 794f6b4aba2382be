"""The bill of a plan: whether a GPU is to be rented, GPU-hours and money with their range, and what one would add."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.decide.candidates import Choice, cheapest_card, choose
from deepworth.decide.hardware import priced
from deepworth.decide.limits import capped, total
from deepworth.decide.phrases import article, device, gpu_hours, joined
from deepworth.decide.situation import Situation
from deepworth.registry import missing, specs
from deepworth.types import DEEP, Candidate, Hardware, Range
from deepworth.words import money_span, span

CENT = 0.01  # dollars
NO_MORE = "no further model in"
LONG = 900.0  # seconds a GPU must save before it is worth a thought


def bill(situation: Situation, choice: Choice, *, brief: bool = False) -> str:
    """The answer looked for: whether to rent, GPU-hours and money with their range, and what a GPU would add.

    `brief`: without a GPU that lets no further model in.
    """
    hardware, limit = situation.hardware, situation.goals.seconds
    if not choice.runs:
        return "Nothing can be tried: no model reads such data, or none of those that do fits."
    whole = total(choice.runs)
    everything = capped(whole, limit)
    takes = f"{_time(whole, limit)}{_costs(hardware, everything)}"
    where = f"{device(hardware)}" if not hardware.found else f"{hardware.name.partition(', no GPU')[0]} here"
    if hardware.count == 0 and hardware.found:
        needed, more = _with_a_gpu(situation)
        return f"{needed}: everything takes {takes} on {where}.{'' if brief and NO_MORE in more else more}"
    deep = [c for c in choice.runs if c.rung in DEEP]
    if hardware.count and deep:
        takes = f"the networks take {gpu_hours(capped(total(deep), limit), hardware.count)}, everything {takes}"
    else:
        takes = f"everything takes {takes}"
    if hardware.found:
        return f"Do not rent a GPU: on the {where} {takes}."
    return f"On {where} {takes}.{_without_one(situation) if hardware.count else ''}"


def _without_one(situation: Situation) -> str:
    """What the GPU that was named is needed for."""
    bare = situation.on("none")
    runs, alone = (choose(each, installed_only=False).runs for each in (situation, bare))
    if added := [c.model for c in runs if c.model not in {b.model for b in alone}]:
        return f" Without a GPU the limit would leave out {joined(added)}."
    return f" Without one the same would be tried, in {span(capped(total(alone), bare.goals.seconds))} on this machine."


def _time(seconds: Range, limit: float) -> str:
    """What the limit lets them take, and how long they would without it."""
    uncut = f" ({span(seconds)} without the limit)" if seconds.likely > limit else ""
    return f"{span(capped(seconds, limit))}{uncut}"


def _costs(hardware: Hardware, seconds: Range) -> str:
    cost = priced(seconds, hardware)
    if cost is None:
        return ""
    if hardware.usd_per_hour is None:
        return f" and {money_span(cost) if cost.high >= CENT else 'less than a cent'}"
    return f" and {money_span(cost)} ({hardware.priced})"


def _with_a_gpu(situation: Situation) -> tuple[str, str]:
    """Whether one is needed, and what would be asked for if it were rented: other models, or only less time."""
    there = situation.on(cheapest_card(situation))
    here_runs, runs = (choose(each, installed_only=False).runs for each in (situation, there))
    before = {c.model for c in here_runs}
    only = ""
    if added := [c for c in runs if c.model not in before]:
        seconds = capped(total(added), there.goals.seconds)
        lets, said = f"{joined([c.model for c in added])} in", "Begin without renting a GPU"
    else:
        here, faster = total(here_runs), total(runs)
        if here.likely < 1.5 * faster.likely:
            return "Do not rent a GPU", f" One would let {NO_MORE}."
        seconds, lets = capped(faster, there.goals.seconds), NO_MORE
        only = f" and only save time: everything in {_time(faster, there.goals.seconds)}"
        saved = capped(here, situation.goals.seconds).likely - seconds.likely
        said = "No GPU is needed, one would only save time" if saved > LONG else "Do not rent a GPU"
    costs = f"{gpu_hours(seconds)}{_costs(there.hardware, seconds)}"
    card = f"{article(there.hardware.name).title()} {there.hardware.name}{_brought(added)}"
    return said, f" {card} would let {lets}{only}, for {costs}."


def _brought(added: Sequence[Candidate]) -> str:
    """The packages that would have to be there too, where this machine lacks them."""
    lacking = dict.fromkeys(package for c in added for package in missing(specs("models")[c.model]))
    return f" with {joined(list(lacking))}, not installed here," if lacking else ""
