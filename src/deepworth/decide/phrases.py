"""Words the answers and the justification share: what examples are called, lists, and what another choice would try."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.decide.candidates import Choice
from deepworth.decide.limits import late, limited
from deepworth.decide.situation import Situation
from deepworth.types import Candidate, Hardware, Range, Workload
from deepworth.words import count, money, span

THINGS = {"tabular": "rows", "text": "texts", "image": "images", "audio": "recordings"}
SPOKEN_WITH_A_VOWEL = "AEFHILMNORSX8"  # as first letter of a name of a device
SHAPES = {"numbers": "number", "categories": "category", "booleans": "truth value", "dates": "date", "texts": "text"}


def things(work: Workload) -> str:
    """What the examples of a kind of data are called, in the plural."""
    return THINGS.get(work.modality, "examples")


def joined(names: Sequence[str], of: int | None = None) -> str:
    """a, b and c; with `of` more than there are names: a, b and 3 more."""
    names = list(names)
    if of is not None and of > len(names):
        names.append(f"{of - len(names)} more")
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def kind(situation: Situation) -> str:
    """a table of 6 numbers and 8 categories; images of about 19,200 pixels."""
    work = situation.work
    if work.modality == "tabular":
        facts = {fact.name: fact.value for fact in situation.profile.facts}
        return f"a table of {joined([count(int(facts[name]), noun) for name, noun in SHAPES.items() if name in facts])}"
    if work.modality == "text":
        columns = "" if work.texts < 2 else f" in {work.texts} columns"
        return f"texts of {work.chars:,.0f} characters on average{columns}"
    if work.modality == "image":
        return f"images of about {work.pixels:,.0f} pixels each"
    if work.modality == "audio":
        return f"recordings of {work.clip_seconds:.1f} seconds on average"
    return f"data of the kind {work.modality}"


def device(hardware: Hardware) -> str:
    """a T4 (16 GB, $0.53 an hour); an L4; 2 x L4."""
    rent = "" if hardware.usd_per_hour is None else f", ${hardware.usd_per_hour:.2f} an hour"
    number = article(hardware.name) if hardware.count < 2 else f"{hardware.count} x"
    memory = f" ({hardware.memory_gb:g} GB{rent})" if hardware.memory_gb else ""
    return f"{number} {hardware.name}{memory}"


def article(name: str) -> str:
    """a (T4), an (L4)."""
    return "an" if name[0] in SPOKEN_WITH_A_VOWEL else "a"


def gpu_hours(seconds: Range, devices: int = 1) -> str:
    """0.009 GPU-hours [0.004..0.018], of all devices together."""
    low, likely, high = (
        f"{hours:.3f}" if hours < 0.1 else f"{hours:.2g}" if hours < 10 else f"{hours:,.0f}"
        for hours in (end / 3600 * max(devices, 1) for end in (seconds.low, seconds.likely, seconds.high))
    )
    return f"{likely} GPU-hours [{low}..{high}]"


def priced(candidate: Candidate) -> str:
    """text-tuned (~3 m [1..9], $0.04)."""
    usd = candidate.estimate.usd
    cost = f", {money(usd.likely)}" if usd else ""
    return f"{candidate.model} ({span(candidate.estimate.seconds)}{cost})"


def why(candidate: Candidate, limit: float, many: bool = False) -> str:
    """The reason of a skip, as what follows "since"; `many` share it."""
    if late(candidate):
        return f"a run may take {limited(limit)}"
    verb, _, rest = candidate.reason.partition(" (rule")[0].partition(" ")
    if verb == "needs":
        return f"they need {rest}" if many else f"it needs {rest}"
    if verb == "estimated":  # gigabytes
        return f"{'each takes' if many else 'it takes'} about {rest}"
    return f"{verb} {rest}"


def entering(before: Choice, after: Choice) -> list[str]:
    """What `after` tries and `before` does not, and the other way round; a rung that is new is named."""
    old, new = {c.model for c in before.runs}, {c.model for c in after.runs}
    entered = [c for c in after.runs if c.model not in old]
    left = [c.model for c in before.runs if c.model not in new]
    said = []
    if entered:
        rungs = dict.fromkeys(c.rung for c in entered if c.rung not in {b.rung for b in before.runs})
        name = f"the {joined(list(rungs))} rung{'s' * (len(rungs) > 1)} would enter: " if rungs else ""
        said.append(f"{name}{joined([priced(c) for c in entered])}{'' if rungs else ' would enter'}")
    if left:
        said.append(f"{joined(left)} would drop out")
    return said
