"""Every sentence with a number about the model to use: how far it can be believed, where it is weak, what drives it."""

from __future__ import annotations

from collections.abc import Sequence

from deepworth.metrics.quality import Coverage, Slice
from deepworth.report.drivers import Driver
from deepworth.report.quality import Mistakes, Quality
from deepworth.report.shapley import Shap
from deepworth.report.words import loss as loss_of
from deepworth.report.words import number
from deepworth.types import Threshold, TrialResult
from deepworth.words import count, percent, portion, score

WARNED = 5  # slices named in a warning


def calibration(trial: TrialResult, quality: Quality) -> str:
    """The calibration error, and where the curve leaves the diagonal for sure."""
    off = [b for b in quality.curve if not b.low <= b.predicted <= b.high]
    said = f"{trial.model}'s probabilities are {percent(trial.test['ece'], signed=False)} off on average"
    if not off:
        return said + "; what came true agrees with what was said in every bin of rows."
    far = max(off, key=lambda b: abs(b.predicted - b.observed))
    return (
        f"{said}; in {len(off)} of {len(quality.curve)} bins of rows something else came true, most where "
        f"{portion(far.predicted)} was said and {portion(far.observed)} [{far.low:.0%} .. {far.high:.0%}] did."
    )


def mistakes(found: Mistakes, rows: int) -> str:
    if not found.most:
        return f"Not one of {rows:,} test rows is given to a wrong class."
    true, said, often = found.most[0]
    return f"The most frequent mistake: {true} taken for {said}, in {often:,} of {rows:,} test rows."


def coverage(found: Coverage, target: str, classes: bool) -> str:
    """What conformal prediction promised on validation rows and held on test rows."""
    held = f"{found.measured:.1%} [{found.low:.1%} .. {found.high:.1%}] of {found.rows:,} test rows"
    verdict = (
        "as promised"
        if found.low <= found.level <= found.high
        else ("less than promised" if found.high < found.level else "more than promised")
    )
    if classes:
        none = ", for some rows none" if found.size < 1 else ""
        return (
            f"Sets of classes made on validation rows to hold the true one for {found.level:.0%} of rows hold it for "
            f"{held}, {verdict}; they name {found.size:.2f} classes on average{none}, and one alone for "
            f"{found.alone:.0%}."
        )
    return (
        f"Intervals of {target} made on validation rows to hold the true value for {found.level:.0%} of rows hold it "
        f"for {held}, {verdict}; they are {number(found.size)} wide."
    )


def slices(quality: Quality, winner: str, other: str | None) -> tuple[str, ...]:
    """A warning for each slice where the winner is worse than the other for sure, or that there is none."""
    judged = [s for s in quality.slices if s.low is not None]
    if not judged or other is None:
        return ()
    worse = [s for s in judged if s.worse]
    if not worse:
        if len(judged) == 1:
            return (f"On the one slice of the test rows {winner} is not measurably worse than {other}.",)
        return (f"On none of {len(judged):,} slices of the test rows is {winner} measurably worse than {other}.",)
    lines = tuple(_slice(s, quality.loss, winner, other) for s in worse[:WARNED])
    rest = len(worse) - WARNED
    return (*lines, f"And on {count(rest, 'slice')} more.") if rest > 0 else lines


def _slice(s: Slice, loss: str, winner: str, other: str) -> str:
    losses = f"{loss} {loss_of(s.winner, loss)} against {loss_of(s.other or 0.0, loss)}"
    apart = [loss_of(value or 0.0, loss, signed=True) for value in (s.difference, s.low, s.high)]
    return (
        f"On {s.column} = {s.value} ({s.rows:,} rows) {winner} is worse than {other}: {losses}, "
        f"{apart[0]} [{apart[1]} .. {apart[2]}]."
    )


def drivers(found: Sequence[Driver], loss: str) -> str:
    """The columns that matter for sure, and how many do not."""
    sure = [d for d in found if d.low > 0]
    if not sure:
        return f"Shuffling no single column measurably raises the {loss}."
    first = sure[0]
    others = f", then {', '.join(d.column for d in sure[1:4])}" if len(sure) > 1 else ""
    return (
        f"{first.column} matters most{others}: shuffled, it raises the {loss} by {first.increase:.3g} "
        f"[{first.low:.3g} .. {first.high:.3g}]. {len(sure)} of {count(len(found), 'column')} shown matter measurably."
    )


def threshold(model: str, chosen: Threshold) -> str:
    """From which probability on the second class is said, and what that changes on test rows."""
    named = [name for name in chosen.test if name in chosen.test_at_half]
    changes = ", ".join(
        f"{name} {score(chosen.test[name])} instead of {score(chosen.test_at_half[name])}" for name in named
    )
    missed = "" if chosen.reached else ", which no threshold reaches on them: it is the nearest"
    return (
        f"{model} says {chosen.positive} from a probability of {chosen.value:.3g} on, chosen on validation rows for "
        f"{chosen.rule}{missed}. On test rows that gives {changes} at one half."
    )


def shap(found: Shap) -> str:
    """The columns that move predictions most, how far and where to."""
    named = "; ".join(
        f"{one.column} {one.mean:.3g}" + (f" ({one.trend})" if one.trend else "") for one in found.shares[:4]
    )
    return (
        f"What moves {found.of} most, in {found.unit}, as the mean of the absolute Shapley values of "
        f"{count(found.rows, 'test row')}: {named}."
    )
