"""The page: whole, self-contained, and safe whatever the data is called."""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from deepworth.metrics.quality import Slice
from deepworth.metrics.scores import METRICS
from deepworth.report.build import fragment, write_report
from deepworth.report.quality import compared, judged_rows, look
from deepworth.report.words import MEANS, means
from deepworth.run import open_run
from deepworth.store import RunFolder, write
from deepworth.types import Conclusion, Dataset, Fact, dump, load
from tests.made_run import EVIL, TRIALS, make_run, trial, verdict
from tests.report.full_run import OTHER, WINNER, full_run

VOID = {"meta", "br", "hr", "img", "link", "input"}
DRAWN = {"path", "use", "rect", "circle", "line"}


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

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID and self.open.pop() == tag


@pytest.mark.parametrize("answer", get_args(Conclusion))
def test_page_says_the_verdict_first(tmp_path: Path, answer: Conclusion) -> None:
    page = write_report(make_run(tmp_path / "adult", answer)).read_text()
    assert page.index(f"<strong>{answer}</strong>") < page.index("<svg") < page.index("What was tried, and")
    for one in TRIALS:
        assert one.model in page
        assert not one.reason or one.reason in page
    assert "lightgbm 4.7.0" in page and "that of your data" in page


@pytest.mark.parametrize("modality", ["tabular", "text", "image", "audio"])
def test_page_needs_nothing_from_elsewhere(tmp_path: Path, modality: str) -> None:
    path = write_report(full_run(tmp_path / "adult", modality))
    page = path.read_text()
    tags = Tags(page)
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in tags.seen}
    for tag, given in tags.seen:
        assert tag != "script" or not given  # the page's own
        for name in ("src", "href", "xlink:href"):
            assert (given.get(name) or "#").startswith(("#", "data:image/jpeg;", "data:audio/mpeg;"))
    assert not re.search(r"https?://|@import", page)
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)\)", page))
    assert path.stat().st_size < 3e6


def test_every_id_stands_once(tmp_path: Path) -> None:
    ids = [given["id"] for _, given in Tags(write_report(full_run(tmp_path / "a")).read_text()).seen if "id" in given]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_every_task_has_its_parts(tmp_path: Path, kind: str) -> None:
    folder = full_run(tmp_path / "a", kind=kind)
    page = write_report(folder).read_text()
    Tags(page)
    classes = kind != "regression"
    assert ("Can its probabilities be believed?" in page) == classes == ("What it takes for what" in page)
    assert ("Predicted and true values" in page) != classes
    for part in (
        "Where it is weak",
        "What it may promise",
        "Is there enough of it?",
        "TabArena",
        " Wh",
        "What it costs",
        "What more rows would change",
    ):
        assert part in page
    drawn = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert drawn == {"gain", "curve", "ladder", "estimates"} | ({"reliability"} if classes else {"residuals"})


def test_a_slice_where_the_winner_is_worse_is_told_at_the_top(tmp_path: Path) -> None:
    page = write_report(full_run(tmp_path / "a")).read_text()
    assert page.index("On job = cook") < page.index("What was tried, and")
    assert page.count("On job = cook") == 2


def test_each_deep_rung_has_its_answer_also_in_a_notebook(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "a")
    for page in (write_report(folder).read_text(), open_run(folder)._repr_html_()):
        Tags(page)
        assert 'class="verdict no"' in page and 'class="figure gain"' in page
        for rung, said in {"frozen": "let the frozen rung run", "tuned": "about 700 s more time"}.items():
            answer = page[page.index(f'<span class="rung {rung}">') :]
            assert "cannot tell yet" in answer[:200] and said in answer[:400]
        assert "Judged on 400 test rows by 1,000 resamples" in page


def test_the_floor_wins_no_class_by_saying_it_always(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "a")
    assert any(s.column == "income" for s in _slices(folder))
    rows = judged_rows(RunFolder(folder))
    assert rows is not None and rows.other is not None
    np.save(RunFolder(folder).trial(OTHER) / "predictions_test.npy", np.full_like(rows.other, 0.5))
    assert not any(s.column == "income" for s in _slices(folder))


def test_numbers_that_are_left_out_make_no_slices(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "a")
    assert any(s.column == "age" for s in _slices(folder))
    path = RunFolder(folder).data / "dataset.json"
    write(path, dump(replace(load(Dataset, path), features=("job",))))
    assert not any(s.column == "age" for s in _slices(folder))


class Words(html.parser.HTMLParser):
    """The words of a page outside of its figures, code and style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("svg", "code", "pre", "style", "script"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_numbers_are_written_as_people_write_them(tmp_path: Path, kind: str) -> None:
    folder = full_run(tmp_path / "a", kind=kind)
    run = RunFolder(folder)
    facts = (Fact(name="rows_test", value=80.0, unit="rows"), Fact(name="missing_share", value=0.0123))
    run.save("profile", replace(run.profile, facts=facts))
    words = " ".join(Words(write_report(folder).read_text()).words)
    assert "80 rows" in words and "0.0123" in words and "rows test" in words
    assert not re.search(r"\de[+-]\d\d|\bnan\b|\d\.0000 [a-z]|(?<![\w.])100% sure", words)


def test_every_metric_is_explained() -> None:
    assert set(MEANS) == set(METRICS) and means("Brier score") == MEANS["brier"] and not means("share of wrong rows")


def _slices(folder: Path) -> tuple[Slice, ...]:
    rows = judged_rows(RunFolder(folder))
    assert rows is not None
    return look(rows, "auc").slices


def test_a_threshold_has_its_table(tmp_path: Path) -> None:
    page = write_report(full_run(tmp_path / "a")).read_text()
    assert "From when on it says &gt;50K" in page and "0.31, test rows" in page


@pytest.mark.parametrize(("modality", "shows"), [("image", "<img src="), ("audio", "<audio"), ("text", "<blockquote>")])
def test_mistakes_are_shown_as_what_they_are(tmp_path: Path, modality: str, shows: str) -> None:
    assert write_report(full_run(tmp_path / "a", modality)).read_text().count(shows) == 6


def test_names_from_the_data_are_escaped(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "adult", evil=True)
    for page in (write_report(folder).read_text(), fragment(folder)):
        assert EVIL not in page and "<script>alert" not in page
        Tags(page)
    assert "&lt;script&gt;" in write_report(folder).read_text()


def test_texts_from_the_data_are_escaped(tmp_path: Path) -> None:
    page = write_report(full_run(tmp_path / "a", "text")).read_text()
    assert "<b>film" not in page


def test_where_a_few_rows_decide_the_winner_stays_beside_the_other_side() -> None:
    """A deep winner beside the best shallow model, although another deep one is better on the validation rows."""
    judged = verdict("cannot tell yet", trials=(*TRIALS, trial("net", "custom", 0.99, 3.0)))
    other = compared(replace(judged, winner=OTHER, gain=None, gains={}))
    assert other is not None and other.key == WINNER


def test_page_without_any_deep_model(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "adult")
    alone = dump(verdict("cannot tell yet", trials=TRIALS[:3]))
    write(folder / "verdict.json", re.sub(rb'"gain":\{.*?\},"gains":\{.*?\}\},', b'"gain":null,"gains":{},', alone))
    page = write_report(folder).read_text()
    assert 'class="figure gain"' not in page and 'class="figure ladder"' in page
    Tags(page)


def test_twenty_trials_are_small(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "a")
    run = RunFolder(folder)
    more = tuple(replace(trial(f"model-{i}", "custom", 0.9 + i / 1000, 2.0 * i + 1), key=f"m-{i}") for i in range(14))
    trials = tuple(replace(t, test={**t.test, "ece": 0.02}) for t in more)
    run.save("verdict", replace(run.verdict, trials=(*run.verdict.trials, *trials)))
    assert write_report(folder).stat().st_size < 5e5


def test_the_same_run_gives_the_same_figures(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "a")
    write_report(folder)
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    write_report(folder)
    assert before == {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
