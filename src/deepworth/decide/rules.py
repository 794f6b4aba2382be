"""The rules of the decision framework as data: what they look at, what they do to a rung, and where they come from.

They order spending; the measurement overrules them. A rule never forbids what the user asks for by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deepworth.types import Machine, Rung, Workload

Condition = Callable[[Workload, Machine], bool]


@dataclass(frozen=True, kw_only=True)
class SpendingRule:
    """Skips some rungs where its condition holds, unless the user asked for them."""

    id: str
    condition: str  # `applies` in words
    applies: Condition
    skips: tuple[Rung, ...] = ()
    fits_only: tuple[Rung, ...] = ()  # these run only when their likely time fits the limit
    effect: str
    reason: str
    source: str


def _media(work: Workload) -> bool:
    return work.modality != "tabular"


RULES: tuple[SpendingRule, ...] = (
    SpendingRule(
        id="media-small",
        condition="text, images or audio, under 10,000 training examples",
        applies=lambda work, machine: _media(work) and work.train < 10_000,
        skips=("custom",),
        effect="no network is trained from scratch",
        reason="under 10,000 examples a network trained from scratch on media loses to a pretrained one",
        source="framework rule 'under 10,000'; ESC-50: scratch CNN 51-65 %, frozen pretrained 75-97 %",
    ),
    SpendingRule(
        id="no-gpu",
        condition="text, images or audio, and no accelerator",
        applies=lambda work, machine: _media(work) and not machine.accelerator,
        fits_only=("tuned", "custom"),
        effect="fine-tuning and networks from scratch run only when their estimate fits the limit",
        reason="without a GPU the pretrained network is a feature maker first; training it takes hours",
        source="framework rule 'no GPU: classical and frozen'",
    ),
    SpendingRule(
        id="table-tiny",
        condition="a table of under 200 training rows",
        applies=lambda work, machine: work.modality == "tabular" and work.train < 200,
        skips=("custom",),
        effect="no network is trained on the table",
        reason="no published comparison has so few rows; boosted trees and linear models are equal within noise",
        source="TabArena: 748 rows is its smallest set",
    ),
    SpendingRule(
        id="table-try-deep",
        condition="a table of 200 training rows or more",
        applies=lambda work, machine: work.modality == "tabular" and work.train >= 200,
        effect="a tabular network is tried whenever the time allows",
        reason="the winner cannot be told from the size of a table (cross-validated AUC 0.42 to 0.62): measured",
        source="TabArena, TabZilla: size and column counts do not predict the winner",
    ),
)
