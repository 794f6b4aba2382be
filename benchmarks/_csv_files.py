"""CSV files made to be read: of mixed columns, wide, of long texts, of many categories, of dates, mostly empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pc

WORDS = np.array(["good", "bad", "train", "late", "room", "clean", "price", "again", "never", "staff", "food", "late"])


def mixed(path: Path, rows: int) -> None:
    """10 floats with missing values, 4 integers, 3 categories, a date, a text and a boolean; 160 MB a million rows."""
    rng = np.random.default_rng(0)
    columns: dict[str, pa.Array] = {}
    for i in range(10):
        columns[f"f{i}"] = pa.array(np.round(rng.normal(size=rows), 5), mask=rng.random(rows) < 0.05)
    for i in range(4):
        columns[f"i{i}"] = pa.array(rng.integers(0, 10 ** (i + 1), rows))
    for i in range(3):
        names = np.array([f"c{i}_{k}" for k in range(4 ** (i + 1))])
        columns[f"c{i}"] = pa.array(names[rng.integers(0, len(names), rows)])
    days = np.datetime64("2015-01-01") + rng.integers(0, 3000, rows)
    columns["date"] = pa.array(days)
    columns["text"] = pa.array([" ".join(line) for line in WORDS[rng.integers(0, len(WORDS), (rows, 6))]])
    columns["flag"] = pa.array(rng.random(rows) < 0.3)
    pc.write_csv(pa.table(columns), path)


def again(path: Path, part: Path, times: int) -> None:
    """The rows of `part` many times over, each time with other numbers in front: a long file, soon written."""
    header, _, rows = part.read_bytes().replace(b"\n-", b"\n").partition(b"\n")
    with path.open("wb") as file:
        file.write(header + b"\n")
        for i in range(times):
            file.write(rows.replace(b"\n", f"\n{i}".encode(), rows.count(b"\n") - 1) if i else rows)


def wide(path: Path, rows: int, columns: int) -> None:
    rng = np.random.default_rng(0)
    pc.write_csv(pa.table({f"x{i}": np.round(rng.normal(size=rows), 5) for i in range(columns)}), path)


def texts(path: Path, rows: int, words: int) -> None:
    """An id, a text of that many words of 5,000, and a label."""
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"{a}{b}{i}" for i, (a, b) in enumerate(rng.choice(WORDS, (5000, 2)))])
    lines = [" ".join(line) for line in vocabulary[rng.zipf(1.3, (rows, words)) % 5000]]
    pc.write_csv(pa.table({"id": np.arange(rows), "text": lines, "label": rng.integers(0, 2, rows)}), path)


def categories(path: Path, rows: int, levels: int) -> None:
    """20 columns of words, each of that many different ones."""
    rng = np.random.default_rng(0)
    names = np.array([f"level {i}" for i in range(levels)])
    pc.write_csv(pa.table({f"c{i}": names[rng.integers(0, levels, rows)] for i in range(20)}), path)


def dates(path: Path, rows: int) -> None:
    """Dates, moments, dates with the day first, and a label."""
    rng = np.random.default_rng(0)
    moments = [np.datetime64("2015-01-01") + rng.integers(0, 10**8, rows).astype("m8[s]") for _ in range(9)]
    columns = {f"day{i}": pa.array(one.astype("M8[D]")) for i, one in enumerate(moments[:3])}
    columns |= {f"moment{i}": pa.array(one) for i, one in enumerate(moments[3:6])}
    columns |= {f"european{i}": pa.compute.strftime(pa.array(one), "%d/%m/%Y") for i, one in enumerate(moments[6:])}
    pc.write_csv(pa.table({**columns, "label": rng.integers(0, 2, rows)}), path)


def missing(path: Path, rows: int) -> None:
    """10 columns of numbers and 10 of words, of which nine in ten cells are empty, and a label."""
    rng = np.random.default_rng(0)
    names = np.array([f"level {i}" for i in range(50)])
    columns = {f"f{i}": pa.array(np.round(rng.normal(size=rows), 5), mask=rng.random(rows) < 0.9) for i in range(10)}
    columns |= {f"c{i}": pa.array(names[rng.integers(0, 50, rows)], mask=rng.random(rows) < 0.9) for i in range(10)}
    pc.write_csv(pa.table({**columns, "label": rng.integers(0, 2, rows)}), path)
