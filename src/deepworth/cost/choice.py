"""Where one run fits and what it takes there: an answer for each kind of hardware, as many devices as it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from deepworth.cost import catalogue, money, requests
from deepworth.cost.money import Comparison, Option
from deepworth.errors import UserError
from deepworth.types import Range, record


@record
class Place:
    """One kind of hardware and the answer for it."""

    hardware: str
    count: int
    answer: dict[str, Any]
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
    """The run on each hardware of `names`, else on every GPU that can be rented at a known price.

    items: tokens or images of the whole run; without it nothing is compared in money. Where one device is not enough
    and the request names no number of them, there are as many as it takes. UserError where the request is wrong.
    """
    places = [_place(dict(request), items, name) for name in dict.fromkeys(names) or rented()]
    if items is None:
        return Choice(places=tuple(sorted(places, key=_rank)), comparison=None)
    timed = {place.name: place for place in places if place.seconds}
    comparison = money.cheapest_adequate(
        Option(hardware=place.hardware, count=place.count, seconds=place.seconds, fits=bool(place.answer["fits"]))
        for place in timed.values()
        if place.seconds
    )
    order = [timed[offer.name] for offer in comparison.offers]
    return Choice(places=(*order, *(place for place in places if not place.seconds)), comparison=comparison)


def rented() -> list[str]:
    """GPUs that can be rented at a known price; what else there is must be named."""
    return [part.name for part in catalogue.accelerators() if part.kind == "gpu" and money.prices(part.name)]


def _place(request: dict[str, Any], items: float | None, name: str) -> Place:
    answer = _answer(request | {"hardware": name})
    count, needed = int(request.get("n_gpus") or 1), answer.get("devices_needed")
    if not answer["fits"] and needed and needed > 1 and not request.get("n_gpus"):
        count = needed
        divided = {"n_gpus": count, "sharding": request.get("sharding") or "FULL_SHARD"}
        answer = _answer(request | {"hardware": name} | divided)
    rate = answer.get("items_per_second")
    seconds = None
    if items and rate:
        seconds = Range(low=items / rate["high"], likely=items / rate["likely"], high=items / rate["low"])
    return Place(hardware=catalogue.accelerator(name).name, count=count, answer=answer, seconds=seconds)


def _rank(place: Place) -> tuple[bool, float]:
    """Those that fit first, and by dollars an item."""
    price, rate = place.answer.get("usd_per_hour"), place.answer.get("items_per_second")
    return not place.answer["fits"], price["likely"] / rate["likely"] if price and rate else math.inf


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    answer = requests.answer(request)
    if "error" in answer:
        raise UserError(answer["error"])
    return answer
