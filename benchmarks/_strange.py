"""Columns of strange values, and files of every kind written from them."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import math
import sqlite3
import wave
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

NAMES = (
    "a",
    "b",
    "x",
    "y",
    "label",
    "target",
    "class",
    "id",
    "split",
    "fold",
    "",
    " ",
    "a ",
    "A",
    "🦆",
    "größe",
    "日本語",
    "a,b",
    'say "hi"',
    "line\nbreak",
    "tab\there",
    "../up",
    "<script>alert(1)</script>",
    "a.b",
    "0",
    "NaN",
    "None",
    "x" * 5000,
    "--target",
    "{}",
    "%s",
    "table",
    "__index_level_0__",
    "\u202egnihton",
    "a\0b",
)
WORDS = (
    "",
    " ",
    "a",
    "NaN",
    "nan",
    "null",
    "None",
    "NA",
    "-",
    "?",
    "true",
    "yes",
    "0",
    "1",
    "01",
    "1.5",
    "1,5",
    "1.234,5",
    "1e400",
    "-inf",
    "9" * 40,
    "2024-02-30",
    "0000-00-00",
    "9999-12-31",
    "12/31/1500",
    "31.12.99",
    "25:61",
    "🦆",
    "日本",
    "e\u0301",
    "\u200b",
    "\ufeff",
    "\u202e",
    "a\nb",
    "a\tb",
    'a"b',
    "a,b",
    "a;b",
    "'",
    "\\",
    "\\N",
    "=1+1",
    "../../etc",
    "http://x.y/z.png",
    "a.png",
    "b.wav",
    "x" * 300,
    "the quick brown fox jumps over the lazy dog",
    "$5",
    "50%",
    "0x1F",
)
Columns = dict[str, list[Any]]


def _of(*values: Any) -> Callable[[Random, int], list[Any]]:
    return lambda rng, rows: [rng.choice(values) for _ in range(rows)]


def _date(rng: Random) -> datetime.datetime:
    return datetime.datetime(rng.choice((1, 1500, 1970, 2024, 9999)), rng.randint(1, 12), rng.randint(1, 28))


VALUES: dict[str, Callable[[Random, int], list[Any]]] = {
    "floats": lambda rng, rows: [rng.gauss(0, 1) for _ in range(rows)],
    "extreme": _of(math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 0.0, -0.0, 1.0, None),
    "infinite": _of(math.inf),
    "whole": lambda rng, rows: [rng.randint(0, 9) for _ in range(rows)],
    "long": lambda rng, rows: [rng.randint(-(2**63), 2**63 - 1) for _ in range(rows)],
    "beyond": lambda rng, rows: [rng.choice((2**63, 2**64, -(2**70), 10**40, 1)) for _ in range(rows)],
    "bits": _of(0, 1),
    "truth": _of(True, False, None),
    "missing": _of(None),
    "mostly missing": lambda rng, rows: [None] * (rows - 1) + [1.0] * min(rows, 1),
    "constant": _of("same"),
    "classes": _of("p", "q"),
    "three": _of("p", "q", "r"),
    "words": _of(*WORDS),
    "every row another": lambda rng, rows: [f"name {i} {rng.random()}" for i in range(rows)],
    "codes": lambda rng, rows: [f"{i:05d}" for i in range(rows)],
    "sentences": lambda rng, rows: [" ".join(rng.choices(WORDS[-10:], k=9)) for _ in range(rows)],
    "huge fields": lambda rng, rows: ["x" * rng.choice((1, 10, 70_000)) for _ in range(rows)],
    "dates": lambda rng, rows: [_date(rng) for _ in range(rows)],
    "dates as text": lambda rng, rows: [
        f"{rng.randint(0, 40)}/{rng.randint(0, 15)}/{rng.choice((1, 24, 2024))}" for _ in range(rows)
    ],
    "days": lambda rng, rows: [_date(rng).date() for _ in range(rows)],
    "mixed": _of(1, "a", 2.5, None, True, "", 10**30),
    "numbers and words": _of(1, 2, 3, 4, 5, "five"),
    "lists": _of([], ["a"], ["a", "b"], None),
    "lists of numbers": _of([], [1.0], [1.0, None], None),
    "structs": _of({"p": 1, "q": "x"}, {"p": None, "q": ""}, None),
    "deep": _of({"p": {"q": {"r": [1]}}}, None),
    "empty structs": _of({}, None),
    "bytes": _of(b"", b"abc", b"\xff\xfe\x00", None),
    "pictures as bytes": lambda rng, rows: [
        rng.choice((picture(), picture()[:40], b"\x89PNG", None)) for _ in range(rows)
    ],
    "files": lambda rng, rows: [
        {"bytes": rng.choice((picture(), b"", None, b"MZ")), "path": "x.png"} for _ in range(rows)
    ],
    "paths": _of("a.png", "../../../etc/passwd.png", "/dev/zero.png", "C:\\x.png", "a\0b.png", "http://x.y/z.png"),
    "decimals": lambda rng, rows: [decimal.Decimal(rng.randint(-999, 999)) / 7 for _ in range(rows)],
    "times": lambda rng, rows: [datetime.time(rng.randint(0, 23), rng.randint(0, 59)) for _ in range(rows)],
    "spans": lambda rng, rows: [datetime.timedelta(days=rng.choice((-(10**8), 0, 10**8))) for _ in range(rows)],
    "splits": _of("train", "test", "val", None),
}
FLAT = tuple(
    n
    for n in VALUES
    if n not in ("lists", "lists of numbers", "structs", "deep", "empty structs", "bytes", "pictures as bytes", "files")
)
TARGETS = (
    "classes",
    "classes",
    "classes",
    "floats",
    "three",
    "bits",
    "whole",
    "missing",
    "constant",
    "extreme",
    "words",
    "every row another",
    "mixed",
    "dates",
    "beyond",
    "truth",
    "infinite",
    "numbers and words",
)


def columns(rng: Random, kinds: tuple[str, ...] = tuple(VALUES)) -> tuple[str, list[tuple[str, list[Any]]]]:
    """What is in it, and the columns in order: names may come twice."""
    rows = rng.choice((0, 1, 2, 9, 10, 11, 40, 40, 40, 40, 120))
    chosen = [rng.choice(kinds) for _ in range(rng.choice((1, 1, 2, 3, 5)))]
    target = rng.choice([name for name in TARGETS if name in kinds])
    names = [rng.choice(("a", "b", "x", rng.choice(NAMES))) for _ in chosen]
    if rng.random() < 0.6:
        names = list(dict.fromkeys(names))
        chosen = chosen[: len(names)]
    made = [(name, VALUES[kind](rng, rows)) for name, kind in zip(names, chosen, strict=True)]
    return "+".join([*chosen, target]), [
        *made,
        ("y" if rng.random() < 0.9 else rng.choice(("label", "z")), VALUES[target](rng, rows)),
    ]


def _array(values: list[Any]) -> pa.Array:
    """The values as they are typed, as text where they are of several types."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([None if v is None else str(v).replace("\udcff", "") for v in values], pa.string())


def arrow(rng: Random, made: list[tuple[str, list[Any]]]) -> pa.Table:
    arrays = [_array(values) for _, values in made]
    retyped = [_retyped(rng, array) if rng.random() < 0.3 else array for array in arrays]
    return pa.Table.from_arrays(retyped, names=[name for name, _ in made])


def _retyped(rng: Random, array: pa.Array) -> pa.Array:
    """The same values in one of the rarer types, where they fit."""
    rare: tuple[pa.DataType, ...] = (
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.float16(),
        pa.uint64(),
        pa.int8(),
        pa.decimal128(20, 3),
        pa.timestamp("ns"),
        pa.timestamp("s", "Europe/Berlin"),
        pa.timestamp("us", "+25:00"),
        pa.date64(),
        pa.time64("ns"),
        pa.duration("ns"),
        pa.large_binary(),
        pa.binary(3),
        pa.list_(pa.string()),
        pa.float32(),
        pa.bool_(),
        pa.dictionary(pa.int32(), pa.int64()),
        pa.binary_view(),
        pa.decimal256(50, 5),
    )
    kind = rng.choice(rare)
    try:
        return array.dictionary_encode() if pa.types.is_dictionary(kind) else array.cast(kind)
    except pa.ArrowException:
        return pa.nulls(len(array), kind) if rng.random() < 0.3 else array


def picture(size: tuple[int, int] = (9, 7), mode: str = "RGB", form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, form)
    return out.getvalue()


def sound(rng: Random, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(rng.choice((1, 2)))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(rng.randbytes(rng.choice((0, 4, 4000)) // 4 * 4))
    return out.getvalue()


def zipped(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _csv(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    mark, end = rng.choice(",,,;\t|"), rng.choice(("\n", "\n", "\r\n", "\r"))
    quoted = rng.choice((True, True, False))

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if quoted and any(c in text for c in f'{mark}"\r\n') else text

    lines = [mark.join(cell(name) for name, _ in made)]
    lines += [mark.join(map(cell, row)) for row in zip(*(values for _, values in made), strict=True)]
    body = end.join(lines) + rng.choice(("", end, end * 3))
    return body.encode(
        rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-32", "shift_jis")), "replace"
    )


def _rows(made: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    return [dict(zip((n for n, _ in made), row, strict=True)) for row in zip(*(v for _, v in made), strict=True)]


def _jsonl(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    rows = _rows(made)
    if rng.random() < 0.2:
        rows = [{k: v for k, v in row.items() if rng.random() < 0.8} for row in rows]
    return "\n".join(json.dumps(row, default=str, ensure_ascii=rng.random() < 0.5) for row in rows).encode(
        "utf-8", "replace"
    )


def _json(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    shape = rng.choice(("rows", "rows", "columns", "scalar", "nested"))
    rows: Any = _rows(made)
    found = {
        "rows": rows,
        "columns": dict(made),
        "scalar": rng.choice((1, "x", None, [], {}, [1, 2], [[1], [2]], [{}])),
        "nested": {"data": rows},
    }[shape]
    return json.dumps(found, default=str).encode()


def _parquet(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    out = io.BytesIO()
    rows = arrow(rng, made)
    try:
        pq.write_table(rows, out, compression=rng.choice(("snappy", "none", "gzip", "zstd")))
    except (pa.ArrowException, ValueError):  # a type that Parquet has not
        return b"PAR1"
    return out.getvalue()


def _arrow(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    out, rows = io.BytesIO(), arrow(rng, made)
    new = rng.choice((pa.ipc.new_file, pa.ipc.new_stream))
    with new(out, rows.schema) as sink:
        sink.write_table(rows)
    return out.getvalue()


def _excel(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    def cell(value: Any) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    rows = [[name for name, _ in made], *zip(*(values for _, values in made), strict=True)]
    body = "".join("<row>" + "".join(map(cell, row[: rng.choice((99, 99, 99, 1))])) + "</row>" for row in rows)
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{types}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{sheet}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheet}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{types}/relationships">'
            f'<Relationship Id="r1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook {main} xmlns:r="{kind}">'
            f'<sheets><sheet name="one" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{types}/relationships">'
            f'<Relationship Id="r1" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>",
        }
    )


def _sqlite(rng: Random, made: list[tuple[str, list[Any]]]) -> bytes:
    connection = sqlite3.connect(":memory:")
    made = made or [("c", [])]  # it has no tables without columns
    names = [f"{n}".replace("\0", "") or f"c{i}" for i, (n, _) in enumerate(made)]
    names = [n if n.lower() not in {m.lower() for m in names[:i]} else f"{n}{i}" for i, n in enumerate(names)]
    quoted = ", ".join('"' + n.replace('"', '""') + '"' for n in names)
    name = rng.choice(("t", 'a "b"', "🦆", "select"))
    opened = '"' + name.replace('"', '""') + '"'
    connection.execute(f"CREATE TABLE {opened} ({quoted})")
    rows = zip(*(values for _, values in made), strict=True)
    plain = [
        tuple(
            v if isinstance(v, str | float | bytes | None) or (isinstance(v, int) and abs(v) < 2**63) else str(v)
            for v in row
        )
        for row in rows
    ]
    connection.executemany(f"INSERT INTO {opened} VALUES ({', '.join('?' * len(names))})", plain)
    if rng.random() < 0.2:
        connection.execute("CREATE VIEW v AS SELECT * FROM missing")
    connection.commit()
    return bytes(connection.serialize())


WRITERS: dict[str, Callable[[Random, list[tuple[str, list[Any]]]], bytes]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".xlsx": _excel,
    ".db": _sqlite,
}
