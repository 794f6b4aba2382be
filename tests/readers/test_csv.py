"""Delimited text is read as it was written, whatever its delimiter, quotes, encoding and decimal mark."""

from __future__ import annotations

import csv
import gzip
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepworth.errors import UserError
from deepworth.readers import _csv
from deepworth.readers._csv import read
from deepworth.readers._dialect import Dialect, find_dialect
from deepworth.types import SourceOptions

LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßéñ"
word = st.text(alphabet=LETTERS, min_size=2, max_size=9).filter(lambda w: w not in ("nan", "na", "inf", "null"))
sentence = st.lists(word, min_size=2, max_size=5).map(" ".join)
quoted = st.lists(
    st.one_of(word, st.sampled_from([",", ";", "\t", "|", '"', "\n", "(a)"])), min_size=2, max_size=6
).map(lambda parts: "x " + " ".join(parts) + " y")
amount = st.integers(-99_999, 99_999).map(lambda n: n / 64)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Named columns of words, sentences that need quotes, whole numbers and amounts; no row is empty."""
    kinds = draw(st.lists(st.sampled_from(["word", "quoted", "whole", "amount"]), min_size=2, max_size=6))
    kinds = ["word", *kinds]  # a table of numbers alone cannot tell its delimiter from its decimal mark
    cells = {"word": word, "quoted": st.one_of(sentence, quoted), "whole": st.integers(-999, 999), "amount": amount}
    rows = draw(st.lists(st.tuples(*(cells[kind] for kind in kinds)), min_size=4, max_size=12))
    return [f"{kind} {i}" for i, kind in enumerate(kinds)], [list(row) for row in rows]


def write(names: list[str], rows: list[list[Any]], delimiter: str, decimal: str, quoting: int, end: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(names)
    writer.writerows([[str(v).replace(".", decimal) if isinstance(v, float) else v for v in row] for row in rows])
    return out.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=tables(),
    form=st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", "."), ("|", ",")]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_reads_back(
    table: Any, form: tuple[str, str], quoting: int, encoding: str, end: str, tmp_path: Path
) -> None:
    names, rows = table
    path = tmp_path / "table.csv"
    path.write_bytes(write(names, rows, *form, quoting, end).encode(encoding))
    found = read(path, SourceOptions()).table
    assert found.column_names == names
    for place, name in enumerate(names):
        written = [row[place] for row in rows]
        values = found.column(name).to_pylist()
        assert [float(v) for v in values] == written if name[:4] in ("whol", "amou") else values == written


GERMAN = "name;größe;straße\nMüller;1,5;Königsallee 7\nGroß;2,25;Am Öhrchen 3\nJörg;3,0;Bäckergasse 12\n"
FRENCH = "nom,prénom,été\nDéjà,Hélène,très chaud\nGarçon,François,à côté\nNoël,Zoë,forêt\n"
CHINESE = "城市,标签\n北京,很好吃\n上海,服务不错\n广州,这家餐厅\n"
TAIWANESE = "城市,標籤\n臺北,很好吃\n高雄,服務不錯\n"
RUSSIAN = "город,метка\nМосква,да\nСанкт-Петербург,нет\nНовосибирск,да\nЕкатеринбург,нет\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "latin-1"), (GERMAN, "cp1252"), (FRENCH, "latin-1"), (FRENCH, "cp1252"), (RUSSIAN, "cp1251"),
        (GERMAN, "cp850"), (CHINESE, "gb18030"), (TAIWANESE, "big5"),
        ("carat;Höhe %;color\n1,5;61,5;E\n2,25;59,8;F\n", "latin-1"), ("Höhe %;Breite\n1,5;2\n2,5;3\n", "cp1252"),
        ("5 °C;Ort\n6;Ulm\n8;Bonn\n", "cp1252"),
    ],
)  # fmt: skip
def test_other_encodings_are_found(text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    found = read(path, SourceOptions())
    names, *rows = [re.split("[;,]" if ";" not in text else ";", line) for line in text.splitlines()]
    assert found.table.column_names == names
    assert [str(value).replace(".", ",") for value in found.table.column(0).to_pylist()] == [row[0] for row in rows]
    assert "read as" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n3,25;4\n", ";"),
        ("a\tb\nhello, you\t1\nme, too\t2\n", "\t"),
        ("a|b\nx;y|1\nz;w|2\n", "|"),
        ("Length, cm;Width, cm\n1.5;2\n2.5;3\n", ";"),
    ],
)
def test_delimiter(text: str, delimiter: str) -> None:
    assert find_dialect(text).delimiter == delimiter


def test_single_quotes_and_backslashes() -> None:
    assert find_dialect("a,b\n'x, y','1'\n'z','2'\n").quote == "'"
    assert find_dialect('a,b\n"say \\"hi, you\\"",1\n"z, z",2\n').escape == "\\"


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("a;b\n1,5;2\n2;3\n", ","),
        ("a;b\n1.5;2\n2;3\n", "."),
        ('a,b\n"1,5",x\n"2,75",y\n', ","),
        ('a,b\n"1,500",x\n"2,750",y\n', "."),  # thousands
        ("a;b\n1,500;x\n2,750;y\n", ","),
    ],
)
def test_decimal_mark(text: str, decimal: str) -> None:
    assert find_dialect(text).decimal == decimal


def test_rows_without_names(tmp_path: Path) -> None:
    path = tmp_path / "iris.csv"
    path.write_text("5.1,3.5,setosa\n4.9,3.0,setosa\n6.3,3.3,virginica\n")
    found = read(path, SourceOptions())
    assert found.table.column_names == ["column_1", "column_2", "column_3"]
    assert found.table.num_rows == 3
    assert "the first row holds values" in found.notes[0]


def test_years_are_names(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("country,2019,2020,2021\nA,1,2,3\nB,4,5,6\n")
    assert read(path, SourceOptions()).table.column_names == ["country", "2019", "2020", "2021"]


def test_row_names_as_r_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("a\tb\nfirst\t1\t2\nsecond\t3\t4\n")
    assert read(path, SourceOptions()).table.to_pydict() == {"row": ["first", "second"], "a": [1, 3], "b": [2, 4]}


def test_codes_keep_their_zeros(tmp_path: Path) -> None:
    path = tmp_path / "zip.csv"
    path.write_text("zip,n\n02134,1\n10001,2\n")
    assert read(path, SourceOptions()).table["zip"].to_pylist() == ["02134", "10001"]


def test_stray_quotes_in_tabbed_text(tmp_path: Path) -> None:
    path = tmp_path / "text.tsv"
    filler = "".join(f"a plain line {i}\t{i}\n" for i in range(20_000))  # beyond what the dialect is found from
    path.write_text("text\tlabel\n" + filler + '"starts like a quote\t1\nordinary\t0\n"another\t1\n')
    found = read(path, SourceOptions())
    assert found.table.num_rows == 20_003
    assert found.table["text"].to_pylist()[-3:] == ['"starts like a quote', "ordinary", '"another']


def test_packed(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a;b\n1;x\n2;y\n"))
    found = read(path, SourceOptions())
    assert found.table.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_huge_field(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    path.write_text("text,label\n" + "word " * 2_000_000 + ",a\nshort,b\n")
    assert [len(v) for v in read(path, SourceOptions()).table["text"].to_pylist()] == [10_000_000, 5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"a,b,c", "no rows"),
        (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has 2 values where the header has 3"),
        (b'a,b,c\n1,2,3\n"x\ny",2,3\n6,7,8,9\n', "line 5 has 4 values"),
        (b"a,b\n1,2\n3,\x004\n", "line 3 holds a NUL byte"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said):
        read(path, SourceOptions())


FIELD = st.text(alphabet='ab"\n, ', max_size=8)


@given(
    st.lists(st.tuples(FIELD, FIELD), min_size=3, max_size=60), st.integers(64, 200), st.sampled_from(["\n", "\r\n"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values_over_several_lines_stay_whole_wherever_the_blocks_end(tmp_path, monkeypatch, rows, chunk, end):
    """pyarrow cuts a file into blocks at ends of lines: at none that lies in a value."""
    monkeypatch.setattr(_csv, "CHUNK", chunk)
    path = tmp_path / "t.csv"
    rows = [(f"_{x}", f"_{y}") for x, y in rows]  # so that none is empty, a number or a date
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator=end).writerows([("x", "y"), *rows])
    look = _csv._look(path)
    assert not look.broken or any("\n" in value for row in rows for value in row)
    table = _csv._parse(path, look, Dialect(), block=chunk)
    assert list(zip(*table.to_pydict().values(), strict=True)) == rows


def test_a_quoted_value_with_tabs_and_lines_stays_whole_and_stray_marks_stay_marks(tmp_path):
    whole = tmp_path / "whole.tsv"
    whole.write_text('a\tb\tc\n1x\t2x\t3x\n1y\t"so \t \n \t on"\t3y\n')
    assert read(whole, SourceOptions()).table.column("b").to_pylist() == ["2x", "so \t \n \t on"]
    stray = tmp_path / "stray.tsv"
    stray.write_text('a\tb\n"Oh\tone\ntwo\tthree\n"Ah\tfour\n')
    assert read(stray, SourceOptions()).table.column("a").to_pylist() == ['"Oh', "two", '"Ah']


def test_the_line_of_a_row_behind_a_long_value_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n" + "x" * 300_000 + ",1\n3,4,5\n")
    with pytest.raises(UserError, match=r"rows.csv: line 3 has 3 values where the header has 2"):
        read(tmp_path / "rows.csv", SourceOptions())


def test_a_mark_that_lies_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("a,b\n1,2\n".encode("utf-16") + b"\n")
    with pytest.raises(UserError, match=r"rows.csv"):
        read(tmp_path / "rows.csv", SourceOptions())
