"""Rows for the models that tests keep, made to differ from those they learned from in one way or several."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from random import Random
from typing import Any

from _cells import GRAMMARS
from _mutants import mutants, mutated
from _strange import FLAT, VALUES, WRITERS, arrow

SAVED = Path(__file__).parents[1] / "tests" / "fuzz" / "saved_0_1"


@functools.cache
def saved() -> dict[str, Any]:
    return json.loads((SAVED / "expected.json").read_text())


def again(rng: Random, folder: Path) -> tuple[str, Any]:
    """`model what`, and the source: a table of the columns a model reads, or media for one that reads these."""
    model = rng.choice(tuple(saved()["models"]))
    form = saved()["models"][model]["rows"]
    if form in ("image", "audio"):
        what, source = mutants(rng, folder)
        return f"{model} {what}", source
    rows = rng.choice((1, 1, 3, 30, 120))
    good = {name: [values[i % len(values)] for i in range(rows)] for name, values in saved()["rows"][form].items()}
    told = []
    for _ in range(rng.choice((1, 1, 2, 4))):
        told.append(
            how := rng.choice(("kind", "cells", "some", "name", "missing", "extra", "order", "text", "none", "twice"))
        )
        if good:
            good = _changed(rng, how, good, rows)
    columns = list(good.items())
    if "twice" in told and columns:
        columns.append(rng.choice(columns))
    suffix = rng.choice((*WRITERS, "frame", "frame"))
    if suffix == "frame":
        typed = arrow(rng, [(name, [_clean(value) for value in values]) for name, values in columns])
        return f"{model} {' '.join(told)}", good if rng.random() < 0.5 else typed
    flat = [(name, [_clean(value) for value in values]) for name, values in columns]
    data = WRITERS[suffix](rng, flat)
    if rng.random() < 0.1:
        data = mutated(rng, data)[1]
    (folder / f"rows{suffix}").write_bytes(data)
    return f"{model} {suffix} {' '.join(told)}", str(folder / f"rows{suffix}")


def _changed(rng: Random, how: str, good: dict[str, list[Any]], rows: int) -> dict[str, list[Any]]:
    name = rng.choice(tuple(good))
    if how == "kind":
        return good | {name: VALUES[rng.choice(FLAT)](rng, rows)}
    if how == "cells":
        grammar = rng.choice(GRAMMARS)
        return good | {name: [grammar(rng) for _ in range(rows)]}
    if how == "some":
        grammar = rng.choice(GRAMMARS)
        return good | {name: [grammar(rng) if rng.random() < 0.2 else value for value in good[name]]}
    if how == "name":
        other = rng.choice((name.upper(), f" {name}", f"{name} ", name[:-1], f"{name}.1"))
        return {(other if key == name else key): values for key, values in good.items()}
    if how == "missing":
        return {key: values for key, values in good.items() if key != name}
    if how == "extra":
        return good | {f"more {i}": VALUES[rng.choice(FLAT)](rng, rows) for i in range(rng.choice((1, 30)))}
    if how == "order":
        return dict(rng.sample(list(good.items()), len(good)))
    if how == "text":
        return {key: [None if value is None else str(value) for value in values] for key, values in good.items()}
    return good | {name: [None] * rows} if how == "none" else good


def _clean(value: Any) -> Any:
    """Text that any format can hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
