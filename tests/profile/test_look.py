"""The look into a source: what is in it is measured, what looks wrong is named, with the rows and files."""

from __future__ import annotations

import wave

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from PIL import Image
from typer.testing import CliRunner

import deepworth as dw
from deepworth.cli import app
from deepworth.types import Look, load

WORDS = ["alpha", "bravo", "coral", "delta", "eagle", "flint", "grape", "hotel", "india", "joker", "karma", "lemon"]


@pytest.fixture(scope="module")
def table():
    """400 rows: an amount, a city, a date in order, a text, a column that gives the target away, and a subject."""
    rng = np.random.default_rng(0)
    amount = rng.normal(50, 10, 400)
    label = (amount + rng.normal(0, 25, 400) > 50).astype(int)
    texts = [" ".join(rng.choice(WORDS, 9)) for _ in range(400)]
    return pa.table(
        {
            "amount": amount,
            "city": rng.choice(["Oslo", "Rome", "Lima"], 400),
            "day": np.datetime64("2024-01-01") + np.arange(400),
            "remark": texts,
            "after": label * 2.0 + rng.normal(0, 0.1, 400),
            "subject": np.repeat(np.arange(40), 10),
            "label": label,
        }
    )


def test_every_column_is_measured(table):
    look = dw.look(table)
    assert look.rows == 400 and look.task is None
    by_name = {one.column.name: one for one in look.columns}
    (spread,) = by_name["amount"].spreads
    values = table["amount"].to_numpy()
    assert (spread.least, spread.most) == (values.min(), values.max())
    assert spread.median == pytest.approx(np.median(values))
    counts = dict(by_name["city"].common)
    assert counts == {city: table["city"].to_pylist().count(city) for city in ("Oslo", "Rome", "Lima")}
    assert by_name["day"].span == ("2024-01-01", "2025-02-03")
    (length,) = by_name["remark"].spreads
    assert length.unit == "characters" and length.most == max(map(len, table["remark"].to_pylist()))


def test_without_a_target_structure_is_seen_and_with_one_the_leak_too(table):
    without = {concern.id for concern in dw.look(table).profile.concerns}
    assert {"group", "time"} <= without and "leak" not in without
    concerns = dw.look(table, target="label").profile.concerns
    assert [c.columns for c in concerns if c.id == "leak"] == [("after",)]
    assert {"group", "time"} <= {concern.id for concern in concerns}


def test_rows_that_stand_twice_are_shown(table):
    twice = pa.concat_tables([table, table.slice(0, 40)])
    (concern,) = [c for c in dw.look(twice, target="label").profile.concerns if c.id == "duplicates"]
    for example in concern.examples:
        first, second = (int(word) for word in example.replace("row", "").split(" and "))
        assert {first % 400, second % 400} == {first % 400}


def test_texts_of_nearly_the_same_words_are_shown():
    rng = np.random.default_rng(0)
    vocabulary = [f"word{i}" for i in range(2000)]
    texts = [" ".join(rng.choice(vocabulary, 30)) for _ in range(300)]
    nearly = [text.replace(" ", ", ", 1).upper() + " indeed" for text in texts[:60]]
    labels = rng.choice(["x", "y"], 360).tolist()
    concerns = dw.look(pa.table({"text": texts + nearly, "label": labels}), target="label").profile.concerns
    (concern,) = [c for c in concerns if c.id == "near-duplicates"]
    assert 10 <= concern.rows <= 60
    for example in concern.examples:
        first, second = sorted(int(word) for word in example.replace("row", "").split(" and "))
        assert second == first + 300
    different = dw.look(pa.table({"text": texts, "label": labels[:300]}), target="label").profile.concerns
    assert "near-duplicates" not in {c.id for c in different}


def test_molecules_written_as_text_are_not_compared_by_words():
    rng = np.random.default_rng(0)
    smiles = ["".join(rng.choice(["C", "c1ccccc1", "(=O)", "N", "[nH]", "#", "/"], 25)) for _ in range(300)]
    table = pa.table({"smiles": smiles, "y": rng.normal(size=300)})
    assert "near-duplicates" not in {c.id for c in dw.look(table, target="y").profile.concerns}


@pytest.fixture
def photos(tmp_path):
    """60 pictures of two classes, ten of them again, a little brighter, and one that is none."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            coarse = Image.fromarray(rng.integers(0, 200, (8, 8, 3), dtype=np.uint8)).resize((64, 48))
            coarse.save(tmp_path / "photos" / name / f"{i:02}.png")
            if i < 10:
                brighter = Image.fromarray(np.asarray(coarse) + 10)
                brighter.save(tmp_path / "photos" / name / f"{i:02}-again.png")
    (tmp_path / "photos" / "dog" / "torn.png").write_bytes(b"not a picture")
    return tmp_path / "photos"


def test_pictures_are_measured_and_near_copies_and_broken_ones_named(photos):
    look = dw.look(photos)
    spreads = {spread.of: spread for spread in look.columns[0].spreads}
    assert (spreads["width"].median, spreads["height"].median, spreads["colours"].median) == (64, 48, 3)
    ids = {concern.id for concern in look.profile.concerns}
    assert "near-duplicates" in ids
    broken = [concern for concern in look.profile.concerns if concern.id == "broken"]
    assert all(path.endswith("torn.png") for concern in broken for path in concern.examples)


def test_recordings_are_measured(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for i in range(6):
            with wave.open(str(tmp_path / name / f"{i}.wav"), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes(np.random.default_rng(i).integers(-999, 999, 4000, dtype=np.int16).tobytes())
    spreads = {spread.of: spread for spread in dw.look(tmp_path).columns[0].spreads}
    assert spreads["duration"].median == 0.5 and spreads["sampling rate"].median == 8000


def test_command_prints_it_and_json_reads_back(table, tmp_path):
    pa.csv.write_csv(table, tmp_path / "t.csv")
    shown = CliRunner().invoke(app, ["data", str(tmp_path / "t.csv"), "--target", "label"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "after alone predicts label almost perfectly" in shown.stdout and "Oslo" in shown.stdout
    printed = CliRunner().invoke(app, ["data", str(tmp_path / "t.csv"), "--json"])
    look = load(Look, printed.stdout)
    assert len(look.columns) == 7


def test_a_table_of_one_row_and_an_empty_column():
    look = dw.look(pa.table({"a": [1.5], "b": pa.array([None], pa.string())}))
    assert look.rows == 1 and len(look.columns) == 2
