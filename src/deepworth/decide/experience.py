"""What the stop rules know before the first step: how kinds of models did on published tables."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from deepworth.decide.evidence import DEPENDENT, published
from deepworth.decide.stop import NOTHING_PUBLISHED, Experience, learn, sampling_unit
from deepworth.types import Modality

FIRST = "lightgbm"  # untuned; gains are over it, and every published set has it


class Run(NamedTuple):
    """One kind of model on one published set: errors, seconds, and how finely the set tells errors apart."""

    valid: float
    test: float
    seconds: float
    unit: float


def experience_for(modality: Modality, protocol: str) -> Experience:
    """What is known of such data: of tables divided at random. It is not carried over to other data."""
    return experience() if modality == "tabular" and protocol not in DEPENDENT else NOTHING_PUBLISHED


def experience(source: str = "tabarena", without: Collection[str] = ()) -> Experience:
    """Learned from the sets of `source` but those called `without`: tables whose rows do not depend on each other."""
    sets = published_steps(source, without)
    if not sets:
        return NOTHING_PUBLISHED
    kinds = dict.fromkeys([FIRST, *(kind for runs in sets for kind in runs)])
    gains: dict[str, list[float]] = {kind: [] for kind in kinds}
    slips: dict[str, list[float]] = {kind: [] for kind in kinds}
    for runs in sets:
        first = runs[FIRST]
        for kind in kinds:
            run = runs.get(kind)
            gain = math.log(first.test / run.test) if run else math.nan
            gains[kind].append(gain)
            slips[kind].append((gain - math.log(first.valid / run.valid)) / first.unit if run else math.nan)
    return learn(gains, slips)


def published_steps(source: str, without: Collection[str] = ()) -> list[dict[str, Run]]:
    """The runs of each set of `source` by kind of model, leaving out those called `without`."""
    return [runs for dataset, runs in _steps()[source].items() if dataset not in without]


@functools.cache
def _steps() -> dict[str, dict[str, dict[str, Run]]]:
    """source -> data set -> kind of model -> its run."""
    found: dict[str, dict[str, dict[str, Run]]] = defaultdict(lambda: defaultdict(dict))
    for row in published("steps.csv"):
        valid = float(row["valid"])
        unit = sampling_unit(valid, int(row["rows"]), bounded=row["metric"] != "rmse")
        found[row["source"]][row["dataset"]][row["kind"]] = Run(valid, float(row["test"]), float(row["seconds"]), unit)
    return found
