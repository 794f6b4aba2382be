"""What columns are taken for."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data.kinds import find_kind, has_strange

N = 400
rng = np.random.default_rng(0)
CITIES = ["Berlin", "New York", "Köln", "San Francisco", "Rio de Janeiro", "Oslo", "Lima", "Ulm"]
NOUNS = ["card", "refund", "account", "transfer", "limit", "fee", "balance", "app", "code", "top-up", "cash", "rate"]


SIGNS = ["waving", "red", "smiling", "broken", "tiny", "floating", "open"]
SURNAMES = ["Smith", "Okafor", "Müller", "Li", "Da Silva", "Novak", "Haddad", "Ito", "Kaya", "Moreau", "Rossi", "Berg"]


def words(n: int, length: int) -> list[str]:
    return [
        " ".join(rng.choice(NOUNS, length)) + f" {'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10 % 10]}" for i in range(n)
    ]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", rng.normal(size=N), "number"),
        ("x", np.arange(N) + 0.5, "number"),  # all different, and no id
        ("price", rng.permutation(N * 50)[:N], "number"),
        ("year", np.arange(1600, 1600 + N), "number"),
        ("stars", rng.integers(1, 6, N), "number"),
        ("flag", rng.integers(0, 2, N), "boolean"),
        ("flag", rng.integers(0, 2, N).astype(float), "boolean"),
        ("sex", rng.integers(1, 3, N), "number"),
        ("row", np.arange(N), "id"),
        ("anything", rng.permutation(N) + 1, "id"),
        ("customer_id", 10**6 + rng.permutation(N * 9)[:N], "id"),
        ("Unnamed: 0", rng.permutation(N * 50)[:N], "id"),
        ("", rng.permutation(N * 50)[:N], "id"),
        ("", rng.integers(0, 90, N), "number"),
        ("", rng.normal(size=N), "number"),
        ("PassengerId", np.arange(892, 892 + N), "id"),
        ("store_id", rng.integers(0, 9, N), "number"),
        ("humid", rng.permutation(N * 50)[:N], "number"),
        ("key", [str(uuid.UUID(int=i * 7919)) for i in range(N)], "id"),
        ("ticket", [f"A/5 {i}".replace(" ", "-") for i in range(N)], "id"),
        ("link", [f"https://example.org/item?n={i}" for i in range(N)], "id"),
        ("photo", [f"https://example.org/{i}.jpg" for i in range(N)], "id"),
        ("city", [CITIES[i % 8] for i in range(N)], "category"),
        ("city", CITIES, "category"),
        ("tail", [f"N{i % 150:03d}A" for i in range(N)], "category"),
        ("style", [f"One_Story_{1946 + i % 9}_and_Newer_All_Styles" for i in range(N)], "category"),
        ("room", [("Private room in residential home", "Entire rental unit")[i % 2] for i in range(N)], "category"),
        ("text", words(N, 9), "text"),
        ("text", words(12, 9), "text"),
        ("title", words(N, 3), "text"),
        ("annotation", [f"{a} {b}" for a in SIGNS for b in NOUNS] + ["donkey", "keyboard", "U-turn"], "text"),
        ("person", [f"{a} {b}" for a in ("Ann", "Bob", "Carla", "Dai", "Eve") for b in SURNAMES], "id"),
        ("user", [f"{a}{b}" for a in SIGNS for b in NOUNS], "id"),
        ("mail", [f"{a}.{b}@example.org" for a in SIGNS for b in NOUNS], "id"),
        ("hash", [hashlib.sha1(str(i).encode()).hexdigest() for i in range(N)], "id"),
        ("short hash", [hashlib.sha1(str(i).encode()).hexdigest()[:7] for i in range(N)], "id"),
        ("text", [f"这家餐厅的菜很好吃服务也不错{chr(0x4E00 + i)}" for i in range(N)], "text"),
        ("smiles", ["CC(=O)" + "N" * (i % 20) + f"c{i}ccc(C)cc1OCC" for i in range(60)], "text"),
        ("ok", [("Yes", "no")[i % 2] for i in range(N)], "boolean"),
        ("ok", [("yes", "no", "maybe")[i % 3] for i in range(N)], "category"),
        ("ok", [("yes", None)[i % 2] for i in range(N)], "category"),
        ("amount", [f"{i},{i % 10}" for i in range(N)], "number"),
        ("amount", [("?" if i % 9 == 0 else str(i)) for i in range(N)], "number"),
        ("zipcode", rng.integers(85000, 85050, N), "category"),
        ("Postal Code", rng.integers(85000, 85050, N), "category"),
        ("home_plz", rng.integers(85000, 85050, N), "category"),
        ("zip_distance", rng.integers(85000, 85050, N), "number"),
        ("gzip", rng.integers(85000, 85050, N), "number"),
        ("zip", [f"{i % 90:05d}" for i in range(N)], "category"),
        ("when", [f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)], "datetime"),
        ("when", [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2021" for i in range(N)], "datetime"),
        ("when", np.datetime64("2020-01-01") + np.arange(N), "datetime"),
        ("file", [f"a/{i}.WAV" for i in range(N)], "audio"),
        ("file", [f"a/{i}.jpeg" for i in range(N)], "image"),
        ("none", [None] * N, "constant"),
        ("none", [float("nan")] * N, "constant"),
        ("blank", [" ", ""] * (N // 2), "constant"),
        ("same", ["x"] * N, "constant"),
        ("same", [3] * N, "constant"),
    ],
)
def test_kind(name: str, values: Any, kind: str) -> None:
    array = pa.chunked_array([pa.array(values)])
    found = find_kind(name, array)
    assert found.kind == kind, found
    assert found.why
    halves = pa.chunked_array([array.chunk(0).slice(0, len(array) // 2), array.chunk(0).slice(len(array) // 2)])
    assert find_kind(name, halves).kind == kind
    if pa.types.is_string(array.type):
        for other in (array.cast(pa.large_string()), array.dictionary_encode()):
            assert find_kind(name, other).kind == kind


def test_beyond_the_sample() -> None:
    """The sample sees 0 and 1, or one value, or no repetition; the rest of the rows decides."""
    n = 100_000
    binary = np.zeros(n, dtype=np.int64)
    binary[::2] = 1
    binary[1001] = 7
    assert find_kind("x", pa.chunked_array([binary])).kind == "number"
    same = np.zeros(n)
    same[1001] = 1.5
    assert find_kind("x", pa.chunked_array([same])).kind == "number"
    codes = pa.chunked_array([pa.array([f"C{i % 60_000}" for i in range(n)])])
    assert find_kind("code", codes).kind == "category"
    assert find_kind("code", pa.chunked_array([pa.array([f"C{i}" for i in range(n)])])).kind == "id"


def test_missing_is_exact() -> None:
    assert find_kind("x", pa.chunked_array([pa.array([1.0, None, float("nan"), 2.5])])).missing == 0.5


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=30),
    st.integers(0, 5),
    st.sampled_from([pa.float64(), pa.float32()]),
)
def test_what_may_be_strange_is_never_missed(values: list, start: int, kind: pa.DataType) -> None:
    array = pa.array(values).cast(kind, safe=False).slice(start) if values else pa.array([], kind)
    known = np.asarray(array.drop_null())
    assert has_strange(array) or np.isfinite(known).all()
    assert not has_strange(pa.chunked_array([pa.array([1.0, None, -2.5]), pa.array([], pa.float64())]))
