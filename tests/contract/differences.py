"""How the rows of a table may differ from those a model learned from, and what docs/predict.md says is done then."""

from __future__ import annotations

import datetime
import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq

from deepworth.types import Modality
from tests.contract.sources import as_excel

Outcome = Literal["same", "told", "refused"]
Rows = dict[str, list[Any]]
REST, NONE = slice(1, None), slice(0, 0)
Change = Callable[[Rows, Path], Any]  # the clean rows, a folder to write to -> a source


@dataclass(frozen=True)
class Difference:
    """`said`: a part of the warning or refusal. `rows`: those that stay as they were, all of them if None."""

    name: str
    modality: Modality
    documented: str  # the row of docs/predict.md
    change: Change
    outcome: Outcome = "same"
    said: str = ""
    rows: slice | None = None
    learned: str = "csv"  # the form of the rows it learned from: csv, or parquet with types
    near: float = 1e-6


COLOURS, CODES, ANSWERS = ("red", "größer", "blue"), ("01", "02", "10", "x7"), ("true", "false", "maybe")


def table_rows(rows: int = 160, seed: int = 0) -> Rows:
    """Amounts, counts, categories (words, codes, words that look like truths), truths, days, a text, a target."""
    rng = np.random.default_rng(seed)
    price = rng.normal(500, 200, rows).round(2)
    start = datetime.datetime(2021, 1, 1)
    made: Rows = {
        "price": [None if i % 11 == 5 else float(price[i]) for i in range(rows)],
        "count": rng.integers(0, 40, rows).tolist(),
        "colour": rng.choice(COLOURS, rows).tolist(),
        "code": rng.choice(CODES, rows).tolist(),
        "answer": rng.choice(ANSWERS, rows).tolist(),
        "member": rng.choice([True, False], rows).tolist(),
        "day": [start + datetime.timedelta(days=int(d)) for d in rng.integers(0, 1500, rows)],
        "remark": [f"the {'fine' if p > 500 else 'poor'} guest {i} said, in short, so" for i, p in enumerate(price)],
    }  # fmt: skip
    score = np.nan_to_num(price) / 200 + np.array(made["count"]) / 20 + 2 * np.array(made["member"])
    made["goal"] = np.where(score + rng.normal(0, 0.5, rows) > np.median(score), "yes", "no").tolist()
    return made


def typed(rows: Rows) -> pa.Table:
    return pa.table(rows)


def words(rows: Rows, days: str = "%Y-%m-%d", decimal: str = ".", gap: str = "") -> dict[str, list[str]]:
    """The rows as a person would write them."""

    def word(value: Any) -> str:
        if isinstance(value, datetime.datetime):
            return value.strftime(days)
        if isinstance(value, float):
            return f"{value:.2f}".replace(".", decimal)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return gap if value is None else str(value)

    return {name: [word(value) for value in values] for name, values in rows.items()}


def csv(rows: Rows, folder: Path, mark: str = ",", encoding: str = "utf-8", end: str = "\n", **how: str) -> str:
    """Delimited text with quotes around every value."""
    shown = words(rows, **how)
    lines = [list(shown), *map(list, zip(*shown.values(), strict=True))]
    text = end.join(mark.join('"' + v.replace('"', '""') + '"' if v else "" for v in line) for line in lines) + end
    (folder / "new.csv").write_bytes(text.encode(encoding))
    return str(folder / "new.csv")


def parquet(rows: Rows, folder: Path, **types: pa.DataType) -> str:
    table = typed(rows)
    for name, kind in types.items():
        place = table.column_names.index(name)
        column = table.column(name)
        cast = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
        table = table.set_column(place, name, cast)
    pq.write_table(table, folder / "new.parquet")
    return str(folder / "new.parquet")


def _lines(rows: Rows, folder: Path) -> str:
    shown = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    (folder / "new.jsonl").write_text("\n".join(json.dumps(row, default=str) for row in shown))
    return str(folder / "new.jsonl")


def _list(rows: Rows, folder: Path) -> str:
    shown = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    (folder / "new.json").write_text(json.dumps(shown, default=str))
    return str(folder / "new.json")


def _sqlite(rows: Rows, folder: Path) -> str:
    connection = sqlite3.connect(folder / "new.db")
    connection.execute(f"CREATE TABLE t ({', '.join(rows)})")
    told = [[str(v) if isinstance(v, datetime.datetime) else v for v in values] for values in rows.values()]
    plain = list(zip(*told, strict=True))
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows))})", plain)
    connection.commit()
    connection.close()
    return f"{folder / 'new.db'}::t"


def _packed(rows: Rows, folder: Path) -> str:
    (folder / "new.csv.gz").write_bytes(gzip.compress(Path(csv(rows, folder)).read_bytes()))
    return str(folder / "new.csv.gz")


def _zipped(rows: Rows, folder: Path) -> str:
    with zipfile.ZipFile(folder / "new.zip", "w") as archive:
        archive.write(csv(rows, folder), "inside/new.csv")
    return str(folder / "new.zip")


def _feather(rows: Rows, folder: Path) -> str:
    pyarrow.feather.write_feather(typed(rows), folder / "new.feather")
    return str(folder / "new.feather")


def _pandas(rows: Rows, folder: Path) -> Any:
    import pandas as pd

    return pd.DataFrame(rows).set_index("count", drop=False)


def _polars(rows: Rows, folder: Path) -> Any:
    import polars as pl

    return pl.DataFrame(rows)


def swapped(name: str, make: Callable[[list[Any]], list[Any]], write: Callable[..., Any] = csv) -> Change:
    """The rows with one column made another."""
    return lambda rows, folder: write(rows | {name: make(rows[name])}, folder)


def without(*names: str) -> Change:
    return lambda rows, folder: csv({n: v for n, v in rows.items() if n not in names}, folder)


def first(values: list[Any], *new: Any) -> list[Any]:
    return [*new, *values[len(new) :]]


def _table(name: str, documented: str, change: Change, *rest: Any, **more: Any) -> Difference:
    return Difference(name, "tabular", documented, change, *rest, **more)


ORDER = "columns in another order, or more of them"
FORMAT = "another kind of file, other types, another encoding, delimiter or decimal mark"
FEW = "one row, or the same rows in another order"
GONE = "a column is missing"
TEXT = "numbers or dates written as text, or typed where they were text"
SINGLE = "single values that are no number, date or truth value"
MOST = "a column of which most values are none of its kind"
UNSEEN = "a category that was never seen"
FAR = "numbers or dates far outside those of training (by more than their whole range)"
INFINITE = "infinite numbers"
GAPS = "many more missing values than before"
GUESSED = "text whose form is a guess: days and months that may be swapped, commas that may be thousands"
MOVED = "a distribution that has moved (100 rows or more; stability index above 0.25)"
TWICE = "a name that stands twice"
EMPTY = "no rows, or a source that is not there"

TABULAR = (
    _table("reversed", ORDER, lambda r, f: csv(dict(reversed(r.items())), f)),
    _table("no target", ORDER, without("goal")),
    _table("more columns", ORDER,
           lambda r, f: csv(r | dict.fromkeys(("prediction", "p_yes", "refused"), r["count"]), f)),
    _table("names with blanks", ORDER, lambda r, f: csv({f" {n} ": v for n, v in r.items()}, f)),
    _table("same file", FORMAT, csv),
    _table("parquet", FORMAT, parquet),
    _table("feather", FORMAT, _feather),
    _table("json lines", FORMAT, _lines),
    _table("json list", FORMAT, _list),
    _table("excel", FORMAT, lambda r, f: as_excel(pa.table(words(r)), f)),
    _table("excel typed", FORMAT, lambda r, f: as_excel(typed(r | {"day": list(map(str, r["day"]))}), f)),
    _table("sqlite", FORMAT, _sqlite),
    _table("gzip", FORMAT, _packed),
    _table("zip", FORMAT, _zipped),
    _table("folder", FORMAT, lambda r, f: str(Path(csv(r, f)).parent)),
    _table("pandas", FORMAT, _pandas),
    _table("polars", FORMAT, _polars),
    _table("columns in memory", FORMAT, lambda r, f: r),
    _table("record batch", FORMAT, lambda r, f: typed(r).to_batches()[0]),
    _table("semicolons", FORMAT, lambda r, f: csv(r, f, ";")),
    _table("decimal commas", FORMAT, lambda r, f: csv(r, f, ";", decimal=",")),
    _table("tabs", FORMAT, lambda r, f: csv(r, f, "\t")),
    _table("bars and returns", FORMAT, lambda r, f: csv(r, f, "|", end="\r\n")),
    _table("utf-16", FORMAT, lambda r, f: csv(r, f, encoding="utf-16")),
    _table("cp1252", FORMAT, lambda r, f: csv(r, f, encoding="cp1252")),
    _table("byte order mark", FORMAT, lambda r, f: csv(r, f, encoding="utf-8-sig")),
    _table("signs for gaps", FORMAT, lambda r, f: csv(r, f, gap="NA")),
    _table("dictionaries", FORMAT, lambda r, f: parquet(r, f, **dict.fromkeys(
        ("colour", "code", "answer", "count"), pa.dictionary(pa.int32(), pa.string()))))
    ,
    _table("large strings", FORMAT, lambda r, f: parquet(r, f, colour=pa.large_string(), remark=pa.large_string())),
    _table("string views", FORMAT, lambda r, f: typed(r).set_column(
        2, "colour", pa.array(r["colour"], pa.string_view()))),
    _table("decimals", FORMAT, lambda r, f: parquet(r, f, price=pa.decimal128(12, 2), count=pa.decimal128(20, 0))),
    _table("small numbers", FORMAT, lambda r, f: parquet(r, f, count=pa.uint8())),
    _table("floats", FORMAT, lambda r, f: parquet(r, f, count=pa.float64(), member=pa.int8())),
    _table("days", FORMAT, lambda r, f: parquet(r, f, day=pa.date32())),
    _table("moments", FORMAT, lambda r, f: parquet(r, f, day=pa.timestamp("ns", "UTC"))),
    _table("all text", TEXT, lambda r, f: pa.table(words(r))),
    _table("iso days as text", TEXT, lambda r, f: pa.table(words(r, "%Y-%m-%d %H:%M:%S")), learned="parquet"),
    _table("german days", TEXT, lambda r, f: csv(r, f, days="%d.%m.%Y"), learned="parquet"),
    _table("english days", TEXT, lambda r, f: csv(r, f, days="%m/%d/%Y"), learned="parquet"),
    _table("days as in another country", TEXT, lambda r, f: csv(r, f, days="%d. %B %Y"), "refused", "'day'"),
    _table("one row", FEW, lambda r, f: csv({n: v[:1] for n, v in r.items()}, f), rows=slice(0, 1)),
    _table("another row", FEW, lambda r, f: csv({n: v[7:8] for n, v in r.items()}, f), rows=slice(7, 8)),
    _table("one row in memory", FEW, lambda r, f: {n: v[3:4] for n, v in r.items()}, rows=slice(3, 4)),
    _table("backwards", FEW, lambda r, f: csv({n: v[::-1] for n, v in r.items()}, f), rows=slice(None, None, -1)),
    _table("a column gone", GONE, without("colour"), "refused", "lacks 1 column the model reads: colour"),
    _table("several gone", GONE, without("colour", "day"), "refused", "lacks 2 columns the model reads: colour, day"),
    _table("another case", GONE, lambda r, f: csv({n.title(): v for n, v in r.items()}, f), "refused", "'Price'"),
    _table("one word", SINGLE, swapped("price", lambda v: first(v, "cheap")), "told", "'price' holds 1 value", REST),
    _table("one odd day", SINGLE, swapped("day", lambda v: first(v, "soon")), "told", "'day' holds 1 value", REST),
    _table("one odd truth", SINGLE, swapped("member", lambda v: first(v, "perhaps")), "told", "'member' holds 1 value",
           REST),
    _table("a 13th month", SINGLE, swapped("day", lambda v: first(v, "2024-13-01")), "told", "'day' holds 1 value",
           REST),
    _table("words for amounts", MOST, swapped("price", lambda v: ["cheap"] * len(v)), "refused", "'price'"),
    _table("days for amounts", MOST, lambda r, f: parquet(r | {"price": r["day"]}, f), "refused", "'price'"),
    _table("amounts for days", MOST, lambda r, f: parquet(r | {"day": r["count"]}, f), "refused", "'day'"),
    _table("other truths", MOST, swapped("member", lambda v: ["ja" if x else "nein" for x in v]),
           "refused", "'member'"),
    _table("amounts for truths", MOST, lambda r, f: parquet(r | {"member": [x + 2 for x in r["count"]]}, f), "refused",
           "'member'"),
    _table("lists for words", MOST, lambda r, f: parquet(r | {"price": [[1.0]] * len(r["price"])}, f),
           "refused", "price"),
    _table("a new colour", UNSEEN, swapped("colour", lambda v: first(v, "mauve", "mauve")),
           "told", "'colour' holds values",
           slice(2, None)),
    _table("words for codes", UNSEEN, lambda r, f: parquet(r | {"code": r["price"]}, f), "told", "'code' holds values",
           NONE),
    _table("codes as numbers", UNSEEN, swapped("code", lambda v: [x.lstrip("0") for x in v]),
           "told", "'code' holds values",
           NONE),
    _table("far away", FAR, swapped("count", lambda v: first(v, 5000)), "told", "'count' lies far outside", REST),
    _table("far off", FAR, swapped("day", lambda v: first(v, datetime.datetime(1915, 1, 1))), "told",
           "'day' lies far outside", REST),
    _table("beyond any number", FAR, swapped("count", lambda v: first(v, "9" * 30)), "told", "'count'", REST),
    _table("endless", INFINITE, swapped("price", lambda v: first(v, float("inf")), parquet),
           "told", "'price' holds 1 value",
           REST),
    _table("endless text", INFINITE, swapped("price", lambda v: first(v, "inf")), "told", "'price' holds 1 value",
           REST),
    _table("too large for a float", INFINITE, swapped("price", lambda v: first(v, "1e400")), "told", "'price'",
           REST),
    _table("gaps", GAPS, swapped("colour", lambda v: [None] * len(v)), "told", "'colour' is missing in 100%", NONE),
    _table("typed gaps", GAPS, swapped("day", lambda v: [None] * len(v), parquet), "told", "'day' is missing in 100%",
           NONE),
    _table("no text", GAPS, swapped("remark", lambda v: [None] * len(v), parquet), "told", "'remark' is missing", NONE),
    _table("days that may be months", GUESSED, lambda r, f: csv(
        r | {"day": [d.replace(day=1 + d.day % 12, month=1 + d.month % 12) for d in r["day"]]}, f, days="%m/%d/%Y"),
        "told", "'day'", NONE, learned="parquet"),
    _table("commas that may be thousands", GUESSED, lambda r, f: parquet(
        r | {"price": [f"{1 + i % 9},{i % 1000:03}" for i in range(len(r["price"]))]}, f),
        "told", "that commas mark thousands is a guess", NONE, learned="parquet"),
    _table("a name twice", TWICE, lambda r, f: pa.Table.from_arrays(
        [*typed(r).columns, pa.array(r["count"][::-1])], names=[*r, "count"]), "told", "'count' stands 2 times"),
    _table("moved", MOVED, lambda r, f: csv({n: v * 2 for n, v in r.items()} | {"count": [3] * 2 * len(r["count"])}, f),
           "told", "'count' is distributed otherwise", NONE),
    _table("only names", EMPTY, lambda r, f: csv({n: [] for n in r}, f), "refused", "has no rows"),
    _table("an empty file", EMPTY, lambda r, f: (f / "new.csv").write_text("") or str(f / "new.csv"),
           "refused", "empty"),
    _table("no file", EMPTY, lambda r, f: str(f / "gone.csv"), "refused", "is not there"),
    _table("no rows in memory", EMPTY, lambda r, f: typed(r).slice(0, 0), "refused", "has no rows"),
)  # fmt: skip
