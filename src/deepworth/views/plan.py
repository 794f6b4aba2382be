"""The plan as a person reads it: the four answers, what would be tried at what price, and why."""

from __future__ import annotations

import io
import re
from html import escape

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deepworth.types import Answer, Candidate, Evidence, Hardware, Plan, Range
from deepworth.words import money_span, span

WIDTH = 120  # columns in a notebook
COLOURS = {"yes": "green", "no": "red", "unsure": "yellow"}


def plan_view(plan: Plan) -> RenderableType:
    """Data, the justification, concerns, answers, candidates, rules with their sources, and evidence."""
    parts: list[RenderableType] = [Text(plan.about, "bold")]
    parts.append(_space(_lines([("in short", "bold", plan.justification)])))
    told = [concern.message for concern in plan.concerns if concern.message[1:] not in plan.justification]
    warnings = [("look at", "yellow", message) for message in told]
    parts.append(_space(_lines([*warnings, *(("note", "dim", note) for note in plan.notes)])))
    if plan.answers:
        parts.append(_space(Group(Text("Does it speak for training a network here?", "bold"), _answers(plan.answers))))
    parts.append(_space(_candidates(plan.candidates, plan.hardware)))
    parts += [_space(_lines([("skip", "dim", f"{names}: {reason}") for names, reason in _skipped(plan)]))]
    parts.append(_space(_lines(_rules(plan))))
    parts.append(_space(_lines([("evidence", "cyan", _published(item, plan)) for item in plan.evidence])))
    return Group(*parts)


def html(plan: Plan) -> str:
    """The same for a notebook; of a plan that is not ready, what it asks."""
    if plan.not_ready:
        asked = "; ".join(f"{missing.asks} ({missing.flag})" for missing in plan.not_ready)
        return f"<p>The plan is not ready. {escape(asked)}</p>"
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    console.print(plan_view(plan))
    return console.export_html(inline_styles=True, code_format="<pre style='line-height:1.3'>{code}</pre>")


def _answers(answers: tuple[Answer, ...]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for number, answer in enumerate(answers, 1):
        grid.add_row(
            Text(f"{number} {answer.question}", "bold"), Text(answer.answer, COLOURS[answer.answer]), answer.because
        )
        for change in answer.changes:
            grid.add_row("", "", Text(f"→ {change}", "dim"))
    return grid


def _candidates(candidates: tuple[Candidate, ...], hardware: Hardware | None) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("model", overflow="fold")
    table.add_column("rung")
    table.add_column(f"time on {_called(hardware)}" if hardware else "time")
    for name in ("memory", "cost"):
        table.add_column(name)
    for place, candidate in enumerate(candidates, 1):
        run = candidate.decision == "run"
        estimate = candidate.estimate
        cells = (candidate.model, candidate.rung, span(estimate.seconds), _gb(estimate.peak_gb), _usd(estimate.usd))
        table.add_row(str(place) if run else "–", *(Text(cell) for cell in cells), style="" if run else "dim")
    return table


def _called(hardware: Hardware) -> str:
    return f"{hardware.count}x {hardware.name}" if hardware.count > 1 else hardware.name


def _gb(peak: Range) -> str:
    return f"~{peak.likely:.1f} GB [{peak.low:.1f}..{peak.high:.1f}]"


def _usd(usd: Range | None) -> str:
    return money_span(usd) if usd else "–"


def _skipped(plan: Plan) -> list[tuple[str, str]]:
    """(models, why) of what is not tried; models that share a reason share a line."""
    reasons: dict[str, list[str]] = {}
    for candidate in plan.candidates:
        if candidate.decision == "skip":
            reasons.setdefault(candidate.reason, []).append(candidate.model)
    return [(", ".join(models), reason) for reason, models in reasons.items()]


def _rules(plan: Plan) -> list[tuple[str, str, str]]:
    """What each rule does and who says it; --json has its condition and reason."""
    return [("rule", "dim", f"{rule.id}: {rule.effect} ({_source(rule.source)})") for rule in plan.rules]


def _published(item: Evidence, plan: Plan) -> str:
    """The claim, its source without the commit, and its note; what a rule says stands among the rules already."""
    note = item.note
    for rule in plan.rules:
        note = note.replace(f"{rule.id} says otherwise: {rule.effect}.", f"{rule.id} says otherwise.")
        note = note.replace(f"{rule.id} is not borne out: {rule.effect}.", f"{rule.id} is not borne out.")
    return f"{item.claim} ({re.sub(r' @ [0-9a-f]+', '', item.source)}). {note}".strip()


def _source(source: str) -> str:
    """framework; TabArena: the names without what they say."""
    first, *others = source.split("; ")
    return "; ".join(part.partition(":")[0] for part in (first, *(other for other in others if ":" in other)))


def _lines(rows: list[tuple[str, str, str]]) -> RenderableType:
    """Lines under a heading each; a heading that is that of the line above is left out."""
    grid = Table.grid(padding=(0, 2))
    last = ""
    for title, style, line in rows:
        grid.add_row(Text("" if title == last else title, style), Text(line, "dim" if style == "dim" else ""))
        last = title
    return grid


def _space(part: RenderableType) -> RenderableType:
    """A part with a blank line above it, or nothing where it is empty."""
    return Padding(part, (1, 0, 0, 0)) if not isinstance(part, Table) or part.row_count else Text("", end="")
