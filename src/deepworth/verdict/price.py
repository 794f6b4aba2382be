"""What the two compared models cost to train and to use, here and rented."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from deepworth.cost import money
from deepworth.cost.choice import rented
from deepworth.decide.hardware import found, priced, reckoned
from deepworth.registry import ModelSpec, find, resolve, specs
from deepworth.store import RunFolder
from deepworth.types import DEEP, Estimate, Hardware, Machine, Price, Range, TrialResult, Workload

VCPU_GB = 2.0  # of memory that come at least with a rented vCPU
ANOTHER_CPU = 1.5  # times faster or slower that a rented processor may be
# Training reaches 0.04 to 0.55 of a card's peak, 0.25 likely (cost/machine.py): the factors on the likely seconds.
FASTEST, SLOWEST = 0.25 / 0.55, 0.25 / 0.04


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
    with the seconds that were measured, moved by the quotient of the model's cost formula there and here. Features that
    were kept from an earlier trial are charged with what they take when they are computed for a prediction, if
    predictions were timed.
    """
    kept = trial.notes.get("features_kept", 0) * trial.ms_32 / 1000
    trial = replace(trial, seconds=trial.seconds + kept)
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
