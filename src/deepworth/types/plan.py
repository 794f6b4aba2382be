"""What is wanted, what the machine offers, and the plan made of both."""

from __future__ import annotations

import importlib
from dataclasses import field
from typing import Any, Literal

from deepworth.types.data import Concern, Fact
from deepworth.types.names import RUNGS, Modality, Question, Rung, Said, TaskKind
from deepworth.types.record import record

ACCELERATOR_GFLOPS = {"cuda": 20_000.0, "mps": 2_000.0}  # reached in training by a modest one, where no more is known


@record
class Goals:
    """What the user wants and what may be spent."""

    seconds: float = 300.0
    metric: str | None = None
    threshold: str | None = None  # what the probability from which a class is said is chosen for; None: the higher one
    worth: float = 0.01  # least useful relative reduction of the error
    rungs: tuple[Rung, ...] = RUNGS
    models: tuple[str, ...] = ()  # empty: the plan decides; named models always enter
    weights: str | None = None  # a packaged name, a local folder or a hub id instead of the default pretrained network
    memory_gb: float | None = None  # None: 80 % of what the machine has free
    jobs: int = 1
    seed: int = 0
    weeks: float | None = None  # how long the project may iterate; None: as long as one run
    told: bool = True  # False: neither weeks nor a limit was given, and `seconds` is what is usual
    hardware: str = "auto"  # "auto": what is here; "none"; or accelerators by name, e.g. "T4", "2x A100-SXM4-80GB"


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
    accelerator_part: str = ""  # its name in the catalogue of `cost`; "" where it has none
    accelerator_found: bool = False  # here, not only named

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
    least: float | None = None  # seconds without which an early end leaves nothing; None: seconds.low

    @property
    def needs(self) -> float:
        """Seconds below which it is not begun."""
        return self.seconds.low if self.least is None else self.least


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
