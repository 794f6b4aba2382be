"""Who is who among the columns: the target, the columns that steer the split, and the features of the modality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from deepworth.data.kinds import take_unique
from deepworth.data.parts import part_of
from deepworth.data.tidy import plain
from deepworth.errors import Unanswered, UserError, nearest
from deepworth.readers.result import Read
from deepworth.registry import ModalitySpec, find, resolve, specs
from deepworth.types import Column, Modality, Roles, SourceOptions

TARGETS = ("target", "label", "class", "y")  # a single column with one of these names is the target
FOLDS = ("fold", "folds", "kfold", "cv_fold", "cvfold", "fold_id")


def check_names(options: SourceOptions, names: Sequence[str]) -> None:
    """Raise UserError, with the nearest name, for a column the user names and the source lacks."""
    named = [options.target, options.group, options.time, options.split, *options.ignore, *options.kinds]
    for name in named:
        if name is not None and name not in names:
            raise UserError(f"there is no column {name!r}{_hint(name, names)}")


def _hint(name: str, names: Sequence[str]) -> str:
    hint = nearest(name, names)
    return hint if len(hint) < 400 else f"; the first of {len(names)}: {', '.join(names[:20])}"


def guess_target(read: Read, table: pa.Table) -> tuple[str, tuple[str, ...]]:
    """The only column that is called like a target, where nobody named one. Raises UserError when there is none."""
    names = table.column_names
    called = [name for name in names if name.lower() in TARGETS]
    if len(called) == 1:
        return called[0], (f"no target was named: {called[0]!r} is taken, for its name",)
    if read.kinds and not called:
        raise Unanswered(
            f"{read.source} holds {', '.join(read.kinds.values())} files without class folders: put those of "
            "each class into a folder named like it, or give a table with a column of paths and one of labels",
            question="data",
            asks="Which folder or column says the class of each file?",
            flag="a SOURCE with class folders, or --target COL of a table with paths",
        )
    likely = called or _likely(table)
    shown = ", ".join(names[:30]) + (f", ... ({len(names)} in all)" if len(names) > 30 else "")
    guess = f"; likely ones: {', '.join(likely)}" if likely else ""
    raise Unanswered(
        f"name the column to predict with --target; the columns are: {shown}{guess}",
        question="data",
        asks="Which column is to be predicted?",
        flag="--target COL",
        choices=tuple(dict.fromkeys([*likely, *names])),
    )


def _likely(table: pa.Table) -> list[str]:
    """The columns of few values, the last ones first, and the last column."""
    head = table.slice(0, 1000)
    few = [n for n in reversed(table.column_names) if 2 <= len(take_unique(head.column(n)).drop_null()) <= 10]
    return list(dict.fromkeys([*few[:2], table.column_names[-1]]))


def choose_roles(
    read: Read, options: SourceOptions, table: pa.Table, target: str | None, columns: Iterable[Column]
) -> tuple[Roles, tuple[str, ...], tuple[str, ...]]:
    """The roles, columns that are left out because they look like folds, and what was decided."""
    notes, folds = [], []
    split = options.split or read.split
    for name in table.column_names if split is None else ():
        if name in (target, options.group, options.time, *options.ignore):
            continue
        if name.lower() == "split" and _is_split(table.column(name)):
            split = name
            notes.append(f"the column {name!r} says which rows are for training and which for the test")
    for column in columns:
        taken = column.name in (target, options.group, options.time, split, *options.ignore)
        if column.name.lower() in FOLDS and not taken and column.distinct <= 20 and column.name not in options.kinds:
            folds.append(column.name)
            notes.append(
                f"{column.name!r} looks like the number of a fold ({column.distinct} values): it is no feature; "
                f"--group {column.name} keeps folds together"
            )
    for role, name in (("group", options.group), ("time", options.time), ("split", split)):
        if name is not None and name == target:
            raise UserError(f"{name!r} is the target: it cannot be the {role} column too; name another")
    return Roles(group=options.group, time=options.time, split=split), tuple(folds), tuple(notes)


def _is_split(values: pa.ChunkedArray) -> bool:
    unique = plain(take_unique(values)).drop_null()
    if not pt.is_string(unique.type) or not 2 <= len(unique) <= 6:
        return False
    named = {part_of(value) for value in unique.to_pylist()}
    return (None not in named and {"train", "test"} <= named) or named == {"train", "valid"}


def name_parts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The split column with its values called train, valid and test, where all are known names for these."""
    unique = take_unique(values)
    words = plain(unique)
    if not pt.is_string(words.type):
        return values
    parts = [None if v is None else part_of(v) for v in words.to_pylist()]
    if any(part is None and word is not None for part, word in zip(parts, words.to_pylist(), strict=True)):
        return values
    codes = pc.index_in(values.cast(words.type), value_set=words)
    return pa.chunked_array([pa.array(parts, pa.string()).take(chunk) for chunk in codes.chunks], pa.string())


def choose_features(
    columns: Sequence[Column], table: pa.Table, options: SourceOptions, taken: set[str | None], none_will_do: bool
) -> tuple[Modality, tuple[str, ...], tuple[str, ...]]:
    """The modality, the columns its models read, and what was left out.

    Raises UserError when none are left, unless `none_will_do`.
    """
    notes: list[str] = []
    free = [column for column in columns if column.name not in taken]
    usable = [column for column in free if column.kind not in ("id", "constant")]
    for kind, what in (("id", "only name their rows"), ("constant", "have one value")):
        names = [column.name for column in free if column.kind == kind]
        notes += [f"columns that {what} are left out: {_names(names)}"] if names else []
    if not usable:
        usable = [replace(c, kind="text") for c in free if c.kind == "id" and pt.is_string(plain_type(table, c.name))]
        if not usable and none_will_do:
            return "tabular", (), tuple(notes)
        if not usable:
            why = "; ".join(notes) or "the source has no other column than the target"
            raise UserError(f"no feature is left: {why}; bring a column to predict from")
        notes = [
            f"{_names([c.name for c in usable])}: nothing else is there, so read as text although every row differs"
        ]
    spec = find("modalities", options.modality) if options.modality else _sniffed(usable, table)
    chosen = [c for c in usable if c.kind in spec.reads]
    if not chosen:
        found = ", ".join(f"{c.name} ({c.kind})" for c in usable[:8])
        flag = f"--{spec.reads[0]} {usable[0].name}"
        raise UserError(f"no {spec.name} column was found among {found}: name it, for example with {flag}")
    if spec.single and len(chosen) > 1:
        first, others = chosen[0].name, chosen[1:]
        notes.append(
            f"of {len(chosen)} {spec.name} columns one is read: {first}, and not {_names([c.name for c in others])} "
            f"(--ignore {first} reads the next)"
        )
        chosen, usable = chosen[:1], [c for c in usable if c not in others]
    kept = {c.name for c in chosen}
    left = [c.name for c in usable if c.name not in kept]
    if left:
        instead = "" if spec.name == "tabular" else "; --modality tabular reads these instead"
        notes.append(f"left out, since {spec.name} models read no such columns: {_names(left)}{instead}")
    return spec.name, tuple(c.name for c in chosen), tuple(notes)


def plain_type(table: pa.Table, name: str) -> pa.DataType:
    return plain(pa.array([], table.schema.field(name).type)).type


def _sniffed(usable: Sequence[Column], table: pa.Table) -> ModalitySpec:
    """The first modality that knows its columns; of the built-in ones the last takes any that are no files."""
    known: list[ModalitySpec] = list(specs("modalities").values())
    return next((spec for spec in known if resolve(spec.sniff)(tuple(usable), table)), known[-1])


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
