"""Where one run fits and what it takes there: an answer for each kind of hardware, as many devices as it needs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepworth.cost import catalogue, language_time, money, place, requests
from deepworth.cost.money import Comparison, Option
from deepworth.cost.place import Site
from deepworth.errors import UserError
from deepworth.types import Range, record

CHANGES = {  # what language.remedy calls it -> fields of a request, and options of the command
    "gradient checkpointing": ({"grad_ckpt": 1}, {"--checkpointing": ""}),
    "a micro-batch of 1": ({"micro_batch": 1}, {"--batch": "1"}),
    "one sequence at a time": ({"micro_batch": 1}, {"--batch": "1"}),
    "gradient checkpointing and a micro-batch of 1": (
        {"grad_ckpt": 1, "micro_batch": 1},
        {"--checkpointing": "", "--batch": "1"},
    ),
}
FEWER_BITS: dict[
    str, tuple[str, dict[str, Any], dict[str, str]]
] = {  # beyond what keeps the method: by task of a request
    "train": (
        "4-bit weights, adapters, gradient checkpointing and a micro-batch of 1",
        {"method": "qlora", "grad_ckpt": 1, "micro_batch": 1},
        {"--method": "qlora", "--checkpointing": "", "--batch": "1"},
    ),
    "generate": ("4-bit weights", {"quant": "nf4"}, {"--quant": "nf4"}),
}
PROCESSORS = (place.HERE, "8 vCPU", "32 vCPU")  # where models of tables are priced if nothing is named


@record
class Place:
    """One kind of hardware and the answer for it."""

    hardware: str
    count: int
    answer: dict[str, Any]
    site: Site
    seconds: Range | None = None  # of the whole run

    @property
    def name(self) -> str:
        return self.hardware if self.count == 1 else f"{self.count}x {self.hardware}"


@record
class Choice:
    """All places, the ones that fit and cost least first; compared in money where the length of the run is known."""

    places: tuple[Place, ...]
    comparison: Comparison | None


def choose(request: Mapping[str, Any], items: float | None, names: Sequence[str] = ()) -> Choice:
    """The run on each hardware of `names` (`T4`, `2x L4`, `auto`), else on every GPU that can be rented.

    A model of tables is looked at on PROCESSORS instead. items: tokens, images, or rows times rounds of the whole run;
    without it nothing is compared in money. Where one device is not enough and nothing names a number, there are as
    many as it takes, up to the largest machine of the part, and beyond where clusters of it are known. UserError
    where the request is wrong.
    """
    usual = PROCESSORS if request.get("kind") == "table" else rented()
    places = [_place(dict(request), items, name) for name in dict.fromkeys(names) or usual]
    if items is None:
        return Choice(places=tuple(sorted(places, key=_rank)), comparison=None)
    timed = {each.name: each for each in places if each.seconds}
    comparison = money.cheapest_adequate(option for each in timed.values() if (option := _option(each)))
    order = [timed[offer.name] for offer in comparison.offers]
    return Choice(places=(*order, *(each for each in places if not each.seconds)), comparison=comparison)


@record
class Easier:
    """What a run that fits nowhere as asked is made smaller by, and the choice it then has."""

    change: str
    flags: dict[str, str]  # of the command
    choice: Choice


def easier(request: Mapping[str, Any], items: float | None, names: Sequence[str], choice: Choice) -> Easier | None:
    """The mildest usual change with which the run fits somewhere; None where it fits as asked, or nothing helps."""
    if any(place.answer["fits"] for place in choice.places):
        return None
    if "batch" in request:  # of images: as many as people take of those that fit
        smaller = choose({field: value for field, value in request.items() if field != "batch"}, items, names)
        fitting = [place.answer["batch"] for place in smaller.places if place.answer["fits"]]
        flags = {"--batch": str(fitting[0])} if fitting else {}
        return Easier(change="fewer images at a time", flags=flags, choice=smaller) if fitting else None
    helping = {place.answer.get("remedy") for place in choice.places}
    for change, (fields, flags) in CHANGES.items():
        if change in helping:
            return Easier(change=change, flags=flags, choice=choose({**request, **fields}, items, names))
    for change, fields, flags in _further(request, choice):
        smaller = choose({**request, **fields}, items, names)
        if any(place.answer["fits"] for place in smaller.places):
            return Easier(change=change, flags=flags, choice=smaller)
    return None


def _further(request: Mapping[str, Any], choice: Choice) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """What costs more than CHANGES do: more devices than were named, then fewer bits. Each is still to be tried."""
    if request.get("kind") != "llm":
        return
    enough = [
        (needed, place.answer["needed_sharding"])
        for place in choice.places
        if (needed := place.answer["devices_needed"]) and place.count < needed <= _most(place.site)
    ]
    if enough:
        count, sharding = min(enough)
        flags = {"--devices": str(count), "--sharding": sharding}
        yield f"{count} devices", {"n_gpus": count, "sharding": sharding}, flags
    yield FEWER_BITS[request["task"]]


def rented() -> list[str]:
    """GPUs that can be rented at a known price; what else there is must be named."""
    return [part.name for part in catalogue.accelerators() if part.kind == "gpu" and money.prices(part.name)]


def _place(request: dict[str, Any], items: float | None, name: str) -> Place:
    site = place.site(name, processor=request.get("kind") == "table")
    request |= {"hardware": name}
    answer = _answer(request)
    needed, fixed = answer.get("devices_needed"), bool(request.get("n_gpus") or site.count)
    if not answer["fits"] and needed and needed > 1 and not fixed:
        if needed <= _most(site):
            sharding = request.get("sharding") or answer["needed_sharding"]  # the stack of the request stays
            answer = _answer(request | {"n_gpus": needed, "sharding": sharding})
        else:
            held = place.rentable(site.device.name) or language_time.HOST
            answer["warnings"].append(f"the largest machine with {site.device.name} holds {held}, fewer than {needed}")
    rate = answer.get("items_per_second")
    seconds = None
    if items and rate:
        seconds = Range(low=items / rate["high"], likely=items / rate["likely"], high=items / rate["low"])
    return Place(hardware=site.device.name, count=answer["n_gpus"], answer=answer, seconds=seconds, site=site)


def _most(site: Site) -> int:
    """Devices that are offered unasked: of one machine that can be rented, or of a cluster that was measured."""
    if language_time.clustered(site.device):
        return 4096
    return place.rentable(site.device.name) or language_time.HOST


def _option(where: Place) -> Option | None:
    if where.seconds is None:
        return None
    watts = where.site.watts
    if watts:
        watts = Range(low=where.count * watts.low, likely=where.count * watts.likely, high=where.count * watts.high)
    name, count = place.rented_as(where.site, where.count)
    return Option(
        hardware=name,
        count=count,
        seconds=where.seconds,
        fits=bool(where.answer["fits"]),
        own=where.site.own,
        watts=watts,
    )


def _rank(where: Place) -> tuple[bool, float]:
    """Those that fit first, and by dollars an item."""
    price, rate = where.answer.get("usd_per_hour"), where.answer.get("items_per_second")
    return not where.answer["fits"], price["likely"] / rate["likely"] if price and rate else math.inf


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    answer = requests.answer(request)
    if "error" in answer:
        raise UserError(answer["error"])
    return answer
