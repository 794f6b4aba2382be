"""What happened on published data sets of the kind at hand: how often, and by how much, which side won."""

from __future__ import annotations

import csv
import functools
import math
import random
import re
import statistics
import tomllib
from collections.abc import Sequence
from importlib import resources
from typing import Literal, NamedTuple

import msgspec

from deepworth.types import Evidence, Rule, Rung, Workload, record

SIZES = (
    (0, 10_000, "under 10,000 rows"),
    (10_000, 1_000_000, "10,000 to 1,000,000 rows"),
    (1_000_000, math.inf, "1,000,000 rows or more"),
)
ENOUGH = 15  # sets of a size, or of a task; with fewer all are taken, and that said: a narrow count is a noisy one
HANDFUL = 8  # sets in all; fewer contradict no rule, and the interval of their gain is its whole range
FEW_IMAGES = 50  # a class
RESAMPLES = 1000
Z = 1.6449  # 90 %, both sides
SPLIT = {"random": ", split at random", "time": ", split by time", "group": ", split by groups", "given": ""}
NAMED_RULE = re.compile(r"\bRule [\w-]+ ([\w ]+): (.*?)\.(?= |$)")  # as _contradiction says it
OF_SIZE = re.compile(r" of all sizes \([^)]*\)")  # as _nearest says it
COUNTED = re.compile(r" on [\d]+(?:, with [^(]*)? \(([^)]*)\)")  # as _answer says it
EXPECTED = re.compile(r",| (?:is|are) expected")
DEPENDENT = ("time", "group")  # protocols for rows that tell of each other
OTHER_SPLIT = (
    "Not for rows that follow each other in time or belong to groups: there the order of models differs "
    "(Kendall tau 0.49 to 0.60; BeyondArena, arXiv 2606.30410)."
)


@record
class Comparison:
    """One question that a source answers: its sides, what kind of sets they met on, and what weakens the answer."""

    id: str
    quoted: tuple[
        str, ...
    ]  # for which kinds of data: a modality, or modality/split, tabular/series, or image/few, image/many
    challenger: str
    base: str
    rung: Rung  # of the challenger
    sets: str  # what the sets are called
    split: Literal["random", "time", "group", "given"]  # given: by the source
    source: str
    against: Rung | None = None  # rung of the base; None: it is a fixed mark
    caveat: str = ""


class Pair(NamedTuple):
    """Errors of both sides on one set; rows None: not published."""

    task: str  # "classification", "regression" or "forecasting"
    rows: int | None
    challenger: float
    base: float

    @property
    def gain(self) -> float:
        """Relative reduction of the error; -1 where only the base makes none."""
        if self.base == 0:
            return -1.0 if self.challenger else 0.0
        return 1 - self.challenger / self.base

    @property
    def won(self) -> float:
        """1, 0, or half for a tie."""
        return 0.5 if self.challenger == self.base else float(self.challenger < self.base)


def evidence_for(
    work: Workload, protocol: str, fired: Sequence[Rule] = (), *, series: bool = False
) -> tuple[Evidence, ...]:
    """What was published for data like `work`, the nearest first; empty where nothing was.

    `protocol` is how the rows are, or should be, divided (`Splits.protocol`); with "time" and "group" sets that were
    split so come first; for a `series` forecasts are quoted too. A note says where an answer speaks against one of the
    rules that `fired`, and what weakens it. Every source is quoted by itself, and no model is fitted on sizes or
    columns: they do not predict the winner.
    """
    split = protocol if protocol in DEPENDENT else "random"
    amount = "few" if work.train < FEW_IMAGES * max(work.classes, 1) else "many"
    kinds = {work.modality, f"{work.modality}/{split}", f"{work.modality}/{amount}"}
    kinds |= {f"{work.modality}/series"} if series else set()
    task = "regression" if work.task == "regression" else "classification"
    found = [c for c in _comparisons() if kinds & set(c.quoted) and _tasks(c.id) & {task, "forecasting"}]
    found.sort(key=lambda c: (c.against != "classical", c.split != protocol))  # what nobody compares with trees: last
    return tuple(_answer(comparison, task, work.rows, split, fired) for comparison in found)


def _tasks(comparison: str) -> set[str]:
    return {pair.task for pair in _pairs()[comparison]}


def _answer(comparison: Comparison, task: str, rows: int, split: str, fired: Sequence[Rule]) -> Evidence:
    pairs, which = _nearest(_pairs()[comparison.id], task, rows)
    wins, sets = sum(pair.won for pair in pairs), len(pairs)
    share_low, share_high = wilson(wins, sets)
    gain, gain_low, gain_high = median_interval([pair.gain for pair in pairs])
    where = f"{sets} {comparison.sets}{which}{SPLIT[comparison.split]}"
    verb = "beat" if comparison.against else "reached"
    verb = verb if sets > 1 or wins else "lost to" if comparison.against else "missed"
    claim = f"On {where}: {comparison.challenger} {verb} {comparison.base}"
    if sets > 1:
        claim += f" on {_counted(pairs)} ({wins / sets:.0%} [{100 * share_low:.0f}..{share_high:.0%}])"
    if comparison.against:
        claim += f", by {'a median of ' * (sets > 1)}{_gain(gain)} of the error"
        claim += f" [{_gain(gain_low).rstrip('%')}..{_gain(gain_high)}]" if sets > 1 else ""
    other = OTHER_SPLIT if split in DEPENDENT and comparison.split == "random" else ""
    rules = fired if sets >= HANDFUL and not other else ()
    against = [_contradiction(rule, comparison, share_low, share_high) for rule in rules]
    return Evidence(
        id=comparison.id,
        claim=claim,
        challenger=comparison.challenger,
        base=comparison.base,
        where=where,
        sets=sets,
        share=wins / sets,
        share_low=share_low,
        share_high=share_high,
        gain=gain,
        gain_low=gain_low,
        gain_high=gain_high,
        source=comparison.source,
        note=" ".join(filter(None, [*against, other, comparison.caveat])),
    )


def _counted(pairs: Sequence[Pair]) -> str:
    """5; 4, with 1 tie that counts half: a share may not be a share of whole sets."""
    won, ties = sum(pair.won == 1 for pair in pairs), sum(pair.won == 0.5 for pair in pairs)
    return f"{won}, with {ties} tie{'s' * (ties > 1)} counted as half" if ties else f"{won}"


def _gain(gain: float) -> str:
    """+3.0%; a loss of more than the whole error is not told more closely."""
    return f"{gain:+.1%}" if gain >= -1 else "under -100%"


def in_short(evidence: Sequence[Evidence], *, forecast: bool = False, pretrained: bool = False) -> str:
    """The nearest answer with the rule it speaks against, then what a foundation model did beside it.

    `forecast`: results on forecasting are nearer than those on tables. `pretrained`: a pretrained network is among
    the candidates. Counts and caveats stand in the evidence itself.
    """
    about = {comparison.id: comparison for comparison in _comparisons()}
    against = [item for item in evidence if about[item.id].against == "classical"]
    nearer = [item for item in against if _on_series(about[item.id])] if forecast else []
    against = nearer or against
    if not evidence:
        return "No published results for such data are at hand."
    if not against:
        return f"{_briefly(evidence[0])}; no published comparison with trees is at hand."
    first = against[0]
    said, rule = _briefly(first), NAMED_RULE.search(first.note)
    said += f"; the rule of thumb ({re.split(EXPECTED, rule[2])[0]}) {rule[1]}" if rule else _unlike(first)
    alike = [item for item in against[1:] if _on_series(about[item.id]) == _on_series(about[first.id])]
    other = next((item for item in alike if about[item.id].rung == "frozen"), None)
    if pretrained or other is None:
        return f"{said}."
    where = "" if other.where == first.where else f"on {other.sets} {about[other.id].sets}{_unlike(other)} "
    return f"{said}; {where}{other.challenger}{', not built in,' * forecast} did on {other.share:.0%}."


def _briefly(item: Evidence) -> str:
    """The claim without how many sets there were of that size, and how many were won beside the share."""
    where = re.sub(r"^\d+", r"\g<0> published", OF_SIZE.sub("", item.where).removesuffix(SPLIT["random"]))
    what = COUNTED.sub(r" on \1", item.claim.removeprefix(f"On {item.where}: "))
    return f"On {where}, {what}"


def _unlike(item: Evidence) -> str:
    return " (divided at random, unlike these)" if OTHER_SPLIT in item.note else ""


def _on_series(comparison: Comparison) -> bool:
    return "forecasting" in comparison.quoted


def _nearest(pairs: Sequence[Pair], task: str, rows: int) -> tuple[Sequence[Pair], str]:
    """The sets of that task, and of that size, where they are ENOUGH; all where they are not. And the words for it."""
    words = ""
    alike = [pair for pair in pairs if pair.task == task]
    if ENOUGH <= len(alike) < len(pairs):
        pairs, words = alike, f" for {task}"
    if all(pair.rows is None for pair in pairs):
        return pairs, words
    low, high, name = next(size for size in SIZES if size[0] <= rows < size[1])
    same = [pair for pair in pairs if pair.rows is not None and low <= pair.rows < high]
    if len(same) >= ENOUGH or len(same) == len(pairs):
        return same, f"{words} of {name}"
    return pairs, f"{words} of all sizes ({f'only {len(same)}' if same else 'none'} of {name})"


def _contradiction(rule: Rule, comparison: Comparison, low: float, high: float) -> str:
    """Both are said where a rule expects one side and the sets favour the other, or neither."""
    if comparison.against is None:
        return ""
    base, challenger = comparison.against in rule.expects, comparison.rung in rule.expects
    if base == challenger:
        return ""
    if (base and low > 0.5) or (challenger and high < 0.5):
        return f"Rule {rule.id} says otherwise: {rule.effect}."
    if low <= 0.5 <= high:
        return f"Rule {rule.id} is not borne out: {rule.effect}."
    return ""


def wilson(wins: float, sets: int) -> tuple[float, float]:
    """90 % interval of a share (Wilson 1927)."""
    share, z2 = wins / sets, Z * Z
    middle = (share + z2 / (2 * sets)) / (1 + z2 / sets)
    half = Z / (1 + z2 / sets) * math.sqrt(share * (1 - share) / sets + z2 / (4 * sets * sets))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))  # rounding at 0 and 1


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and its 90 % interval by the bootstrap over sets; of fewer than HANDFUL sets their whole range."""
    middle = statistics.median(values)
    if len(values) < HANDFUL:
        return middle, min(values), max(values)
    draw = random.Random(0)  # the same answer each time
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return middle, medians[round(0.05 * RESAMPLES)], medians[round(0.95 * RESAMPLES) - 1]


@functools.cache
def _comparisons() -> tuple[Comparison, ...]:
    text = resources.files("deepworth.decide").joinpath("tables", "comparisons.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["comparison"], tuple[Comparison, ...], strict=True)


@functools.cache
def _pairs() -> dict[str, list[Pair]]:
    """Comparison -> its sets."""
    found: dict[str, list[Pair]] = {comparison.id: [] for comparison in _comparisons()}
    for row in published("pairs.csv"):
        rows = int(row["rows"]) if row["rows"] else None
        pair = Pair(row["task"], rows, float(row["challenger"]), float(row["base"]))
        found[row["comparison"]].append(pair)
    return found


def published(name: str) -> list[dict[str, str]]:
    """The rows of a table of published results."""
    text = resources.files("deepworth.decide").joinpath("tables", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
