"""The batch form: one request a line in, one answer a line out, and no line that stops the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from deepworth.cost import language, rows, vision
from deepworth.errors import UserError

KINDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "llm": language.answer,
    "vision": vision.answer,
    "table": rows.answer,
}


def answer(request: Any) -> dict[str, Any]:
    """The answer to one request, or `{"error": ...}` where it cannot be read; `id`, where given, comes back."""
    if not isinstance(request, dict):
        return {"error": 'a request is a JSON object, such as {"kind": "llm", "model": "llama-3.1-8b"}'}
    kind = request.get("kind", "llm")
    told = {"id": request["id"]} if "id" in request else {}
    if not isinstance(kind, str) or kind not in KINDS:
        return told | {"error": f"kind is {kind!r}: give one of {', '.join(KINDS)}"}
    try:
        return told | {"kind": kind} | KINDS[kind](request)
    except UserError as error:
        return told | {"kind": kind, "error": str(error)}


def answers(lines: Iterable[str]) -> Iterator[str]:
    """JSON lines to JSON lines, each as soon as it is known; empty lines are left out."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        yield _answered(number, line)


def _answered(number: int, line: str) -> str:
    """The answer to one line, which whoever sent a thousand must get whatever the other lines hold."""
    try:
        return json.dumps(answer(json.loads(line)))
    except json.JSONDecodeError as error:
        return json.dumps({"error": f"line {number} is not JSON: {error}"})
    except Exception as error:  # noqa: BLE001 - the border: a defect met by one line must not lose the others
        return json.dumps({"error": f"line {number} could not be answered: {type(error).__name__}: {error}"})
