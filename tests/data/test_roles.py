"""Which columns models read, and what is said of those they do not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from deepworth.data.roles import choose_features
from deepworth.types import Column, SourceOptions


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_of_several_media_columns_the_one_that_is_read_is_named(kind: str) -> None:
    names = ("front", "back", "left")
    columns = (*(Column(name=name, kind=kind) for name in names), Column(name="remark", kind="text"))
    table = pa.table({column.name: ["a.bin"] for column in columns})
    modality, features, notes = choose_features(columns, table, SourceOptions(), {None}, False)
    assert (modality, features) == (kind, ("front",))
    assert f"of 3 {kind} columns one is read: front, and not back, left (--ignore front reads the next)" in notes
    assert [note for note in notes if "models read no such" in note] == [
        f"left out, since {kind} models read no such columns: remark; --modality tabular reads these instead"
    ]
    _, features, _ = choose_features(columns, table, SourceOptions(), {"front"}, False)
    assert features == ("back",)
