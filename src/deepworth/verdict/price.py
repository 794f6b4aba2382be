"""What the two compared models cost to train and to use, here and rented, and from when on the dearer one pays."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deepworth import words
from deepworth.cost import money
from deepworth.cost.choice import rented
from deepworth.decide.hardware import found, priced, reckoned
from deepworth.registry import ModelSpec, find, resolve, specs
from deepworth.store import RunFolder
from deepworth.types import DEEP, Estimate, Gain, Hardware, Machine, Price, Range, TrialResult, Workload
from deepworth.words import duration, money_span, percent

VCPU_GB = 2.0  # of memory that come at least with a rented vCPU
ANOTHER_CPU = 1.5  # times faster or slower that a rented processor may be
# Training reaches 0.04 to 0.55 of a card's peak, 0.25 likely (cost/machine.py): the factors on the likely seconds.
FASTEST, SLOWEST = 0.25 / 0.55, 0.25 / 0.04
CACHED = 10.0  # times longer than in one go that rows take in batches of 32: only where they were not computed
FIRST, MANY = 1_000, 1_000_000  # predictions over which the training is paid off


def price_models(run: RunFolder, trials: Sequence[TrialResult]) -> tuple[Price, ...]:
    """The price of each trial; none where the run has no plan, and so no hardware that it was reckoned on."""
    if not trials or not (run.path / "plan.json").exists():
        return ()
    hardware, machine = run.plan.hardware, run.claimed.machine
    if hardware is None or machine is None:
        return ()
    work: Workload = resolve(find("modalities", run.dataset.modality).workload)(run.dataset, run.splits)
    return tuple(price(trial, work, machine, hardware) for trial in trials)


def price(trial: TrialResult, work: Workload, machine: Machine, hardware: Hardware) -> Price:
    """One model's price: dollars are rent where `hardware` is rented, else electricity.

    What of a trial ran on the processor is not charged with the accelerator. Where renting costs least is reckoned
    with the seconds that were measured, moved by the quotient of the model's cost formula there and here.
    """
    bare = reckoned("none", machine)[1]
    on = hardware if trial.rung in DEEP and machine.accelerator else found(bare)
    spent = _exactly(trial.seconds)
    offer = _cheapest(trial, work, machine, bare)
    return Price(
        trial=trial.key,
        hardware=on.name,
        seconds=trial.seconds,
        kwh=money.kwh(spent, on.watts) if on.watts else None,
        usd=priced(spent, on),
        ms_1=trial.ms_1,
        ms_32=trial.ms_32,
        predict_gb=trial.predict_gb,
        usd_per_1000=priced(_exactly(trial.ms_32), on) if trial.ms_32 else None,  # 1,000 times so many thousandths
        artefact_mb=trial.artefact_mb,
        cheapest=offer.name if offer else "",
        cheapest_seconds=offer.option.seconds if offer else None,
        cheapest_usd=offer.usd if offer else None,
    )


def _cheapest(trial: TrialResult, work: Workload, machine: Machine, bare: Machine) -> money.Offer | None:
    """The hardware to rent on which training costs least: a processor like this one, or for a network a GPU."""
    spec = specs("models").get(trial.model)
    if spec is None:
        return None
    deep = trial.rung in DEEP
    here = _formula(spec, work, machine if deep else bare)
    cores = max(machine.threads, math.ceil(trial.peak_gb / VCPU_GB))
    there = Range.around(_moved(trial.seconds, here, _formula(spec, work, bare)), ANOTHER_CPU)
    options = [money.Option(hardware=money.VCPU, count=cores, seconds=there)]
    for name in rented() if deep else ():
        card = reckoned(name, machine)[1]
        estimate = _formula(spec, work, card)
        likely = _moved(trial.seconds, here, estimate)
        options.append(
            money.Option(
                hardware=name,
                seconds=Range(low=FASTEST * likely, likely=likely, high=SLOWEST * likely),
                fits=estimate.peak_gb.likely <= card.accelerator_gb,
                reason="too little memory",
            )
        )
    return money.cheapest_adequate(options).cheapest


def _formula(spec: ModelSpec, work: Workload, machine: Machine) -> Estimate:
    estimate: Estimate = resolve(spec.cost)(work, machine, {})
    return estimate


def _moved(seconds: float, here: Estimate, there: Estimate) -> float:
    return seconds * there.seconds.likely / here.seconds.likely if here.seconds.likely > 0 else seconds


def _exactly(seconds: float) -> Range:
    return Range.around(seconds, 1.0)


def cost_sentences(base: TrialResult, challenger: TrialResult, prices: Sequence[Price]) -> tuple[str, ...]:
    """What both cost to train and to use."""
    pair = _pair(base, challenger, prices)
    if pair is None:
        return ()
    ours, theirs = pair
    where = f" on {ours.hardware}" if ours.hardware == theirs.hardware else ""
    trained = (f"{model} {_training(one, where)}" for model, one in ((base.model, ours), (challenger.model, theirs)))
    said = [f"Training{where} took {' and '.join(trained)}."]
    for trial in filter(_cached, (base, challenger)):
        said.append(f"{trial.model} read its features from the cache: computed anew they take longer.")
    if ours.cheapest_usd and theirs.cheapest_usd:
        said.append(
            f"Rented, training costs least on {_rent(ours)} for {base.model}, on {_rent(theirs)} for "
            f"{challenger.model}."
        )
    if ours.ms_1 and theirs.ms_1:
        said.append(f"One prediction takes {base.model} {_using(ours)}, {challenger.model} {_using(theirs)}.")
    return tuple(said)


def break_even(
    base: TrialResult, challenger: TrialResult, prices: Sequence[Price], gain: Gain | None
) -> tuple[str, ...]:
    """What a per cent of the error costs, and what an error must be worth for the challenger to pay."""
    pair = _pair(base, challenger, prices)
    said = _break_even(base, challenger, *pair, gain) if pair and gain else ""
    return (said,) if said else ()


def _pair(base: TrialResult, challenger: TrialResult, prices: Sequence[Price]) -> tuple[Price, Price] | None:
    by_key = {one.trial: one for one in prices}
    return (by_key[base.key], by_key[challenger.key]) if {base.key, challenger.key} <= by_key.keys() else None


def _cached(trial: TrialResult) -> bool:
    """Whether a network's features were there from a run before: then the test rows took next to nothing."""
    return "cache" in trial.notes and trial.ms_32 > CACHED * trial.ms_predict


def _training(one: Price, where: str = "") -> str:
    """Seconds, energy and dollars, and the hardware unless it is said already."""
    spent = [duration(one.seconds)]
    if one.kwh:
        spent.append(energy(one.kwh.likely))
    if one.usd:
        spent.append(money_span(one.usd))
    return ", ".join(spent) + ("" if where else f" on {one.hardware}")


def _rent(one: Price) -> str:
    assert one.cheapest_usd and one.cheapest_seconds
    return f"{one.cheapest} ({money_span(one.cheapest_usd)}, about {duration(one.cheapest_seconds.likely)})"


def _using(one: Price) -> str:
    batch = f" ({milliseconds(one.ms_32)} in batches of 32)" if one.ms_32 else ""
    cost = f", {dollars(1000 * one.usd_per_1000.likely)} a million" if one.usd_per_1000 else ""
    return f"{milliseconds(one.ms_1)}{batch}{cost}, with {one.predict_gb:.2f} GB of memory"


def _break_even(base: TrialResult, challenger: TrialResult, ours: Price, theirs: Price, gain: Gain) -> str:
    """What a removed error must be worth: the money more, over the errors fewer. Empty where money is not known."""
    if not (ours.usd and theirs.usd and ours.usd_per_1000 and theirs.usd_per_1000) or not math.isfinite(gain.relative):
        return ""
    training = theirs.usd.likely - ours.usd.likely
    using = (theirs.usd_per_1000.likely - ours.usd_per_1000.likely) / 1000
    if gain.relative <= 0:
        return _without_gain(challenger.model, training, using)
    sure = "" if gain.low > 0 else "If the gain is as measured, "
    if training <= 0 and using <= 0:
        return f"{sure}{challenger.model} is no dearer to train or to use: it pays with the first error it removes."
    per = 100 * gain.relative
    once, each = dollars(max(training, 0.0) / per), dollars(max(using, 0.0) * MANY / per)
    one = f"{sure}one" if sure else "One"
    said = f"{one} per cent of the error less costs {once} of training and {each} on every million predictions."
    fewer = challenger.test.get("accuracy", 0.0) - base.test.get("accuracy", 0.0)  # errors a prediction
    if "accuracy" in base.test and fewer <= 0:
        return f"{said} With a class said at a probability of one half, it makes no fewer errors."
    if "accuracy" in base.test:
        first, many = (_worth((training / over + using) / fewer) for over in (FIRST, MANY))
        return (
            f"{said} It makes {1000 * fewer:.2g} errors fewer in 1,000 predictions: it pays where one avoided is worth "
            f"more than {first} over the first {FIRST:,} predictions, than {many} over a million."
        )
    first, many = (_worth(training + using * over) for over in (FIRST, MANY))
    return (
        f"{said} It pays where {percent(gain.relative, signed=False)} less error is worth more than {first} on the "
        f"first {FIRST:,} predictions together, than {many} on a million."
    )


def _without_gain(challenger: str, training: float, using: float) -> str:
    """Whether a model that removes no error saves money."""
    if training > 0 and using < 0:
        after = f"{float(f'{training / -using:.1e}'):,.0f}"
        return (
            f"{challenger} removes no error; after about {after} predictions, which are cheaper, its training is paid."
        )
    if training > 0 or using > 0:
        return f"{challenger} removes no error: at no price of an error does it pay."
    return f"{challenger} removes no error, and is no dearer to train or to use."


def _worth(usd: float) -> str:
    return "nothing" if usd <= 0 else dollars(usd)


def price_line(one: Price) -> str:
    """What one model costs, in a line."""
    cost = f", {words.money(one.usd.likely)}" if one.usd else ""
    each = f"{milliseconds(one.ms_1)} a prediction" if one.ms_1 else "predictions were not timed"
    batch = f" ({milliseconds(one.ms_32)} in batches of 32)" if one.ms_32 else ""
    return f"{duration(one.seconds)}{cost} to train; {each}{batch}; {one.artefact_mb:.1f} MB"


def dollars(usd: float) -> str:
    """Two digits that matter, however small: $0.00023, $0.012, $3.40, $1,250."""
    if 0 < usd < 1e-6:
        return "under $0.000001"
    if usd >= 0.995 or usd <= 0:
        return f"${usd:,.2f}" if 0 < usd < 99.5 else f"${usd:,.0f}"
    return f"${usd:.{1 - math.floor(math.log10(usd))}f}"


def energy(kwh: float) -> str:
    """0.42 Wh, 1.3 kWh."""
    if kwh >= 10:
        return f"{kwh:,.0f} kWh"
    return f"{kwh:.2g} kWh" if kwh >= 0.1 else f"{1000 * kwh:.2g} Wh"


def milliseconds(ms: float) -> str:
    """0.031 ms, 4.2 ms, 128 ms."""
    if ms < 0.001:
        return "under 0.001 ms"
    return f"{ms:.2g} ms" if ms < 99.5 else f"{ms:,.0f} ms"
