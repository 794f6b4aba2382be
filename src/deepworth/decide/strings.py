"""Strings of chemistry and biology, told by their letters: molecules, DNA and proteins."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from deepworth.types import Column, Dataset

Written = Literal["", "molecules", "dna", "proteins"]
LOOKED_AT = 300  # values of a column
SURE = 0.95  # of them that must be written so
SHORTEST = {"sequence": 20, "molecule": 8}  # letters in the mean: shorter ones are codes
MOLECULE = re.compile(
    r"(?:\[[^\[\]\s]{1,24}\]|Br|Cl|[BCNOPSFI]|[bcnops]|[-=#$:~/\\.()*]|%\d\d|\d)+"
)  # Weininger 1988: atoms, bonds, branches and rings
BONDED = re.compile(r"[=#()\[\]]|[A-Za-z]\d")  # what words and codes made of the same letters lack
DNA, PROTEIN = re.compile(r"[ACGTUN\-]+", re.IGNORECASE), re.compile(r"[ACDEFGHIKLMNPQRSTVWYXBZUO*\-]+")
NAMED = re.compile(r"smiles|inchi|selfies", re.IGNORECASE)


def written_as(values: Sequence[str]) -> Written:
    """What strings are written as; "" for ordinary ones. Few letters are DNA, more are proteins, both long."""
    values = [value.strip() for value in values if value.strip()]
    if not values:
        return ""

    def share(pattern: re.Pattern[str]) -> float:
        return sum(pattern.fullmatch(value) is not None for value in values) / len(values)

    length = sum(map(len, values)) / len(values)
    if length >= SHORTEST["sequence"]:
        if share(DNA) >= SURE:
            return "dna"
        if share(PROTEIN) >= SURE:
            return "proteins"
    bonded = sum("c" in value.lower() and BONDED.search(value) is not None for value in values) / len(values)
    return "molecules" if length >= SHORTEST["molecule"] and share(MOLECULE) >= SURE and bonded > 0.5 else ""


def written(dataset: Dataset) -> tuple[Written, str]:
    """What a column that models read is written as, and its name; ("", "") where none is."""
    for column in dataset.feature_columns:
        if column.kind in ("text", "id") and NAMED.search(column.name):
            return "molecules", column.name
    for column in dataset.feature_columns:
        if column.kind in ("text", "category") and (found := _looked_at(dataset.table, column)):
            return found, column.name
    return "", ""


@functools.lru_cache(maxsize=64)
def _looked_at(table: str, column: Column) -> Written:
    """By the first values; "" where there is no table to look at."""
    if not Path(table).is_file():
        return ""
    import pyarrow as pa

    from deepworth.data.examples import open_table

    values = open_table(table).column(column.name).slice(0, LOOKED_AT)
    texts = values.cast(pa.string(), safe=False).to_pylist()
    return written_as([text for text in texts if text])
