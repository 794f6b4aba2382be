"""The page: whole, self-contained, and safe whatever the data is called."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.report.build import fragment, write_report
from deepworth.report.figures import gain_figure
from deepworth.store import write
from deepworth.types import Conclusion, Gain, dump
from tests.made_run import EVIL, TRIALS, make_run, verdict

VOID = {"meta", "br", "hr", "img", "link", "input", "circle", "rect", "line"}


class Tags(html.parser.HTMLParser):
    """Collects the tags and fails on those that do not close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("answer", get_args(Conclusion))
def test_page_says_the_verdict_first(tmp_path: Path, answer: Conclusion) -> None:
    page = write_report(make_run(tmp_path / "adult", answer)).read_text()
    assert page.index(f"<strong>{answer}</strong>") < page.index("<svg") < page.index("What was tried")
    for trial in TRIALS:
        assert trial.model in page
        assert not trial.reason or trial.reason in page
    assert "lightgbm 4.7.0" in page and "that of your data" in page


def test_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = write_report(make_run(tmp_path / "adult")).read_text()
    tags = Tags(page)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags.seen}
    assert not re.search(r"https?://|url\(|@import", page)


def test_names_from_the_data_are_escaped(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "adult", evil=True)
    for page in (write_report(folder).read_text(), fragment(folder)):
        assert EVIL not in page and "<script" not in page
        Tags(page)
    assert "&lt;script&gt;" in write_report(folder).read_text()


def test_page_without_any_deep_model(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "adult")
    alone = dump(verdict("cannot tell yet", trials=TRIALS[:3]))
    write(folder / "verdict.json", re.sub(rb'"gain":\{.*?\},"gains":\{.*?\}\},', b'"gain":null,"gains":{},', alone))
    page = write_report(folder).read_text()
    assert "<svg" not in page
    Tags(page)


@given(
    points=st.lists(st.tuples(*[st.floats(-50, 1)] * 3).map(sorted), min_size=1, max_size=3),
    worth=st.floats(0, 0.5),
)
def test_figure_stays_in_its_frame(points: list[list[float]], worth: float) -> None:
    gains = [
        Gain(rung="custom", challenger="a", base="b", low=low, relative=middle, high=high)
        for low, middle, high in points
    ]
    figure = gain_figure(gains, worth)
    places = [float(x) for x in re.findall(r'\b(?:x|x1|x2|cx)="([-\d.]+)"', figure)]
    assert all(0 <= place <= 360 for place in places)
    Tags(figure)


def test_an_endless_interval_is_drawn_to_the_edge() -> None:
    gain = Gain(rung="tuned", challenger="a", base="b", relative=0.1, low=float("-inf"), high=float("inf"))
    assert "inf" not in re.sub(r"<text.*?</text>", "", gain_figure([gain], 0.01))
