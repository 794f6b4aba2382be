"""What the rows a model learned from look like, kept beside it, and where new rows differ from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepworth.data import forms
from deepworth.data.examples import Examples
from deepworth.data.kinds import FORM_SAMPLE, take_sample
from deepworth.data.tidy import plain
from deepworth.types import Column, record
from deepworth.words import count

ROWS = 50_000  # looked at, evenly spread
COLUMNS = 1_000  # described at most, the first ones
LEVELS = 1_000  # a category of more is not described: most of its new values are new by nature
MANY = 100  # new rows from which distributions are compared; fewer differ by chance
SHIFTED = 0.25  # population stability index above which a column counts as another one (Siddiqi 2006)
GONE = 0.2  # share of values missing beyond the share they were missing of before


@record
class Seen:
    """One feature column of the training rows."""

    name: str
    missing: float  # share of rows
    edges: tuple[float, ...] = ()  # of numbers and dates (microseconds since 1970): the deciles, both ends included
    levels: dict[str, float] = field(default_factory=dict)  # of categories and truth values: the share of rows of each
    once: float = 0.0  # share of rows whose level no other row has: about as many new rows have a new one (Good 1953)


def describe(examples: Examples) -> tuple[Seen, ...]:
    """The feature columns of the training rows, a millisecond each."""
    few = examples.take(np.unique(np.linspace(0, len(examples) - 1, min(ROWS, len(examples))).astype(np.int64)))
    return tuple(_seen(column, few.column(column.name)) for column in few.dataset.feature_columns[:COLUMNS])


def differences(seen: Sequence[Seen], examples: Examples) -> list[str]:
    """One sentence for each column that is unlike it was: far values, new levels, gaps, another distribution."""
    columns = {column.name: column for column in examples.dataset.feature_columns}
    found = []
    for before in seen:
        values, column = examples.column(before.name), columns[before.name]
        gaps = values.null_count / max(1, len(values))
        if gaps > before.missing + GONE and values.null_count > 1:
            found.append(f"{column.name!r} is missing in {gaps:.0%} of the rows, and was in {before.missing:.0%}")
        if before.edges:
            found += _far(column, before, _numbers(values))
        if before.levels:
            found += _new(column, before, _words(values))
    return found


def lost(column: Column, given: pa.ChunkedArray, read: pa.Array, absent: Sequence[str]) -> str:
    """What is told of values that are there but cannot be what their column holds, so that they are read as missing."""
    known = pc.invert(pc.is_null(given, nan_is_null=True))
    if pa.types.is_string(given.type):
        known = pc.and_kleene(
            known, pc.invert(pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(given)), pa.array(absent)))
        )
    bad = np.flatnonzero(np.asarray(known) & np.asarray(read.is_null()))
    if not len(bad):
        return ""
    first = str(given[int(bad[0])].as_py())[:40]
    return (
        f"{column.name!r} holds {count(len(bad), 'value')} that cannot be read as {column.kind}: missing (the "
        f"first is {first!r} in row {bad[0] + 1:,})"
    )


def guessed(column: Column, given: pa.ChunkedArray) -> str:
    """What is told where values that were typed in training are text now, in a form that may be another one."""
    words = pa.types.is_string(plain(pa.array([], given.type)).type)
    if column.form or column.kind not in ("number", "datetime") or not words:
        return ""
    known = forms.known(plain(take_sample(given)).unique().slice(0, FORM_SAMPLE))
    if column.kind == "datetime":
        _, remark = forms.date_form(known)
        return f"{column.name!r} holds dates like {known[0].as_py()!r}, and {remark}" if remark else ""
    commas = pc.match_substring(known, ",")
    if (
        forms.number_form(known) != "1,234.5"
        or not pc.all(forms.numbers(known.filter(commas), "1234,5").is_valid()).as_py()
    ):
        return ""
    shown = known.filter(commas)
    return (
        f"{column.name!r} holds numbers like {shown[0].as_py()!r}: that commas mark thousands is a guess"
        if len(shown)
        else ""
    )


def doubled(features: Sequence[str], names: Sequence[str]) -> list[str]:
    """A sentence for each feature whose name several columns of the source have, where training had one."""
    times = Counter(name.strip() for name in names)
    several = [name for name in features if times[name] > 1 and f"{name}_2" not in features]
    return [f"{name!r} stands {times[name]} times: the first column of this name is read" for name in several]


def _seen(column: Column, values: pa.Array) -> Seen:
    missing = values.null_count / max(1, len(values))
    if column.kind in ("number", "datetime"):
        numbers = _numbers(values)
        numbers = numbers[np.isfinite(numbers)]
        edges = np.quantile(numbers, np.linspace(0, 1, 11), method="nearest") if len(numbers) else []
        return Seen(name=column.name, missing=missing, edges=tuple(map(float, edges)))
    if column.kind in ("category", "boolean"):
        counts = pc.value_counts(_words(values).drop_null())
        words, times = counts.field(0).to_pylist(), np.asarray(counts.field(1))
        if 0 < len(words) <= LEVELS:
            rows = times.sum()
            shares = dict(zip(words, (times / rows).tolist(), strict=True))
            return Seen(name=column.name, missing=missing, levels=shares, once=float((times == 1).sum() / rows))
    return Seen(name=column.name, missing=missing)


def _far(column: Column, before: Seen, numbers: np.ndarray) -> list[str]:
    """Values beyond the range by more than its width, or where a tail was long, by as much more as that was longer."""
    low, high = before.edges[0], before.edges[-1]
    width = (high - low) or max(abs(low), 1.0)
    middle = (before.edges[-2] - before.edges[1]) or width  # eight tenths of the rows lie in it
    below = width * (1 + (before.edges[1] - low) / middle)
    above = width * (1 + (high - before.edges[-2]) / middle)
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero((numbers < low - below) | (numbers > high + above))
    if len(far):
        first = _shown(column, numbers[far[0]])
        return [
            f"{column.name!r} lies far outside {_shown(column, low)} .. {_shown(column, high)} in "
            f"{count(len(far), 'row')} (the first is {first} in row {far[0] + 1:,})"
        ]
    known = numbers[np.isfinite(numbers)]
    inner = np.unique(before.edges[1:-1])
    if len(known) < MANY or not len(inner):
        return []
    # The shares that the edges cut off: ties of edges make some larger than a tenth.
    expected = np.diff(np.concatenate([[0.0], np.searchsorted(before.edges, inner, "left") / 10, [1.0]]))
    counts = np.bincount(np.searchsorted(inner, known, "right"), minlength=len(inner) + 1)
    return _shifted(column, np.maximum(expected, 0.0), counts)


def _new(column: Column, before: Seen, words: pa.Array) -> list[str]:
    place = pc.index_in(words, value_set=pa.array(list(before.levels)))
    known = np.asarray(words.is_valid())
    new = np.flatnonzero(known & np.asarray(place.is_null()))
    expected = before.once * known.sum()
    if len(new) > expected + 3 * np.sqrt(expected):
        first = str(words[int(new[0])].as_py())[:40]
        return [
            f"{column.name!r} holds values that were never seen in {count(len(new), 'row')} (the first is "
            f"{first!r} in row {new[0] + 1:,})"
        ]
    if known.sum() - len(new) < MANY:
        return []
    codes = np.asarray(place.drop_null())
    return _shifted(column, np.array(list(before.levels.values())), np.bincount(codes, minlength=len(before.levels)))


def _shifted(column: Column, expected: np.ndarray, counts: np.ndarray) -> list[str]:
    """By the population stability index: the sum of (q - p) ln(q / p) over bins; bins of a share below 1 % as one."""
    rare = expected < 0.01
    p = np.append(expected[~rare], expected[rare].sum()) + 1e-3
    q = np.append(counts[~rare], counts[rare].sum()) / counts.sum() + 1e-3
    p, q = p / p.sum(), q / q.sum()
    index = float(((q - p) * np.log(q / p)).sum())
    free = len(p) - 1  # by chance alone the index is near chi-squared / rows (Yurdakul 2018), here of two samples alike
    chance = (free + 3 * np.sqrt(2 * free)) * 2 / counts.sum()
    told = f"{column.name!r} is distributed otherwise (stability index {index:.2f})"
    return [told] if index > SHIFTED + chance else []


def _numbers(values: pa.Array) -> np.ndarray:
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.int64())
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _words(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values.cast(pa.string())


def _shown(column: Column, value: float) -> str:
    return str(np.datetime64(int(value), "us"))[:16] if column.kind == "datetime" else f"{value:.6g}"
