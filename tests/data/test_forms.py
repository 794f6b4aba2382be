"""Numbers and dates written as text."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data import forms

MARKS = {"1234.5": ("", "."), "1,234.5": (",", "."), "1234,5": ("", ","), "1.234,5": (".", ","), "1 234,5": (" ", ",")}


def written(value: float, form: str) -> str:
    group, decimal = MARKS[form]
    whole, _, fraction = f"{abs(value):,.2f}".partition(".")
    return ("-" if value < 0 else "") + whole.replace(",", group) + decimal + fraction


@given(
    st.sampled_from(list(MARKS)), st.lists(st.integers(-(10**8), 10**8).map(lambda n: n / 100), min_size=3, max_size=30)
)
def test_any_numbers_read_back(form: str, values: list[float]) -> None:
    values = [*values, 1234567.25, 0.5]  # what tells the marks apart
    text = pa.array([written(value, form) for value in values])
    found = forms.number_form(forms.known(text))
    assert forms.numbers(text, found).to_pylist() == values


@pytest.mark.parametrize(
    ("cells", "form", "values"),
    [
        (["1,500", "2,250"], "1,234.5", [1500, 2250]),
        (["1,5", "2,250"], "1234,5", [1.5, 2.25]),
        (["$1,234.50", "€ 5.00"], "1,234.5", [1234.5, 5]),
        (["12%", "99.5 %"], "1234.5", [12, 99.5]),
        (["1’234.5", "12"], "1 234.5", [1234.5, 12]),
        (["1e-3", ".5"], "1234.5", [0.001, 0.5]),
    ],
)
def test_number_forms(cells: list[str], form: str, values: list[float]) -> None:
    assert forms.number_form(pa.array(cells)) == form
    assert forms.numbers(pa.array(cells), form).to_pylist() == values


@pytest.mark.parametrize("cells", [["007", "123"], ["12A", "13"], ["10.0.0.1", "10.0.0.2"], ["one", "two"], []])
def test_what_is_no_number(cells: list[str]) -> None:
    assert forms.number_form(pa.array(cells, pa.string())) == ""


DAY, MINUTE = datetime.datetime(2021, 3, 25), datetime.datetime(2021, 3, 25, 14, 30)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2021-03-25", DAY), ("2021-03-25 14:30", MINUTE), ("2021-03-25T14:30:00", MINUTE),
        ("2021-03-25T14:30:00Z", MINUTE),
        ("2021-03-25T16:30:00+02:00", MINUTE), ("25.03.2021", DAY), ("25/03/2021", DAY), ("03/25/2021", DAY),
        ("03/25/2021 02:30 PM", MINUTE), ("2021/03/25", DAY), ("25 Mar 2021", DAY), ("25-Mar-2021", DAY),
        ("March 25, 2021", DAY),
        ("3/25/21", DAY), ("2021-03", DAY.replace(day=1)), ("Thu Mar 25 14:30:00 2021", MINUTE),
    ],
)  # fmt: skip
def test_date_forms(cell: str, moment: datetime.datetime) -> None:
    form, _ = forms.date_form(pa.array([cell, cell]))
    assert forms.dates(pa.array([cell]), form).to_pylist() == [moment], form


def test_day_or_month_first() -> None:
    assert forms.date_form(pa.array(["01/02/2021", "25/02/2021"])) == ("%d/%m/%Y", "")
    assert forms.date_form(pa.array(["01/02/2021", "03/04/2021", "02/05/2021"])) == ("%d/%m/%Y", "")  # so they ascend
    form, remark = forms.date_form(pa.array(["05/02/2021", "03/04/2021", "01/09/2021", "02/01/2021"]))
    assert form == "%m/%d/%Y"
    assert "guess" in remark


@pytest.mark.parametrize("cells", [["1.2.3.4", "2.2.0.9"], ["555-1234"], ["12:30", "13:00"], ["10-20", "20-30"], []])
def test_what_is_no_date(cells: list[str]) -> None:
    assert forms.date_form(pa.array(cells, pa.string())) == ("", "")


def test_impossible_dates_are_missing() -> None:
    assert forms.dates(pa.array(["2020-13-01", "2020-12-01"]), "iso").to_pylist() == [
        None,
        datetime.datetime(2020, 12, 1),
    ]
