"""Learning curves of the two models that are compared: where they cross, and whether rows or the next rung help."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from deepworth.metrics.curves import (
    FAR,
    LEAST_SEEDS,
    LEAST_SIZES,
    Projected,
    crossing,
    data_or_rung,
    deviations,
    gain_of_more_rows,
    resampled_errors,
)
from deepworth.metrics.scores import Metric
from deepworth.store import RunFolder
from deepworth.types import Gain, LearningCurve, Projection, Repeat, TrialResult
from deepworth.words import percent

SAME_SIZE = 1.1  # subsets of groups or strata that differ by less are one size


def learning_curve(
    repeats: Sequence[Repeat],
    base: TrialResult,
    challenger: TrialResult,
    gain: Gain,
    rows: int,
    of_rows: Callable[[Sequence[Repeat]], np.ndarray | None] = lambda _: None,
) -> LearningCurve | None:
    """The curves of two trials from their repeats on nested subsets; `rows` are the training rows of the run.

    `of_rows` gives the (resamples, repeats) deviations that other test rows would have brought (`RowNoise`).
    None where fewer than LEAST_SEEDS draws of LEAST_SIZES sizes are there for both: fewer say nothing that holds. The
    four sizes of a run reach a quarter of its rows at least (`climb.repeats`): twice them is never too far to project.
    """
    found = _measured(repeats, base.key, challenger.key)
    if found is None:
        return None
    sizes, grid = found
    errors = np.array([[[one.error for one in line] for line in pair] for pair in grid])
    noise = of_rows([one for pair in grid for line in pair for one in line])
    noise = None if noise is None else noise.reshape(-1, *errors.shape)
    ours, theirs = np.moveaxis(resampled_errors(errors, of_rows=noise), 1, 0)
    doubling = {trial.key: _doubling(sizes, one, rows) for trial, one in ((base, ours), (challenger, theirs))}
    more_helps, difference = _data_or_rung(sizes, ours, gain, rows)
    crosses = crossing(sizes, ours, theirs)
    names = base.model, challenger.model
    return LearningCurve(
        base=base.key,
        challenger=challenger.key,
        sizes=tuple(int(size) for size in sizes),
        base_errors=tuple(map(tuple, errors[:, 0].tolist())),
        challenger_errors=tuple(map(tuple, errors[:, 1].tolist())),
        crossing=_within_reach(crosses, FAR * float(sizes[-1])),
        doubling=doubling,
        more_helps=more_helps,
        sentences=(
            _crossing_said(crosses, crossing(sizes, theirs, ours), bool(theirs[0, -1] < ours[0, -1]), sizes, *names),
            _doubling_said(doubling[base.key], doubling[challenger.key], rows, *names),
            _helps_said(more_helps, doubling[base.key], gain, difference, *names),
        ),
    )


class RowNoise:
    """What other test rows would have added to the errors of repeats, from what these predicted for the rows there."""

    def __init__(self, run: RunFolder, metric: Metric, labels: np.ndarray, groups: np.ndarray | None) -> None:
        self.run, self.metric, self.labels, self.groups = run, metric, labels, groups

    def __call__(self, repeats: Sequence[Repeat]) -> np.ndarray | None:
        """(resamples, repeats); None where predictions are gone, or for other rows than those of the run."""
        paths = [self.run.path / r.folder / "trials" / r.key / "predictions_test.npy" for r in repeats]
        if not all(path.exists() for path in paths):
            return None
        predictions = [np.load(path) for path in paths]
        if any(len(one) != len(self.labels) for one in predictions):
            return None
        return deviations(self.metric, self.labels, predictions, self.groups)


def _measured(
    repeats: Sequence[Repeat], base: str, challenger: str
) -> tuple[np.ndarray, list[list[list[Repeat]]]] | None:
    """(sizes,) rows and the repeats of both trials, [seeds][2][sizes]; sizes or seeds with gaps are left out.

    As many sizes as LEAST_SEEDS seeds have, and of these the ones that most seeds have. Errors that are no number are
    gaps.
    """
    known = [r for r in repeats if r.purpose == "size" and r.of in (base, challenger) and math.isfinite(r.error)]
    sizes = _sizes([r.rows for r in known])
    of_size = {rows: size for size, members in sizes.items() for rows in members}
    made = {(r.of, r.number, of_size[r.rows]): r for r in known}
    seeds = sorted({r.number for r in known})
    for count in range(len(sizes), LEAST_SIZES - 1, -1):
        best: tuple[list[int], tuple[int, ...]] = ([], ())
        for chosen in combinations(sorted(sizes), count):
            whole = [s for s in seeds if all((k, s, n) in made for k in (base, challenger) for n in chosen)]
            best = max(best, (whole, chosen), key=lambda one: len(one[0]))
        if len(best[0]) >= LEAST_SEEDS:
            grid = [[[made[k, s, n] for n in best[1]] for k in (base, challenger)] for s in best[0]]
            return np.array(best[1]), grid
    return None


def _sizes(rows: Sequence[int]) -> dict[int, set[int]]:
    """Size -> the numbers of rows that are meant by it: draws of whole groups differ a little from seed to seed."""
    sizes: dict[int, set[int]] = {}
    last = 0
    for one in sorted(set(rows)):
        if not last or one >= SAME_SIZE * last:
            last = one
        sizes.setdefault(last, set()).add(one)
    return {round(sum(members) / len(members)): members for members in sizes.values()}


def _within_reach(found: Projected, most: float) -> Projection:
    """With what lies beyond any projection at its border: a record holds no infinity."""
    value, low, high = (min(end, most) for end in (found.value, found.low, found.high))
    return Projection(value=value, low=low, high=high, why_not=found.why_not)


def _doubling(sizes: np.ndarray, errors: np.ndarray, rows: int, level: float = 0.95) -> Projection:
    """The relative reduction of the error by twice the rows."""
    estimate, drawn = gain_of_more_rows(sizes, errors, rows)
    low, high = (float(q) for q in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    return Projection(value=estimate, low=min(low, estimate), high=max(high, estimate))


def _data_or_rung(sizes: np.ndarray, errors: np.ndarray, gain: Gain, rows: int) -> tuple[str, Projected | None]:
    """Which of the two helps more, and the difference of their gains, where it is known."""
    if not math.isfinite(gain.relative):
        return "cannot tell yet", None
    return data_or_rung(gain_of_more_rows(sizes, errors, rows), (gain.relative, gain.low, gain.high))


def _crossing_said(
    found: Projected, back: Projected, leads: bool, sizes: np.ndarray, base: str, challenger: str
) -> str:
    """Who leads and from when on; `back` is where the base begins to lead, `leads` who does at the largest size."""
    smallest, largest = float(sizes[0]), float(sizes[-1])
    if found.reliable:
        overtakes = "overtakes" if found.value <= largest else "would overtake"
        return f"{challenger} {overtakes} {base} at about {_about(found, smallest)}."
    if found.high <= smallest:
        return f"{challenger} leads {base} from the smallest size on that was measured, {smallest:,.0f} training rows."
    if found.value <= smallest and math.isfinite(found.high):
        return f"{challenger} leads {base} from {_rows(found.high)} training rows on, or fewer."
    if back.reliable:
        leads_, overtakes = ("leads", "would overtake") if back.value > largest else ("led", "overtakes")
        return f"{challenger} {leads_} {base} on few rows; {base} {overtakes} it at about {_about(back, smallest)}."
    if leads:
        return (
            f"{challenger} leads {base} on the {largest:,.0f} training rows measured; whether it does on more is not "
            f"reliable: {found.why_not}."
        )
    if math.isinf(found.low):
        return (
            f"{challenger} would not overtake {base} within {FAR:.0f} times the {largest:,.0f} training rows measured."
        )
    return f"From how many rows on {challenger} overtakes {base} is not reliable: {found.why_not}."


def _about(found: Projected, smallest: float) -> str:
    low = f"below {smallest:,.0f}" if found.low <= smallest else _rows(found.low)
    return f"{_rows(found.value)} training rows [{low} .. {_rows(found.high)}]"


def _doubling_said(base: Projection, challenger: Projection, rows: int, base_name: str, challenger_name: str) -> str:
    return (
        f"Twice the {rows:,} training rows would take {_share(base)} of the error of {base_name}, and "
        f"{_share(challenger)} of that of {challenger_name}."
    )


def _helps_said(
    more_helps: str, data: Projection, gain: Gain, difference: Projected | None, base: str, challenger: str
) -> str:
    twice, step = _share(data), _share(gain)
    if more_helps == "data":
        return f"Twice the data would help {base} more ({twice} of the error) than the step to {challenger} ({step})."
    if more_helps == "rung":
        return f"The step to {challenger} helps more ({step} of the error) than twice the data would {base} ({twice})."
    said = f"Whether twice the data or the step to {challenger} helps {base} more cannot be told yet"
    return f"{said}." if difference is None else f"{said}: they differ by {_share(difference)} of the error."


def _share(found: Projection | Projected | Gain) -> str:
    value = found.relative if isinstance(found, Gain) else found.value
    return f"{percent(value)} [{percent(found.low)} .. {percent(found.high)}]"


def _rows(number: float) -> str:
    """Two digits that matter: it is a projection."""
    return f"{float(f'{number:.1e}'):,.0f}"
