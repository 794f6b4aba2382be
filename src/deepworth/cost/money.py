"""What a run costs: dollars from rented hours, kWh from power, and the cheapest hardware that will do."""

from __future__ import annotations

import csv
import functools
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from importlib import resources

import msgspec

from deepworth.cost.catalogue import Accelerator, accelerator
from deepworth.types import Range, record
from deepworth.words import duration, money_span, scaled

VCPU = "vCPU"  # the name of a hardware thread of a rented processor in the table of prices
REFERENCE = ("AWS", "GCP")  # whose list price is taken where they rent a part, so that parts are compared like for like
OLD = timedelta(days=365)
UTILISATION = Range(low=0.4, likely=0.75, high=1.0)  # of the rated power, while a run computes; an assumption
WATTS_A_CORE = Range(low=3.0, likely=8.0, high=15.0)  # of a processor the catalogue does not know; an assumption
ELECTRICITY = Range(low=0.15, likely=0.25, high=0.40)  # dollars a kWh on one's own bill; an assumption


@record
class Price:
    """What one provider asks for one machine, on demand."""

    provider: str
    instance: str
    accelerator: str
    count: int  # devices in the machine
    usd_per_hour: float  # of the machine
    usd_per_accel_hour: float
    region: str = ""
    as_of: str  # a day, month or year; or "undated" and what is known
    source: str
    notes: str = ""

    def oldest(self) -> date | None:
        """The earliest day the price can be of; None where nothing is known."""
        found = re.search(r"(20\d\d)(?:-(\d\d))?(?:-(\d\d))?", self.as_of)
        return date(*(int(part or 1) for part in found.groups())) if found else None

    def caveat(self, today: date | None = None) -> str:
        """What must be said of the age of this price; "" where it is dated and younger than a year."""
        oldest = self.oldest()
        what = f"the price of {self.accelerator} at {self.provider} ({self.instance})"
        old = oldest is None or (today or date.today()) - oldest > OLD
        if self.as_of.startswith("undated"):
            return f"{what} is {self.as_of}: " + ("it may be older than a year" if old else "check it")
        return f"{what} is of {self.as_of}, older than a year: check it" if old else ""


@record
class Rate:
    """Dollars an hour for `count` devices: the cheapest provider, the reference (`price`), and the dearest."""

    hardware: str
    count: int
    low: float
    likely: float
    high: float
    price: Price

    @property
    def basis(self) -> str:
        price, where = self.price, f", {self.price.region}" if self.price.region else ""
        part = f" / {price.count}" if price.count > 1 else ""
        each = f"${self.likely:.4g} an hour: {self.count} x (${price.usd_per_hour:.4g}{part})"
        spread = f"; ${self.low:.4g} to ${self.high:.4g} over all providers" if self.low < self.high else ""
        return f"{each}, {price.provider} {price.instance}{where}, {price.as_of}{spread}"


@record
class Option:
    """A way to do the work: so many seconds on so much hardware, if it fits."""

    hardware: str  # a name of the catalogue, "vCPU", or whatever one's own machine is called
    count: int = 1
    seconds: Range
    fits: bool = True
    reason: str = ""  # why it does not fit
    own: bool = False  # not rented: only electricity is paid
    watts: Range | None = None  # drawn by one's own machine; else by the rated power of `hardware`


@record
class Offer:
    """An option with its price."""

    option: Option
    hourly: float | None  # dollars; None: no price is known
    usd: Range | None
    kwh: Range | None
    basis: str
    adequate: bool
    why_not: str = ""

    @property
    def name(self) -> str:
        return f"{self.option.count}x {self.option.hardware}" if self.option.count > 1 else self.option.hardware


@record
class BreakEven:
    """When the hardware with the higher hourly price is the cheaper one: above `needed` times the speed."""

    dear: str
    cheap: str
    needed: float
    speedup: float  # expected here, from the likely seconds
    sure: bool  # whether the whole ranges of dollars say the same

    @property
    def pays(self) -> bool:
        return self.speedup > self.needed

    @property
    def sentence(self) -> str:
        doubt = "" if self.sure else " (the ranges overlap)"
        return (
            f"the {self.dear} pays over the {self.cheap} above a speed-up of {_times(self.needed)}; "
            f"yours is {_times(self.speedup)}{doubt}"
        )


@record
class Comparison:
    """Options by what they cost: the adequate ones first, the cheapest of them leading."""

    offers: tuple[Offer, ...]
    break_evens: tuple[BreakEven, ...]
    warnings: tuple[str, ...]

    @property
    def cheapest(self) -> Offer | None:
        return next((offer for offer in self.offers if offer.adequate and offer.usd), None)

    @property
    def sentence(self) -> str:
        best = self.cheapest
        if best is None or best.usd is None:
            return "no hardware that fits has a known price"
        took = duration(best.option.seconds.likely)
        return f"cheapest adequate: {best.name}, {money_span(best.usd)} for {took}"


@functools.cache
def _table() -> tuple[Price, ...]:
    with resources.files("deepworth.cost").joinpath("tables/prices.csv").open(encoding="utf-8") as file:
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
    return tuple(msgspec.convert(rows, list[Price], strict=False))


def prices(name: str) -> tuple[Price, ...]:
    """Every known price of the part called `name` ("vCPU": a thread of a processor). Raises UserError for none such."""
    part = VCPU if name == VCPU else accelerator(name).name
    return tuple(price for price in _table() if price.accelerator == part)


def usd_per_hour(name: str, count: int = 1, provider: str | None = None) -> Rate | None:
    """Dollars an hour for `count` devices, by their share of the price of a machine; None where no price is known.

    `likely` is the list price of the first of REFERENCE that rents the part, else the cheapest of the others; a
    provider's smallest machine that holds `count` of them counts, else several of its largest. Raises UserError.
    """
    by_provider: dict[str, list[Price]] = {}
    for price in prices(name):
        if provider is None or price.provider == provider:
            by_provider.setdefault(price.provider, []).append(price)
    if not by_provider:
        return None
    best = {who: _suited(offers, count) for who, offers in by_provider.items()}
    dearest_last = sorted(best.values(), key=lambda price: price.usd_per_accel_hour)
    chosen = next((best[who] for who in REFERENCE if who in best), dearest_last[0])
    hourly = [count * each for each in (_each(dearest_last[0]), _each(chosen), _each(dearest_last[-1]))]
    return Rate(hardware=chosen.accelerator, count=count, low=hourly[0], likely=hourly[1], high=hourly[2], price=chosen)


def _each(price: Price) -> float:
    return price.usd_per_hour / price.count


def _suited(offers: Sequence[Price], count: int) -> Price:
    """The smallest machine that holds `count` devices, else the largest; of several the cheapest."""
    holding = [price for price in offers if price.count >= count]
    size = min(p.count for p in holding) if holding else max(p.count for p in offers)
    return min((price for price in offers if price.count == size), key=_each)


def usd(seconds: Range, hourly: float) -> Range:
    """Dollars for so many seconds at so many dollars an hour."""
    return scaled(seconds, hourly / 3600)


def watts(item: Accelerator, count: int = 1) -> Range | None:
    """Power that `count` devices draw in a run, host and cooling left out: UTILISATION of what they are rated for."""
    return None if item.tdp_w is None else scaled(UTILISATION, item.tdp_w * count)


def core_watts(cores: int) -> Range:
    """Power that so many cores of a processor draw which the catalogue does not know."""
    return scaled(WATTS_A_CORE, cores)


def kwh(seconds: Range, power: Range) -> Range:
    """Energy of a run: seconds times watts, low with low and high with high."""
    return _product(seconds, power, 1 / 3.6e6)


def electricity(energy: Range, usd_per_kwh: Range = ELECTRICITY) -> Range:
    """Dollars for kWh on one's own bill."""
    return _product(energy, usd_per_kwh, 1.0)


def cheapest_adequate(
    options: Iterable[Option],
    *,
    within: float = math.inf,
    usd_per_kwh: Range = ELECTRICITY,
    today: date | None = None,
) -> Comparison:
    """The options by what they cost; adequate are those that fit and likely end `within` so many seconds."""
    rated = [_offer(option, within, usd_per_kwh) for option in options]
    offers = sorted((offer for offer, _ in rated), key=_order)
    adequate = [offer for offer in offers if offer.adequate and offer.usd]
    pairs = [(adequate[0], other) for other in adequate[1:]]
    warnings = dict.fromkeys(
        caveat for offer, rate in rated if offer.adequate and rate and (caveat := rate.price.caveat(today))
    )
    return Comparison(
        offers=tuple(offers),
        break_evens=tuple(found for pair in pairs if (found := break_even(*pair))),
        warnings=tuple(warnings),
    )


def break_even(one: Offer, other: Offer) -> BreakEven | None:
    """From which speed-up on the one with the higher hourly price is the cheaper; None where a price is not known."""
    if one.hourly is None or other.hourly is None or one.usd is None or other.usd is None:
        return None
    cheap, dear = sorted((one, other), key=lambda offer: offer.hourly or 0.0)
    assert cheap.hourly is not None and dear.hourly is not None and cheap.usd and dear.usd
    needed = dear.hourly / cheap.hourly if cheap.hourly else math.inf
    return BreakEven(
        dear=dear.name,
        cheap=cheap.name,
        needed=needed,
        speedup=cheap.option.seconds.likely / dear.option.seconds.likely,
        sure=cheap.usd.high < dear.usd.low or dear.usd.high < cheap.usd.low,
    )


def _offer(option: Option, within: float, usd_per_kwh: Range) -> tuple[Offer, Rate | None]:
    rate = None if option.own else usd_per_hour(option.hardware, option.count)
    power = option.watts or _power(option)
    energy = kwh(option.seconds, power) if power else None
    if option.own:
        cost = electricity(energy, usd_per_kwh) if energy else None
        hourly = power.likely / 1000 * usd_per_kwh.likely if power else None
        basis = f"own machine: only electricity, {usd_per_kwh.low:.2f} to {usd_per_kwh.high:.2f} dollars a kWh assumed"
    else:
        cost, hourly = (usd(option.seconds, rate.likely), rate.likely) if rate else (None, None)
        basis = rate.basis if rate else "no price is known"
    why_not = "" if option.fits else option.reason or "does not fit"
    if option.fits and option.seconds.likely > within:
        why_not = f"likely takes {duration(option.seconds.likely)}, there are {duration(within)}"
    offer = Offer(
        option=option, hourly=hourly, usd=cost, kwh=energy, basis=basis, adequate=not why_not, why_not=why_not
    )
    return offer, rate


def _power(option: Option) -> Range | None:
    return core_watts(option.count) if option.hardware == VCPU else watts(accelerator(option.hardware), option.count)


def _order(offer: Offer) -> tuple[bool, float]:
    return not offer.adequate, offer.usd.likely if offer.usd else math.inf


def _product(a: Range, b: Range, by: float) -> Range:
    return Range(low=a.low * b.low * by, likely=a.likely * b.likely * by, high=a.high * b.high * by)


def _times(ratio: float) -> str:
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x"
