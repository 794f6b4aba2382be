"""Cells, names, targets and words of the command line, drawn from grammars as hypothesis would."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

RANGES = ((32, 126), (32, 126), (48, 57), (160, 0x24F), (0x370, 0x5FF), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF), (0, 31))
TAKEN = ("prediction", "p_x", "p_q", "refused", "label", "split", "text", "image", "y", "target", "row", "column_1")


def letters(rng: Random, most: int = 12) -> str:
    low, high = rng.choice(RANGES)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(0, most)))


def number(rng: Random) -> str:
    """Something like a number: signs, marks of thousands and of decimals, powers, units."""
    digits = "".join(rng.choice("0123456789") for _ in range(rng.choice((1, 2, 3, 6, 25))))
    tail = rng.choice(
        ("", "", f".{rng.randint(0, 99)}", f",{rng.randint(0, 999)}", ".", "e400", "e-400", "E5", "%", " €")
    )
    made = rng.choice(("", "", "-", "+", "$", "0", "(", "\u2212")) + digits + tail
    return rng.choice((made, made, f" {made}", f"{made}\u00a0", made.replace("1", "1'", 1), "0x" + digits, "١٢٣"))


def moment(rng: Random) -> str:
    """Something like a date or a time, of years 0 to 99999 and any zone."""
    year = rng.choice((0, 1, 1582, 1969, 1970, 2024, 2024, 2024, 9999, 10000, 99999))
    month, day = rng.randint(0, 13), rng.randint(0, 32)
    date = rng.choice((f"{year:04}-{month:02}-{day:02}", f"{day}.{month}.{year}", f"{month}/{day}/{year % 100:02}"))
    clock = rng.choice(("", "", f"T{rng.randint(0, 25):02}:{rng.randint(0, 61):02}", " 12:00:60", " 1:30 PM"))
    return date + clock + rng.choice(("", "", "Z", "+01:00", "-25:99", " Europe/Berlin", "+0530", ".123456789"))


def mess(rng: Random) -> str:
    """Text that means something to some parser."""
    return rng.choice((
        letters(rng), letters(rng, 200), "\0", "\ufeff", "\ufeffa", "a\rb", "a\r\nb", '"', '""', "'", '"a',
        'a"b"c', "\\", "\x1a", "\u2028", "\x85", "\x0b", "\udc80", "NaN", "inf", "-Infinity", "TRUE", "fAlSe",
        " true ", "None", "#REF!", "[1, 2]", '{"a": 1}', "<b>", "{{7*7}}", "%(a)s", "$(id)", "a\u0300", "ﬀ", "\u200b",
        "x" * 70_000, " ", "\t", "\u3000",
    ))  # fmt: skip


GRAMMARS: tuple[Callable[[Random], str], ...] = (number, moment, mess, letters)


def _column(rng: Random, rows: int) -> list[str]:
    """Cells of mostly one grammar, or of a few values that repeat."""
    main = rng.choice(GRAMMARS)
    stray = rng.choice((0.0, 0.0, 0.02, 0.3))
    made = [(rng.choice(GRAMMARS) if rng.random() < stray else main)(rng) for _ in range(rows)]
    if rng.random() < 0.3:
        few = made[: rng.choice((1, 2, 5))]
        made = [rng.choice(few) for _ in range(rows)]
    return made


def cells(rng: Random, folder: Path) -> tuple[str, Any]:
    """A table of drawn cells, as text that may be ill-formed, as JSON or as typed columns."""
    rows, width = rng.choice((1, 3, 12, 40, 40, 90)), rng.choice((1, 2, 3, 6))
    names = [rng.choice((letters(rng), rng.choice(TAKEN), f"c{i}")) for i in range(width)]
    columns = [_column(rng, rows) for _ in names] + [[rng.choice("pq") for _ in range(rows)]]
    names.append("y")
    form = rng.choice(("csv", "csv", "csv", "json", "jsonl", "parquet", "dict"))
    if form == "dict":
        return "dict", {
            name: [v if v.isprintable() else None for v in c] for name, c in zip(names, columns, strict=True)
        }
    path = folder / f"rows.{form}"
    if form == "parquet":
        clean = [[v.encode("utf-8", "replace").decode() for v in column] for column in columns]
        arrays = [pa.array(column) for column in clean]
        plain = [n.encode("utf-8", "replace").decode() for n in names]
        pq.write_table(pa.Table.from_arrays(arrays, names=plain), path)
    elif form == "csv":
        path.write_bytes(_written(rng, names, columns))
    else:
        found = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        text = json.dumps(found) if form == "json" else "\n".join(map(json.dumps, found))
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return form, str(path)


def _written(rng: Random, names: list[str], columns: list[list[str]]) -> bytes:
    """Delimited text whose writer forgets quotes now and then, ends lines in several ways, or mixes encodings."""
    mark = rng.choice(",,;\t|")
    forgets = rng.choice((0.0, 0.0, 0.05, 1.0))
    out = io.StringIO()
    for row in (names, *zip(*columns, strict=True)):
        bare = [c if rng.random() < forgets else '"' + c.replace('"', '""') + '"' for c in row]
        out.write(mark.join(bare) + rng.choice(("\n", "\n", "\n", "\r\n", "\r") if rng.random() < 0.1 else ("\n",)))
    text = out.getvalue()
    head = rng.choice((b"", b"", b"\xef\xbb\xbf", b"sep=;\n", b"\n\n", b"# made by hand\n"))
    encoding = rng.choice(("utf-8", "utf-8", "cp1252", "utf-16", "utf-16-be", "utf-8-sig", "iso2022_jp", "utf-7"))
    if rng.random() < 0.1:
        half = len(text) // 2
        return head + text[:half].encode("utf-8", "replace") + text[half:].encode("cp1251", "replace")
    return head + text.encode(encoding, "replace")


def clash(rng: Random, folder: Path) -> tuple[str, Any]:
    """Names that mean something here, and targets that are nearly something else."""
    trick = rng.choice(("names", "many classes", "truth", "blanks", "cases", "late", "long cell", "one rare", "zeros"))
    rows = 100_000 if trick == "many classes" else rng.choice((30, 60, 200))
    names = ("a", "b") if trick != "names" else tuple(rng.sample(TAKEN, rng.randint(1, 5)))
    made: dict[str, list[Any]] = {name: [rng.randint(0, 50) for _ in range(rows)] for name in names}
    goal = {
        "names": ["x", "q"],
        "many classes": [f"c{i}" for i in range(rng.choice((20_000, 100_000)))],
        "truth": [True, False],
        "blanks": ["p", " p", "p ", "q", "Q", "q\t", "\u00a0q"],
        "cases": ["yes", "Yes", "YES", "no", "NO"],
        "late": ["p"] * 9 + ["q"],
        "long cell": ["p", "q"],
        "one rare": ["p"] * 40 + ["q"],
        "zeros": [0, 0.0, 1, -0.0],
    }[trick]
    made["y"] = (
        sorted(rng.choice(goal) for _ in range(rows)) if trick == "late" else [goal[i % len(goal)] for i in range(rows)]
    )
    if trick == "long cell":
        made["a"] = ["x" * (1_000_000 if i == rows // 2 else 3) for i in range(rows)]
    if rng.random() < 0.3:
        return f"{trick} dict", made
    path = folder / rng.choice(("rows.csv", "rows.jsonl"))
    lines = (
        [",".join(made), *(",".join(map(str, row)) for row in zip(*made.values(), strict=True))]
        if path.suffix == ".csv"
        else [json.dumps(dict(zip(made, row, strict=True))) for row in zip(*made.values(), strict=True)]
    )
    path.write_text("\n".join(lines))
    return trick, str(path)


def words(rng: Random, goal: str | None) -> list[str]:
    """Options of the command line, right and wrong, in any number."""
    column = (
        "a",
        "b",
        "y",
        "x",
        "size",
        "city",
        "day",
        "remark",
        "nothing",
        "",
        " ",
        "Y",
        "y ",
        letters(rng) or "_",
        "x" * 4000,
    )
    known = {
        "--target": column, "--group": column, "--time-column": column, "--split": column, "--ignore": column,
        "--number": column, "--category": column, "--date": column, "--text": column, "--image": column,
        "--audio": column, "--id": column,
        "--task": ("binary", "multiclass", "regression", "ranking", ""),
        "--modality": ("tabular", "text", "image", "audio", "video", "Tabular"),
        "--metric": ("auc", "roc_auc", "rmse", "accuracy", "f1", "", "loss", "r2", "log_loss"),
        "--time": ("5m", "0", "-1s", "nan", "1e999", "5 fortnights", "", "inf", "10s"),
        "--worth": ("1%", "0", "-1", "200%", "nan", "much"),
        "--memory": ("4GB", "0", "-2GB", "1e400GB", "many", "10KB"),
        "--seed": ("0", "-1", "1.5", "99999999999999999999", "x"), "--weeks": ("2", "0", "-3", "nan", "1e9"),
        "--rungs": ("floor", "floor,classical", "top", ",", ""), "--models": ("linear", "lightgbm,prior", "gpt", ","),
        "--hardware": ("auto", "none", "T4", "2x L4", "0x T4", "-1x A100", "abacus", ""),
    }  # fmt: skip
    said: list[str] = ["--target", goal] if goal and rng.random() < 0.8 else []
    for flag in rng.choices(tuple(known), k=rng.choice((0, 1, 1, 2, 3, 6))):
        said += [flag, rng.choice(known[flag])]
    return said
