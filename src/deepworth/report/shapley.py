"""What moves the predictions of boosted trees on a table: Shapley values by column, and those of single mistakes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from deepworth.climb.model import Model
from deepworth.data.examples import Examples
from deepworth.models.additive import Additive, Contributions
from deepworth.report.examples import Example, cell
from deepworth.report.quality import Rows
from deepworth.report.words import short
from deepworth.types import record

ROWS = 500  # test rows whose Shapley values are taken (adult, 400 trees of 63 leaves: 2 ms a row)
CHUNK = 50
SHOWN = 12  # columns
PUSHES = 4  # columns named beside a mistake
STEADY = 0.3  # rank correlation from which a column is said to raise or lower
FEW = 5  # rows of a category from which its mean is named


@record
class Share:
    """How far one column moves a prediction: the mean of the absolute Shapley values, and where to."""

    column: str
    mean: float
    trend: str = ""  # "more of it raises it", or the values that raise and lower it most


@record
class Shap:
    """Mean absolute Shapley values on test rows, the strongest first."""

    shares: tuple[Share, ...]
    rows: int
    unit: str
    of: str  # what is moved: the probability of a class, or the target


def shap(model: Model, rows: Rows, until: float, seed: int = 0) -> Shap | None:
    """Shapley values of up to ROWS test rows; fewer where `until` (`time.monotonic()`) comes first, None without any.

    None too for a model whose predictions are no sums of what columns add.
    """
    learner = model.learner
    if not isinstance(learner, Additive):
        return None
    count = len(rows.labels)
    some = np.random.default_rng(seed).permutation(count)[:ROWS]
    made: list[Contributions] = []
    for start in range(0, len(some), CHUNK):
        if time.monotonic() > until:
            break
        made.append(learner.contributions(_unlabelled(rows.test.take(some[start : start + CHUNK]))))
    if not made:
        return None
    values = np.concatenate([one.values for one in made])
    seen = rows.test.take(some[: len(values)])
    task = seen.dataset.task
    means = np.abs(values).mean((0, 1))
    order = [i for i in np.argsort(-means, kind="stable")[:SHOWN] if means[i] > 0]
    single = values[:, 0] if values.shape[1] == 1 else None  # several classes have no one direction
    shares = tuple(
        Share(
            column=made[0].columns[i],
            mean=float(means[i]),
            trend="" if single is None else _trend(seen, made[0].columns[i], single[:, i]),
        )
        for i in order
    )
    of = {"binary": f"the probability of {task.classes[-1]}" if task.classes else "", "multiclass": "a class"}
    return Shap(shares=shares, rows=len(values), unit=made[0].unit, of=of.get(task.kind, task.target))


def pushed(model: Model, rows: Rows, positions: np.ndarray, examples: Sequence[Example]) -> tuple[Example, ...]:
    """The examples with the columns that drove each the wrong way: (column, value, what it adds to the mistake)."""
    learner = model.learner
    if not isinstance(learner, Additive) or not len(positions):
        return tuple(examples)
    some = _unlabelled(rows.test.take(positions))
    found = learner.contributions(some)
    towards = _towards(rows, positions, found.values)
    columns = {name: some.column(name) for name in some.dataset.features}
    made = []
    for i, example in enumerate(examples):
        strongest = [j for j in np.argsort(-towards[i], kind="stable")[:PUSHES] if towards[i, j] > 0]
        names = [found.columns[j] for j in strongest]
        values = [cell(columns[name][i].as_py()) if name in columns else "" for name in names]
        made.append(
            replace(
                example,
                pushes=tuple(
                    zip([short(name, 40) for name in names], values, towards[i, strongest].tolist(), strict=True)
                ),
            )
        )
    return tuple(made)


def _towards(rows: Rows, positions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n, columns): what each column adds to what was said, or to the side of the truth a number was said on."""
    predicted = rows.winner[positions]
    if predicted.ndim == 1:
        return values[:, 0] * np.sign(predicted - rows.labels[positions])[:, None]
    said = rows.said[positions]
    if values.shape[1] == 1:
        return values[:, 0] * np.where(said == 1, 1, -1)[:, None]
    return values[np.arange(len(said)), said] - values[np.arange(len(said)), rows.labels[positions]]


def _unlabelled(examples: Examples) -> Examples:
    return replace(examples, labels=None)


def _trend(seen: Examples, name: str, added: np.ndarray) -> str:
    """Where a column moves the prediction to, in words; empty where it has no one direction."""
    if name not in seen.dataset.features:
        return ""
    values = seen.column(name)
    if seen.dataset.column(name).kind in ("category", "boolean"):
        return _by_value(values, added)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return ""
    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    known = np.isfinite(numbers)
    if known.sum() < FEW or np.ptp(numbers[known]) == 0 or np.ptp(added[known]) == 0:
        return ""
    ranks, others = (np.unique(v, return_inverse=True)[1] for v in (numbers[known], added[known]))
    agree = float(np.corrcoef(ranks, others)[0, 1])
    return "" if abs(agree) < STEADY else f"more of it {'raises' if agree > 0 else 'lowers'} it"


def _by_value(values: pa.Array, added: np.ndarray) -> str:
    words = np.array([cell(value) for value in values.to_pylist()])
    known = [word for word, times in zip(*np.unique(words, return_counts=True), strict=True) if times >= FEW]
    if len(known) < 2:
        return ""
    means = [float(added[words == word].mean()) for word in known]
    return f"highest for {known[int(np.argmax(means))]}, lowest for {known[int(np.argmin(means))]}"
