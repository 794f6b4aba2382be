"""What was tried, what it gave, and what it means."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import Any, Literal

from deepworth.types.data import Task
from deepworth.types.names import Conclusion, Label, Rung, Status
from deepworth.types.plan import Estimate, Range
from deepworth.types.record import dump, record


@record
class Trial:
    """One model on one division of one dataset with one seed; its key is the hash of this record."""

    model: str
    rung: Rung
    data: str  # Dataset.fingerprint
    splits: str  # Splits.fingerprint
    task: Task
    seed: int = 0
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.model}-{hashlib.sha256(dump(self)).hexdigest()[:8]}"


@record
class TrialResult:
    key: str
    model: str
    rung: Rung
    status: Status
    reason: str = ""
    valid: dict[str, float] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0  # fit, predictions on valid and test, and saving
    seconds_fit: float = 0.0
    seconds_given: float = 0.0  # it might have taken
    limit: float = 0.0  # seconds, of the run it was made in
    ms_predict: float = 0.0  # per row, on the test rows
    ms_1: float = 0.0  # per prediction of one row at a time; 0 where it was not measured
    ms_32: float = 0.0  # per prediction in batches of 32
    predict_gb: float = 0.0  # resident memory of the process while it predicts
    peak_gb: float = 0.0
    artefact_mb: float = 0.0
    estimate: Estimate | None = None
    notes: dict[str, Any] = field(default_factory=dict)  # what the learner tells: rounds, precision, epochs


@record
class MetricInfo:
    name: str
    higher_is_better: bool
    error: str  # how it is turned into an error, e.g. "1 - auc"


@record
class Gain:
    """Relative reduction of the error of `challenger` against `base` on the test rows, with its interval.

    Where `base` is the best on the test rows of several `choices`, `low` is the least over all of them.
    """

    rung: Rung
    challenger: str
    base: str
    relative: float
    low: float
    high: float
    level: float = 0.95
    resamples: int = 0
    method: str = ""  # how the interval was made
    units: int = 0  # rows, groups or folds it was made from
    seeds: int = 1  # fits of the challenger with different seeds
    choices: int = 1  # shallow models, of which the base is the best on the test rows; 1 where these chose nothing


@record
class Repeat:
    """A trial made again with another seed, on another division or from fewer rows, and judged on test rows."""

    of: str  # key of the trial
    purpose: Literal["seed", "fold", "size"]
    number: int  # the seed, the fold, or the seed that drew the nested subsets
    rows: int  # it learned from
    folder: str  # of its division, from the run folder; "." where it is that of the run
    key: str  # of its own trial in there
    seconds: float
    error: float  # on the test rows of its division, as MetricInfo.error says


@record
class Projection:
    """A number that was projected, with its 95 % interval; `why_not` says why it is not reliable where it is not."""

    value: float
    low: float
    high: float
    why_not: str = ""


@record
class LearningCurve:
    """Errors of the best shallow and the best deep model on nested subsets of the training rows, and what follows."""

    base: str  # trial keys
    challenger: str
    sizes: tuple[int, ...]
    base_errors: tuple[tuple[float, ...], ...]  # (seeds, sizes)
    challenger_errors: tuple[tuple[float, ...], ...]
    crossing: Projection  # rows from which the challenger has the smaller error
    doubling: dict[str, Projection]  # trial key -> relative reduction of its error by twice the rows
    more_helps: str  # "data", "rung" or "cannot tell yet": twice the rows for the base, or the step to the challenger
    sentences: tuple[str, ...] = ()


@record
class Price:
    """What one model costs to train and to use, here and on the hardware it fits that is cheapest to rent."""

    trial: str
    hardware: str
    seconds: float  # of training
    kwh: Range | None
    usd: Range | None
    ms_1: float
    ms_32: float
    predict_gb: float
    usd_per_1000: Range | None  # predictions, in batches of 32
    artefact_mb: float
    cheapest: str = ""  # hardware to rent on which its training costs least; empty where none is known
    cheapest_seconds: Range | None = None
    cheapest_usd: Range | None = None


@record
class Threshold:
    """The probability from which on a model says the second class, chosen on validation rows as was asked."""

    rule: str  # as asked: f1, balanced_accuracy, precision=0.9, recall=0.9, cost=1:5
    value: float
    positive: Label  # the class it is about
    valid: dict[str, float]  # precision, recall, f1, ... of the validation rows
    test: dict[str, float]
    test_at_half: dict[str, float]  # the same test rows, the class said at a probability of one half
    reached: bool = True  # whether the validation rows have the least precision or recall that was asked for


@record
class RungVerdict:
    """Whether the best model of one deep rung is worth it against the best of the floor and classical rungs."""

    rung: Rung
    verdict: Conclusion
    sentence: str  # the verdict as one would say it aloud
    decide_next: str = ""  # what would decide it, when it cannot be told yet


@record
class Verdict:
    verdict: Conclusion
    sentence: str  # the verdict as one would say it aloud
    metric: MetricInfo
    gain: Gain | None
    gains: dict[str, Gain]  # per deep rung
    winner: str  # a trial key
    trials: tuple[TrialResult, ...]
    limits: dict[str, Any]
    decide_next: str = ""  # what would decide it, when it cannot be told yet
    dataset: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    answers: dict[str, RungVerdict] = field(default_factory=dict)  # per deep rung, also of one that was not run
    curve: LearningCurve | None = None
    prices: tuple[Price, ...] = ()  # of the shallow models (the winner's, the gain's), then of the deep one
    thresholds: dict[str, Threshold] = field(default_factory=dict)  # per trial that is done, where one was asked for
    not_made: tuple[str, ...] = ()  # why there is no learning curve, or no further seeds or folds
