"""Every record that crosses a boundary: frozen, keyword-only, without arrays, with a JSON round trip."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, dataclass_transform

import msgspec

Modality = str  # the name of a registered ModalitySpec: tabular, text, image, audio, or that of a plug-in
Kind = Literal["number", "category", "boolean", "datetime", "text", "image", "audio", "id", "constant"]
TaskKind = Literal["binary", "multiclass", "regression"]  # room for multilabel, multitarget, forecasting, transcription
Rung = Literal["floor", "classical", "frozen", "tuned", "custom"]
Status = Literal["done", "skipped", "failed", "stopped"]
Conclusion = Literal["worth it", "not worth it", "no measurable difference", "cannot tell yet"]
Question = Literal["data", "amount", "hardware", "iterations"]
Said = Literal["yes", "no", "unsure"]
Label = str | int | float | bool

RUNGS: tuple[Rung, ...] = ("floor", "classical", "frozen", "tuned", "custom")
SHALLOW: tuple[Rung, ...] = ("floor", "classical")
DEEP: tuple[Rung, ...] = ("frozen", "tuned", "custom")

ACCELERATOR_GFLOPS = {"cuda": 20_000.0, "mps": 2_000.0}  # reached in training by a modest one, where no more is known

R = TypeVar("R")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[R]) -> type[R]:
    """Make `cls` a record: a frozen, keyword-only dataclass with slots."""
    return dataclass(frozen=True, kw_only=True, slots=True)(cls)


@record
class Column:
    """One column of a source and what it was taken for."""

    name: str
    kind: Kind
    missing: float = 0.0  # share of rows, 0 to 1
    distinct: int = 0  # exact up to the profile's sample, else a lower bound
    why: str = ""  # what decided the kind
    form: str = (
        ""  # how its strings are read as numbers or dates, e.g. "1.234,5" or "%d/%m/%Y"; empty: values are typed
    )


@record
class Task:
    """What is predicted. Class codes are positions in `classes`; a regression has none."""

    kind: TaskKind
    target: str
    classes: tuple[Label, ...] = ()
    metric: str = ""  # the primary metric, a key of metrics.scores.METRICS

    @property
    def is_classification(self) -> bool:
        return self.kind != "regression"


@record
class Roles:
    """Columns that steer the split and are no features."""

    group: str | None = None
    time: str | None = None
    split: str | None = None


@record
class SourceOptions:
    """What the user says about a source; everything left out is found."""

    target: str | None = None
    task: TaskKind | None = None
    kinds: dict[str, Kind] = field(default_factory=dict)  # column -> kind, overrides what is found
    ignore: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    split: str | None = None
    modality: Modality | None = None


@record
class Dataset:
    """A handle on prepared data: what it is and where its Arrow file lies, no data."""

    name: str
    source: str
    reader: str
    modality: Modality
    task: Task
    rows: int
    columns: tuple[Column, ...]  # every column of the Arrow file, the target and the roles excepted
    features: tuple[str, ...]  # names of the columns models read: ids, constants and ignored ones left out
    fingerprint: str  # hash of the content of the feature columns
    table: str  # path of the Arrow IPC file
    roles: Roles = field(default_factory=Roles)
    notes: tuple[str, ...] = ()  # what was found and decided while opening, for the user to read

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def feature_columns(self) -> tuple[Column, ...]:
        columns = {column.name: column for column in self.columns}
        return tuple(columns[name] for name in self.features)


@record
class Splits:
    """How the rows were divided; the index arrays lie beside this record, test labels under `sealed/`."""

    protocol: str  # "given", "stratified", "random", "group", "time"
    seed: int
    train: int
    valid: int
    test: int
    fingerprint: str
    notes: tuple[str, ...] = ()


@record
class Goals:
    """What the user wants and what may be spent."""

    seconds: float = 300.0
    metric: str | None = None
    worth: float = 0.01  # least useful relative reduction of the error
    rungs: tuple[Rung, ...] = RUNGS
    models: tuple[str, ...] = ()  # empty: the plan decides; named models always enter
    weights: str | None = None  # a packaged name, a local folder or a hub id instead of the default pretrained network
    memory_gb: float | None = None  # None: 80 % of what the machine has free
    jobs: int = 1
    seed: int = 0
    weeks: float | None = None  # how long the project may iterate; None: as long as one run
    hardware: str = "auto"  # "auto": what is here; "none"; or accelerators by name, e.g. "T4", "2x A100-SXM4-80GB"


@record
class Fact:
    """One measured property of the data, and how it was measured."""

    name: str
    value: float | str
    unit: str = ""
    how: str = ""


@record
class Concern:
    """Something in the data a person should look at before believing a score."""

    id: str  # "leak", "duplicates", "imbalance", "group", "time", "broken", ...
    message: str
    columns: tuple[str, ...] = ()
    rows: int = 0
    examples: tuple[str, ...] = ()  # the first of them: files, or rows counted from 0


@record
class Profile:
    facts: tuple[Fact, ...] = ()
    concerns: tuple[Concern, ...] = ()

    def fact(self, name: str, default: float = 0.0) -> float:
        return next((float(f.value) for f in self.facts if f.name == name), default)


@record
class Spread:
    """How one measure of a column's values is spread: of numbers themselves, of lengths, of sizes of pictures."""

    of: str
    unit: str
    least: float
    low: float  # 5 % lie below
    median: float
    high: float  # 5 % lie above
    most: float


@record
class ColumnLook:
    """What is in one column."""

    column: Column
    spreads: tuple[Spread, ...] = ()
    common: tuple[tuple[str, int], ...] = ()  # the commonest values and their rows
    span: tuple[str, str] | None = None  # the first and the last date


@record
class Look:
    """What is in a source, and what looks wrong: found without training anything."""

    name: str
    source: str
    reader: str
    modality: Modality
    rows: int
    columns: tuple[ColumnLook, ...]
    task: Task | None = None
    splits: Splits | None = None
    profile: Profile = field(default_factory=Profile)
    notes: tuple[str, ...] = ()


@record
class Machine:
    """What this machine offers a trial."""

    threads: int
    memory_gb: float
    gflops: float  # reached in fp32 matrix products with all threads, measured
    accelerator: str = ""  # "cuda", "mps" or none
    bf16: bool = False  # whether the CPU has matrix units for it
    accelerators: int = 0  # devices
    accelerator_gb: float = 0.0  # memory of one of them; 0 where it is not known
    accelerator_gflops: float = 0.0  # reached in training by one of them

    def reaches(self, share: float, there: float = 1.0) -> float:
        """GFLOP/s of a network: `there` of what training of a plain one reaches on the accelerator, where there is one.

        Else `share` of the processor's fp32 matrix products.
        """
        if not self.accelerator:
            return share * self.gflops
        return there * (self.accelerator_gflops or ACCELERATOR_GFLOPS[self.accelerator])


@record
class Workload:
    """The sizes a cost function needs; text in characters, images in pixels, audio in seconds, all per row."""

    modality: Modality
    task: TaskKind
    classes: int
    train: int
    valid: int
    test: int
    numbers: int = 0
    categories: int = 0
    texts: int = 0
    chars: float = 0.0
    pixels: float = 0.0
    clip_seconds: float = 0.0

    @property
    def rows(self) -> int:
        return self.train + self.valid + self.test


@record
class Range:
    """A guess with its uncertainty, meant as a 90 % interval."""

    low: float
    likely: float
    high: float

    @classmethod
    def around(cls, likely: float, factor: float = 2.0) -> Range:
        return cls(low=likely / factor, likely=likely, high=likely * factor)


@record
class Estimate:
    seconds: Range
    peak_gb: Range
    basis: str  # where the numbers come from, in one phrase
    corrected: tuple[float, float] = (1.0, 1.0)  # factors on seconds and GB that earlier trials on this machine gave
    usd: Range | None = None  # rent or electricity of the hardware of the plan; None: not priced


@record
class Answer:
    """One of the four questions of the framework, answered from facts."""

    question: Question
    asked: str  # the question as one would say it aloud
    answer: Said
    because: str  # one sentence from the facts
    facts: tuple[Fact, ...] = ()
    changes: tuple[str, ...] = ()  # what would change it, e.g. "with an L4, the tuned rung would enter"


@record
class Missing:
    """What must be known before a plan can be made."""

    question: Question
    asks: str  # the question to the person
    flag: str  # how a command line says it, e.g. "--target COL"
    choices: tuple[str, ...] = ()  # sensible answers, the likeliest first


@record
class Rule:
    """One rule of the decision framework: where it holds, and what it does to the order and the choice of rungs.

    Rules order spending; they never forbid what the user names. Of the rules that fired the later one wins where two
    give a different `order` or `hours`.
    """

    id: str
    condition: str  # `when` in words
    effect: str  # what it does, in words
    reason: str  # one sentence
    source: str
    question: Question = "data"
    when: dict[str, Any] = field(default_factory=dict)  # fact -> its values, or {"least": a, "below": b}
    order: tuple[Rung, ...] = ()  # in which rungs are tried, the floor excepted
    skips: tuple[Rung, ...] = ()
    fits_only: tuple[Rung, ...] = ()  # run only where their likely time fits the limit
    expects: tuple[Rung, ...] = ()  # where the framework expects the winner
    hours: float | None = None  # a run may take where no time was given


@record
class Evidence:
    """What happened on published data sets of this kind; gain is the relative reduction of the error, its median."""

    id: str
    claim: str  # as a sentence with its numbers
    challenger: str
    base: str
    where: str  # which sets: the task, the sizes, how they were split
    sets: int
    share: float  # of the sets on which the challenger was better, with its 90 % interval
    share_low: float
    share_high: float
    gain: float
    gain_low: float
    gain_high: float
    source: str
    note: str = ""  # where it contradicts a rule, and which


@record
class Hardware:
    """What a plan reckons with: devices found here, or named."""

    name: str
    count: int = 1  # devices; 0 where there is no accelerator
    memory_gb: float = 0.0  # of one device, or of the machine where there is none
    usd_per_hour: float | None = None  # rent of all devices; None: owned, or no price is known
    watts: Range | None = None  # drawn by what is owned: electricity is its price
    priced: str = ""  # source and date of the price, or what was assumed of electricity
    found: bool = True  # detected here, not only named
    note: str = ""  # what was assumed, e.g. which of several parts of a name


@record
class Candidate:
    model: str
    rung: Rung
    estimate: Estimate
    decision: Literal["run", "skip"] = "run"
    reason: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@record
class Plan:
    """What `plan` says and `fit` follows."""

    candidates: tuple[Candidate, ...]  # in the order they will be tried
    about: str = ""  # the data and the task in one line
    concerns: tuple[Concern, ...] = ()  # of the profile
    notes: tuple[str, ...] = ()  # what was found and decided while opening and dividing
    rules: tuple[Rule, ...] = ()
    answers: tuple[Answer, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    hardware: Hardware | None = None
    justification: str = ""
    not_ready: tuple[Missing, ...] = ()

    def _repr_html_(self) -> str:
        """The plan as a notebook shows it."""
        html: str = importlib.import_module("deepworth.views.plan").html(self)
        return html


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
    """Relative reduction of the error of `challenger` against `base` on the test rows, with its interval."""

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


def dump(value: Any) -> bytes:
    """The JSON of a record, keys sorted, so that equal records give equal bytes."""
    return msgspec.json.encode(value, order="sorted", enc_hook=_plain)


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python number it is; learners and costs hand them over. Raises NotImplementedError."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} has no place in a record")


def load(cls: type[R], data: bytes | str | Path) -> R:
    """The record of type `cls` in `data` (JSON, or the path of a file of it). Raises msgspec.ValidationError."""
    return msgspec.json.decode(data.read_bytes() if isinstance(data, Path) else data, type=cls)
