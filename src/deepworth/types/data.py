"""The data as it was read, divided and looked at."""

from __future__ import annotations

from dataclasses import field

from deepworth.types.names import Kind, Label, Modality, TaskKind
from deepworth.types.record import record


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
    lists: tuple[str, ...] = ()  # columns of lists that no model reads; they are not in the Arrow file

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
