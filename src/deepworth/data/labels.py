"""What is predicted: from the target's values to a task, class codes and the rows that have a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data import forms
from deepworth.errors import UserError
from deepworth.types import Label, Task, TaskKind
from deepworth.words import are, count

ABSENT = ("NaN", "nan", "NaT", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NULL", "null")  # as in delimited text
RARE = 3  # a class needs this many rows: one each to learn from, to choose by and to judge by
FEW_NUMBERS = 30  # whole numbers with at most this many values may be classes ...
FEW_ROWS = 5  # ... if each value has at least this many rows
SEEN = 2_000  # different texts looked at for the form of numbers
VERY_FEW_NUMBERS = 10  # below this, it is enough that a value has FEW_ROWS rows on average


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The task and the target of the rows that stay.

    `keep` is a bool for every row of the table, and `known` says which have a target at all; `codes` has one entry for
    each kept row: int64 positions in `task.classes`, or float64 values for a regression.
    """

    task: Task
    codes: np.ndarray
    keep: np.ndarray
    known: np.ndarray
    notes: tuple[str, ...] = ()


def find_task(
    target: str, values: pa.ChunkedArray, wanted: TaskKind | None = None, metric: str | None = None
) -> Labels:
    """What to predict, decided from the values of the target unless `wanted` says it.

    Raises UserError for a target nothing can be learned from: all missing, one value, infinite numbers, dates, labels
    that hardly any two rows share, text where numbers were asked for; and for a metric that does not fit.
    """
    values, absent = _plain(target, values)
    numbers = _numbers(values)
    if numbers is not None and not pt.is_boolean(values.type):
        _refuse_infinite(target, numbers)
    if values.null_count == len(values):
        raise UserError(
            f"the target {target!r} has no value in any of {len(values):,} rows: name another with --target"
        )
    kind, why = (wanted, "") if wanted else _guess(values, numbers)
    notes = [f"{target!r} is taken for {why}"] if why else []
    if absent:
        notes.append(f"{target!r} is missing where it says {absent}")
    if kind == "regression":
        return _regression(target, values, numbers, metric, notes)
    return _classes(target, values, wanted, metric, notes)


def _plain(target: str, values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """Strings, booleans, integers or floats, with NaN, empty text and words such as "NaN" as missing; these words."""
    kind = values.type
    if pt.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pt.is_large_string(kind) or pt.is_string_view(kind):
        values, kind = values.cast(pa.string()), pa.string()
    if pt.is_decimal(kind) or pt.is_float16(kind):
        values, kind = values.cast(pa.float64()), pa.float64()
    if pt.is_floating(kind):
        return pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values), ""
    if pt.is_string(kind):
        return _without_words(values)
    if pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_null(kind):
        return values, ""
    hint = "make a number of it (days since ...), or " if pt.is_temporal(kind) else ""
    raise UserError(
        f"the target {target!r} holds values of type {kind}, neither classes nor numbers: {hint}name another column"
    )


def _without_words(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """Text with blanks and the words of `ABSENT` as missing, and these words, as a note names them."""
    trimmed = pc.utf8_trim_whitespace(values)
    absent = pc.is_in(trimmed, value_set=pa.array(["", *ABSENT]))
    if not pc.any(absent).as_py():
        return values, ""
    words = ", ".join(repr(word) for word in sorted(trimmed.filter(absent).unique().to_pylist()) if word)
    return pc.if_else(absent, pa.scalar(None, pa.string()), values), words


def _numbers(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The values as float64, or None where some are text that neither is a number nor says that one is missing."""
    if pt.is_boolean(values.type):
        return values.cast(pa.uint8()).cast(pa.float64())
    if not pt.is_string(values.type):
        return values.cast(pa.float64(), safe=False)  # integers beyond 2**53 are rounded
    form = forms.number_form(forms.known(values.unique().slice(0, SEEN)))
    if not form:
        return None
    found = pa.chunked_array([forms.numbers(chunk, form) for chunk in values.chunks], pa.float64())
    return None if len(_strange(values, found)) else found


def _strange(values: pa.ChunkedArray, numbers: pa.ChunkedArray) -> pa.Array:
    """The text that is no number."""
    return forms.known(values.filter(numbers.is_null()).unique())


def _refuse_infinite(target: str, numbers: pa.ChunkedArray) -> None:
    infinite = pc.sum(pc.is_inf(numbers)).as_py() or 0
    if infinite:
        raise UserError(
            f"the target {target!r} is infinite in {infinite:,} of {len(numbers):,} rows: remove or cut these rows"
        )


def _guess(values: pa.ChunkedArray, numbers: pa.ChunkedArray | None) -> tuple[TaskKind, str]:
    """The kind of task, and what to tell the user where it could be meant otherwise."""
    counts = np.asarray(pc.value_counts(values.drop_null()).field("counts"))
    distinct = len(counts)
    if distinct <= 2 or numbers is None or pt.is_boolean(values.type):
        return ("binary" if distinct <= 2 else "multiclass"), ""
    whole = pc.all(pc.equal(pc.floor(numbers), numbers)).as_py()
    balanced = distinct <= FEW_NUMBERS and counts.min() >= FEW_ROWS
    if whole and (balanced or (distinct <= VERY_FEW_NUMBERS and counts.mean() >= FEW_ROWS)):
        return "multiclass", f"{distinct} classes: whole numbers of few values; --task regression takes them as amounts"
    if pt.is_string(values.type) and distinct <= VERY_FEW_NUMBERS:
        return "multiclass", ""
    if whole and distinct <= FEW_NUMBERS:
        return "regression", f"an amount with {distinct} values; --task multiclass takes them as classes"
    return "regression", ""


def _metric(task: Task, metric: str | None) -> Task:
    """The task with its primary metric. Raises UserError when the metric does not fit."""
    from deepworth.metrics.scores import PRIMARY
    from deepworth.metrics.scores import metric as find_metric  # brings scikit-learn, about 0.5 s

    name = metric or PRIMARY[task.kind]
    return Task(kind=task.kind, target=task.target, classes=task.classes, metric=find_metric(name, task).name)


def _regression(
    target: str, values: pa.ChunkedArray, numbers: pa.ChunkedArray | None, metric: str | None, notes: list[str]
) -> Labels:
    if numbers is None:
        raise UserError(
            f"a regression needs numbers, but the target {target!r} is text: {_examples(values)}; "
            "leave --task out to predict it as classes, or clean these values"
        )
    if pc.count_distinct(numbers).as_py() < 2:
        raise UserError(_one_value(target, values))
    task = _metric(Task(kind="regression", target=target), metric)
    keep = np.asarray(numbers.is_valid())
    notes += _left_out(target, numbers)
    known = np.asarray(values.is_valid())
    return Labels(task=task, codes=np.asarray(numbers.drop_null()), keep=keep, known=known, notes=tuple(notes))


def _classes(
    target: str, values: pa.ChunkedArray, wanted: TaskKind | None, metric: str | None, notes: list[str]
) -> Labels:
    notes += _left_out(target, values)
    known = int(len(values) - values.null_count)
    table = pc.value_counts(values.drop_null())
    labels, counts = table.field("values"), np.asarray(table.field("counts"))
    if len(labels) < 2:
        raise UserError(_one_value(target, values))
    rare = counts < RARE
    if counts[rare].sum() > known / 2:
        raise UserError(
            f"the target {target!r} has {len(labels):,} different values in {known:,} rows, most of them in fewer "
            f"than {RARE} rows ({_examples(values)}): no class can be learned from so few; " + _way_out(values)
        )
    if rare.any():
        names, few = ", ".join(repr(v) for v in labels.filter(pa.array(rare)).to_pylist()[:5]), int(rare.sum())
        notes.append(
            f"{count(few, 'class')} of {target!r} with fewer than {RARE} rows {are(few)} left out "
            f"({count(int(counts[rare].sum()), 'row')}): {names}{', ...' if few > 5 else ''}"
        )
    classes: tuple[Label, ...] = tuple(sorted(labels.filter(pa.array(~rare)).to_pylist()))
    if len(classes) < 2:
        raise UserError(
            f"the target {target!r} has one class only with at least {RARE} rows: {classes[0]!r}; bring more rows of "
            "the others, or name another with --target"
        )
    if wanted == "binary" and len(classes) > 2:
        raise UserError(f"--task binary, but the target {target!r} has {len(classes)} classes: use --task multiclass")
    task = _metric(Task(kind="binary" if len(classes) == 2 else "multiclass", target=target, classes=classes), metric)
    codes = np.asarray(pc.fill_null(pc.index_in(values, value_set=pa.array(classes, values.type)), -1), dtype=np.int64)
    keep = codes >= 0
    present = np.asarray(values.is_valid())
    return Labels(task=task, codes=codes[keep], keep=keep, known=present, notes=tuple(notes))


def _left_out(target: str, values: pa.ChunkedArray) -> list[str]:
    missing = values.null_count
    return [f"{count(missing, 'row')} without {target!r} {are(missing)} left out"] if missing else []


def _one_value(target: str, values: pa.ChunkedArray) -> str:
    known = values.drop_null()
    return (
        f"the target {target!r} is {known[0].as_py()!r} in all {len(known):,} rows: there is nothing to learn; "
        "name another with --target"
    )


def _way_out(values: pa.ChunkedArray) -> str:
    """What to do about a target that makes no classes."""
    if _numbers(values) is not None:
        return "use --task regression or name another target"
    numbers = pa.chunked_array([forms.numbers(chunk, "") for chunk in values.chunks], pa.float64())
    odd = _strange(values, numbers)
    if numbers.null_count > len(numbers) / 2:
        return "name another target"
    return f"most are numbers, so mend the {len(odd):,} that are none ({_examples(odd)}), or name another target"


def _examples(values: pa.ChunkedArray | pa.Array) -> str:
    some = values.drop_null().slice(0, 1000).unique().slice(0, 3).to_pylist()
    return ", ".join(repr(v if len(str(v)) <= 40 else str(v)[:37] + "...") for v in some)
