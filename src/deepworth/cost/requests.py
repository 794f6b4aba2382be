"""The batch form: one request a line in, one answer a line out, and no line that stops the others."""

from __future__ import annotations

import difflib
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

COMMON = {"id", "kind", "model", "task", "mode", "hardware", "gpu", "n_gpus", "unit", "scope", "notes", "src", "metric"}
FIELDS: dict[str, set[str]] = {  # that are read, and columns of published tables, which mean no other one
    "llm": {
        "dims", "params", "method", "precision", "quant", "optimizer", "micro_batch", "global_batch", "seq_len",
        "seq_note", "grad_ckpt", "grad_accum", "act_offload", "compile", "trainable", "sharding", "stack", "heldout",
        "outcome", "mem", "speed", "speed_unit", "mfu_pct", "hfu_pct", "model_tflops_per_gpu", "tok_s", "tok_s_gpu",
    },
    "vision": {"params_m", "gmacs", "macts", "img", "batch", "precision", "optimizer"},
    "table": {"rows", "columns", "categories", "classes", "rounds"},
}  # fmt: skip


def misspelled(request: dict[str, Any], kind: str) -> list[str]:
    """What is said of fields that are not known and look like one that is: what they ask for would go unheard."""
    known = COMMON | FIELDS[kind]
    close = {str(field): difflib.get_close_matches(str(field), known, n=1, cutoff=0.75) for field in request}
    return [
        f"there is no field {field!r}, so it was not read; did you mean {near[0]!r}?"
        for field, near in close.items()
        if near and field not in known
    ]


def answer(request: Any) -> dict[str, Any]:
    """The answer to one request, or `{"error": ...}` where it cannot be read; `id`, where given, comes back."""
    if not isinstance(request, dict):
        return {"error": 'a request is a JSON object, such as {"kind": "llm", "model": "llama-3.1-8b"}'}
    kind = request.get("kind", "llm")
    told = {"id": request["id"]} if "id" in request else {}
    if not isinstance(kind, str) or kind not in KINDS:
        return told | {"error": f"kind is {kind!r}: give one of {', '.join(KINDS)}"}
    try:
        given = told | {"kind": kind} | KINDS[kind](request)
        return given | {"warnings": [*misspelled(request, kind), *given["warnings"]]}
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
