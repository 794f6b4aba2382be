"""The page looked at in a real browser: three widths, dark and light, no error, nothing fetched, by keyboard too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepworth.report.build import write_as, write_report
from tests.report.browser import CHROMIUM, Browser, browser
from tests.report.full_run import full_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("DEEPWORTH_AXE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
LOOKS = [(390, False), (768, True), (1280, False)]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    kinds = {"tabular": "binary", "text": "multiclass", "image": "multiclass", "audio": "binary"}
    made = {name: write_report(full_run(folder / name, name, kind)) for name, kind in kinds.items()}
    return made | {"number": write_report(full_run(folder / "number", "tabular", "regression"))}


@pytest.mark.parametrize("name", ["tabular", "text", "image", "audio", "number"])
def test_page_fits_and_fetches_nothing(chromium: Browser, pages: dict[str, Path], name: str, tmp_path: Path) -> None:
    for width, dark in LOOKS:
        chromium.open(pages[name], width, dark=dark)
        assert chromium.run("document.documentElement.scrollWidth") <= width
        letters = "Math.min(...[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height))"
        assert chromium.run(letters) > 9  # pixels, of the figures' smallest letters
        chromium.picture(tmp_path / f"{width}.png")
        assert (tmp_path / f"{width}.png").stat().st_size > 20_000
    assert not chromium.errors
    assert all(url.startswith(("file:", "data:")) for url in chromium.requests)
    assert chromium.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


def test_dark_is_dark_and_paper_is_light(chromium: Browser, pages: dict[str, Path]) -> None:
    def paper(**look: object) -> list[int]:
        chromium.open(pages["tabular"], **look)
        colour = chromium.run("getComputedStyle(document.body).backgroundColor")
        return [int(v) for v in colour[4:-1].split(",")]

    assert min(paper(dark=False)) > 240
    assert max(paper(dark=True)) < 40
    assert min(paper(dark=True, media="print")) > 240


def test_recordings_play(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["audio"])
    lengths = chromium.run(
        "Promise.all([...document.querySelectorAll('audio')].map(a => new Promise((done) => {"
        "a.onloadedmetadata = () => done(a.duration); a.onerror = () => done(-1); "
        "a.preload = 'metadata'; a.load(); })))"
    )
    assert len(lengths) == 6 and all(0.4 < seconds < 0.8 for seconds in lengths)


def test_headings_sort_by_mouse_and_keyboard(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["tabular"])
    times = "[...document.querySelector('#ladder table.sort').tBodies[0].rows].map(r => +r.cells[4].dataset.v)"
    head = "document.querySelector('#ladder table.sort').tHead.rows[0].cells[4]"
    before = chromium.run(times)
    assert before != sorted(before)
    chromium.run(f"{head}.querySelector('button').click()")
    assert chromium.run(times) == sorted(before) and chromium.run(f"{head}.ariaSort") == "ascending"
    chromium.run(f"{head}.querySelector('button').focus()")
    for kind in ("keyDown", "keyUp"):
        chromium.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13
        )
    assert chromium.run(times) == sorted(before, reverse=True)


def test_points_tell_what_they_are(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["tabular"])
    assert chromium.run("document.querySelector('.tooltip').hidden")
    place = chromium.run(
        "(() => { const p = document.querySelector('svg.ladder .tip use'); p.scrollIntoView({block: 'center'});"
        "const b = p.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    chromium.hover(*place)
    assert not chromium.run("document.querySelector('.tooltip').hidden")
    assert "classical" in chromium.run("document.querySelector('.tooltip').textContent")


@pytest.mark.skipif(
    not AXE.exists(), reason="no axe-core here: npm install axe-core, or name its file in DEEPWORTH_AXE"
)
@pytest.mark.parametrize("name", ["tabular", "text", "image", "audio", "number"])
def test_no_accessibility_violation(chromium: Browser, pages: dict[str, Path], name: str) -> None:
    violations = "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' ')))"
    for dark in (False, True):
        chromium.open(pages[name], 390, dark=dark)
        chromium.run(AXE.read_text() + ";1")
        assert chromium.run("document.querySelectorAll('details').forEach(d => d.open = true)") is None
        assert chromium.run(violations) == []
    chromium.run("document.querySelector('svg').removeAttribute('aria-label')")  # the check can fail
    assert chromium.run(violations) != []


def test_pdf(pages: dict[str, Path], tmp_path: Path) -> None:
    out, _ = write_as(pages["tabular"].parent, "pdf", tmp_path / "a.pdf")
    assert out is not None and out.read_bytes().startswith(b"%PDF") and out.stat().st_size > 30_000
