"""Molecules, DNA and proteins are told by their letters; words, codes and paths are not taken for them."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from deepworth.decide.plan import make_plan
from deepworth.decide.shapes import shapes
from deepworth.decide.strings import written, written_as
from deepworth.types import Column, Profile
from tests.decide.made import TEXTS, situation

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C)C(=O)N2C",
    "C[C@H](N)C(=O)O",
    "CCO",
    "[Na+].[Cl-]",
    "c1ccccc1Br",
]
PROTEINS = ["MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERM"]
GENES = ["".join(random.Random(i).choices("ACGT", k=60)) for i in range(9)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (SMILES, "molecules"),
        (GENES, "dna"),
        ([gene.lower() for gene in GENES], "dna"),
        (PROTEINS, "proteins"),
        (["Cocoon", "Son", "Bison", "Snoop", "CIO"], ""),
        (["C1", "C2", "N3"], ""),
        (["555-1234(2)", "555-9876(12)"], ""),
        (["the film is good", "a bad one"], ""),
        (["images/cat/01.png", "images/dog/02.png"], ""),
        (["INTERNATIONAL BUSINESS MACHINES", "GENERAL ELECTRIC COMPANY"], ""),
        (["2024-01-01", "2024-01-02"], ""),
        (["", "  "], ""),
        ([], ""),
    ],
)
def test_what_strings_are_written_as(values: list[str], kind: str) -> None:
    assert written_as(values) == kind


@pytest.mark.parametrize(
    ("values", "kind", "who"),
    [(SMILES, "molecules", "chemist"), (GENES, "dna", "DNABERT-2"), (PROTEINS, "proteins", "ESM-2")],
)
def test_a_plan_prices_what_a_specialist_would_do(tmp_path: Path, values: list[str], kind: str, who: str) -> None:
    path = tmp_path / "table.arrow"
    table = pa.table({"structure": values})
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)
    found = situation(TEXTS)
    column = Column(name="structure", kind="text")
    dataset = replace(found.dataset, table=str(path), columns=(column,), features=("structure",))
    assert written(dataset) == (kind, "structure")
    assert [concern.id for concern in shapes(dataset, Profile())] == [kind]
    made = make_plan(dataset, found.splits, found.profile, found.work, found.here, found.goals)
    assert who in made.justification and "deepworth cannot do this properly yet" in made.justification
    assert re.search(r"take 0\.\d+ GPU-hours \[0\.\d+\.\.0?\.?\d*\] and \$", made.justification)
    assert "sizes from memory" in made.justification
    assert not {"text-family", "scenario-text"} & {rule.id for rule in made.rules}
    assert any(rule.id.endswith("-family") for rule in made.rules)
