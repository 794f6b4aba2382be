"""The rules of the decision framework: a table of data, and the one function that says which of them fire."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec

from deepworth.types import Rule, Rung

BOUNDS = {"least", "below"}


@functools.cache
def rules() -> tuple[Rule, ...]:
    """Every rule, general ones first. Raises ValueError for a row of the table that says nothing or is said twice."""
    text = resources.files("deepworth.decide").joinpath("rules.toml").read_text(encoding="utf-8")
    table = msgspec.convert(tomllib.loads(text)["rule"], tuple[Rule, ...], strict=True)
    if len({rule.id for rule in table}) < len(table):
        raise ValueError("two rules have the same id")
    for rule in table:
        for name, wanted in rule.when.items():
            if not (isinstance(wanted, list) or (isinstance(wanted, dict) and wanted and set(wanted) <= BOUNDS)):
                raise ValueError(f"rule {rule.id}: {name} = {wanted!r} is neither a list of values nor a range")
    return table


def fired(facts: Mapping[str, Any], table: Sequence[Rule] | None = None) -> tuple[Rule, ...]:
    """The rules whose every condition holds on `facts`, in the order of the table."""
    return tuple(rule for rule in (rules() if table is None else table) if holds(rule, facts))


def holds(rule: Rule, facts: Mapping[str, Any]) -> bool:
    """Whether all conditions of a rule hold; one on a fact that is not known does not."""
    return all(name in facts and _fits(facts[name], wanted) for name, wanted in rule.when.items())


def _fits(value: Any, wanted: list[Any] | dict[str, float]) -> bool:
    if isinstance(wanted, list):
        return value in wanted
    return wanted.get("least", value) <= value and ("below" not in wanted or value < wanted["below"])


def thresholds(name: str, facts: Mapping[str, Any]) -> tuple[float, ...]:
    """The values of a number at which a rule that would fire otherwise begins or ends to hold, ascending."""
    found: set[float] = set()
    for rule in rules():
        if isinstance(wanted := rule.when.get(name), dict):
            rest = {other: condition for other, condition in rule.when.items() if other != name}
            if all(other in facts and _fits(facts[other], condition) for other, condition in rest.items()):
                found |= set(wanted.values())
    return tuple(sorted(found))


def order(fired_rules: Sequence[Rule]) -> tuple[Rung, ...]:
    """The rungs in the order to try them, from the last rule that says one."""
    said = [rule.order for rule in fired_rules if rule.order]
    return ("floor", *said[-1])


def hours(weeks: float) -> float:
    """Hours a run may take in a project of so many weeks."""
    return [rule.hours for rule in fired({"weeks": weeks}) if rule.hours][-1]
