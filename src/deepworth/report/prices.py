"""What prices mean: the two models side by side, what both cost, and from when on the dearer one pays."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deepworth import words
from deepworth.types import Gain, Price, TrialResult
from deepworth.words import duration, money_span, percent

NEAR = 1.05  # a ratio below it is called equal
FIRST, MANY = 1_000, 1_000_000  # predictions over which the training is paid off


def price_sentences(
    base: TrialResult, challenger: TrialResult, gain: Gain | None = None, prices: Sequence[Price] = ()
) -> tuple[str, ...]:
    """What the challenger costs in units of the base, and when it pays."""
    timed = base.ms_32 and challenger.ms_32  # else in one go, where features may have come from the cache
    uses = (challenger.ms_32, base.ms_32) if timed else (challenger.ms_predict, base.ms_predict)
    cheaper, dearer = _pair(base, challenger, prices) or (base, challenger)  # prices count features that were kept
    train, predict = _ratio(dearer.seconds, cheaper.seconds), _ratio(*uses)
    size = _ratio(challenger.artefact_mb, base.artefact_mb)
    said = (
        f"Beside {base.model}, {challenger.model} takes {train} the time to train, {predict} the time to predict and "
        f"{size} the space on disk."
    )
    return (said, *break_even(base, challenger, prices, gain))


def _ratio(one: float, other: float) -> str:
    if one <= 0 or other <= 0:
        return "an unknown multiple"
    ratio = one / other
    if 1 / NEAR < ratio < NEAR:
        return "about"
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times" if ratio >= 0.1 else f"{ratio:.1g} times"


def cost_sentences(base: TrialResult, challenger: TrialResult, prices: Sequence[Price]) -> tuple[str, ...]:
    """What both cost to train and to use."""
    pair = _pair(base, challenger, prices)
    if pair is None:
        return ()
    ours, theirs = pair
    where = f" on {ours.hardware}" if ours.hardware == theirs.hardware else ""
    trained = (f"{model} {_training(one, where)}" for model, one in ((base.model, ours), (challenger.model, theirs)))
    said = [f"Training{where} took {' and '.join(trained)}."]
    for trial in (base, challenger):
        if kept := trial.notes.get("features_kept"):
            counts = "counts what they take" if trial.ms_32 else "leaves out what they take, which was not timed"
            said.append(f"{trial.model} found the features of {kept:,} rows kept: the price {counts}.")
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
    once, each = dollars(max(training, 0.0) / per), _worth(using * MANY / per)
    one = f"{sure}one" if sure else "One"
    said = f"{one} per cent of the error less costs {once} of training and {each} on every million predictions."
    fewer = challenger.test.get("accuracy", 0.0) - base.test.get("accuracy", 0.0)  # errors a prediction
    if "accuracy" in base.test and fewer <= 0:
        return f"{said} With a class said at a probability of one half, it makes no fewer errors."
    if "accuracy" in base.test:
        first, many = (_worth((training / over + using) / fewer) for over in (FIRST, MANY))
        later = "" if first == many else f" over the first {FIRST:,} predictions, than {many} over a million"
        errors = f"{1000 * fewer:.0f}" if fewer >= 0.01 else f"{1000 * fewer:.2g}"
        return (
            f"{said} It makes {errors} errors fewer in 1,000 predictions: it pays where one avoided is worth "
            f"more than {first}{later}."
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
    return "nothing" if usd <= 0 else dollars(usd) if usd >= 1e-6 else "$0.000001"


def price_line(one: Price) -> str:
    """What one model costs, in a line."""
    cost = f", {words.money(one.usd.likely)}" if one.usd else ""
    each = f"{milliseconds(one.ms_1)} a prediction" if one.ms_1 else "predictions were not timed"
    batch = f" ({milliseconds(one.ms_32)} in batches of 32)" if one.ms_32 else ""
    return f"{duration(one.seconds)}{cost} to train; {each}{batch}; {words.megabytes(one.artefact_mb)}"


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
