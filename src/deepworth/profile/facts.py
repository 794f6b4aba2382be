"""Facts common to all kinds of data: sizes, kinds of columns, missing values, the target's spread, text lengths."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.profile.view import View
from deepworth.types import Fact, Kind

LISTED = 20  # classes that get a fact of their own
TEXTS = 5_000  # texts measured


def facts(view: View) -> list[Fact]:
    """Every fact; numbers are floats so that rules can compare them."""
    return [
        *_sizes(view),
        *_columns(view),
        *(_classes(view) if view.dataset.task.is_classification else _target(view)),
        *_texts(view),
    ]


def _sizes(view: View) -> list[Fact]:
    used = sum(len(rows) for rows in view.rows.values())
    return [
        Fact(name="rows", value=float(used), unit="rows", how="rows with a target"),
        *(
            Fact(name=f"rows_{part}", value=float(len(rows)), unit="rows", how=f"{view.splits.protocol} split")
            for part, rows in view.rows.items()
        ),
        Fact(
            name="rows_left_out",
            value=float(view.dataset.rows - used),
            unit="rows",
            how="no target, or a class too rare",
        ),
    ]


def _columns(view: View) -> list[Fact]:
    columns = view.dataset.feature_columns
    kinds = Counter(column.kind for column in columns)
    named: dict[str, Kind] = {
        "numbers": "number",
        "categories": "category",
        "booleans": "boolean",
        "dates": "datetime",
        "texts": "text",
    }
    found = [Fact(name="features", value=float(len(columns)), unit="columns", how="columns models read")]
    found += [Fact(name=name, value=float(kinds[kind]), unit="columns") for name, kind in named.items() if kinds[kind]]
    if columns:
        share = float(np.mean([column.missing for column in columns]))
        found.append(Fact(name="missing_share", value=share, how="cells of the feature columns without a value"))
        widest = max((column.distinct for column in columns if column.kind == "category"), default=0)
        if widest:
            found.append(Fact(name="most_categories", value=float(widest), unit="values", how="in one category column"))
    return found


def _classes(view: View) -> list[Fact]:
    classes = view.dataset.task.classes
    counts = np.bincount(view.labels, minlength=len(classes))
    how = "training rows"
    found = [
        Fact(name="classes", value=float(len(classes)), unit="classes"),
        Fact(name="rows_rarest_class", value=float(counts.min()), unit="rows", how=how),
        Fact(name="majority_share", value=float(counts.max() / counts.sum()), how=how),
        Fact(
            name="imbalance",
            value=float(counts.max() / max(counts.min(), 1)),
            how="most common class over rarest, " + how,
        ),
    ]
    if len(classes) <= LISTED:
        found += [
            Fact(name=f"rows of {c}", value=float(n), unit="rows", how=how)
            for c, n in zip(classes, counts, strict=True)
        ]
    return found


def _target(view: View) -> list[Fact]:
    y = view.labels
    spread = float(y.std())
    skew = float((((y - y.mean()) / spread) ** 3).mean()) if spread else 0.0
    values = {"mean": y.mean(), "sd": spread, "min": y.min(), "median": np.median(y), "max": y.max(), "skew": skew}
    return [Fact(name=f"target_{name}", value=float(value), how="training rows") for name, value in values.items()]


def _texts(view: View) -> list[Fact]:
    lengths = []
    for column in view.dataset.feature_columns:
        if column.kind == "text":
            values = view.sampled(column, TEXTS)
            strings = values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
            lengths.append(np.asarray(pc.fill_null(pc.utf8_length(strings), 0)))
    if not lengths:
        return []
    chars = np.sum(lengths, axis=0)
    how = f"all text columns together, {len(chars):,} training rows"
    return [
        Fact(name="chars_mean", value=float(chars.mean()), unit="characters", how=how),
        Fact(name="chars_median", value=float(np.median(chars)), unit="characters", how=how),
        Fact(name="chars_p95", value=float(np.quantile(chars, 0.95)), unit="characters", how=how),
        Fact(name="empty_texts", value=float((chars == 0).mean()), how=how),
    ]
