"""The same small table as a source of every kind; a new reader adds itself here to be tested."""

from __future__ import annotations

import datetime
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

ROWS = 60


def reference() -> pa.Table:
    """Numbers with a gap, whole numbers, words, yes and no, dates, sentences, and a target."""
    days = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=3 * i) for i in range(ROWS)]
    return pa.table(
        {
            "height": pa.array([None if i % 7 == 3 else 1.25 + 0.5 * (i % 13) for i in range(ROWS)]),
            "count": pa.array([(i * 7) % 23 for i in range(ROWS)]),
            "city": pa.array([("Köln", "Zürich", "New York")[i % 3] for i in range(ROWS)]),
            "member": pa.array([i % 4 == 1 for i in range(ROWS)]),
            "since": pa.array(days, pa.timestamp("us")),
            "remark": pa.array([f"the {i}th guest said, in short: it was fine here" for i in range(ROWS)]),
            "label": pa.array([("good", "bad")[i % 2] for i in range(ROWS)]),
        }
    )


def as_csv(table: pa.Table, folder: Path) -> str:
    pc.write_csv(table, folder / "table.csv")
    return str(folder / "table.csv")


def as_parquet(table: pa.Table, folder: Path) -> str:
    pq.write_table(table, folder / "table.parquet")
    return str(folder / "table.parquet")


def as_arrow(table: pa.Table, folder: Path) -> str:
    with pa.ipc.new_file(str(folder / "table.arrow"), table.schema) as sink:
        sink.write_table(table)
    return str(folder / "table.arrow")


def as_jsonl(table: pa.Table, folder: Path) -> str:
    lines = [json.dumps(row, default=str, ensure_ascii=False) for row in table.to_pylist()]
    (folder / "table.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / "table.jsonl")


def as_sqlite(table: pa.Table, folder: Path) -> str:
    connection = sqlite3.connect(folder / "table.db")
    connection.execute(f"CREATE TABLE guests ({', '.join(table.column_names)})")
    rows = [tuple(str(v) if isinstance(v, datetime.datetime) else v for v in row.values()) for row in table.to_pylist()]
    connection.executemany(f"INSERT INTO guests VALUES ({', '.join('?' * table.num_columns)})", rows)
    connection.commit()
    connection.close()
    return f"{folder / 'table.db'}::guests"


def as_excel(table: pa.Table, folder: Path) -> str:
    """A workbook with one sheet, written by hand: five small XML files in a zip."""

    def cell(value: Any) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    rows = [table.column_names, *[list(row.values()) for row in table.to_pylist()]]
    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="guests" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(folder / "table.xlsx", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return str(folder / "table.xlsx")


def as_folder(table: pa.Table, folder: Path) -> str:
    """The remarks as text files in class folders."""
    for i, row in enumerate(table.to_pylist()):
        path = folder / "guests" / row["label"] / f"{i:03d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["remark"], encoding="utf-8")
    return str(folder / "guests")


def as_zip(table: pa.Table, folder: Path) -> str:
    root = Path(as_folder(table, folder))
    with zipfile.ZipFile(folder / "guests.zip", "w") as archive:
        for path in sorted(root.rglob("*.txt")):
            archive.write(path, path.relative_to(root))
    return str(folder / "guests.zip")


def as_frame(table: pa.Table, folder: Path) -> Any:
    return table


def as_hub(table: pa.Table, folder: Path) -> str:
    """An id; what it stands for is given to `datasets.load_dataset` by the test."""
    return "somebody/guests"


Write = Callable[[pa.Table, Path], Any]
SOURCES: dict[str, Write] = {
    "csv": as_csv,
    "parquet": as_parquet,
    "arrow": as_arrow,
    "jsonl": as_jsonl,
    "sqlite": as_sqlite,
    "excel": as_excel,
    "folder": as_folder,
    "zip": as_zip,
    "frame": as_frame,
    "hub": as_hub,
}
FILES_OF_TEXT = ("folder", "zip")  # hold the remarks and the labels alone
DAMAGED = {
    "parquet": "x.parquet", "arrow": "x.arrow", "jsonl": "x.jsonl", "sqlite": "x.db", "excel": "x.xlsx", "zip": "x.zip"
}  # fmt: skip
