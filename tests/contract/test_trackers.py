"""Every registered tracker: keeps what it saw at once, goes on where a killed training stood, and watches only."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepworth.registry import TrackerSpec, missing, resolve, specs
from deepworth.train.options import Moment

TRACKERS = specs("trackers")


def moment(step: int, score: float | None = None) -> Moment:
    return Moment(step=step, steps=10, epoch=step / 5, loss=1.0 / (1 + step), lr=1e-3, seconds=0.1 * step, score=score)


def content(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture(params=TRACKERS)
def build(request: pytest.FixtureRequest) -> Callable[[Path], Any]:
    spec = TRACKERS[request.param]
    if lacking := missing(spec):
        pytest.skip(f"needs {', '.join(lacking)}")
    assert spec.summary
    return resolve(spec.tracker)


def test_each_moment_is_kept_before_the_next(build: Callable[[Path], Any], tmp_path: Path) -> None:
    tracker, before = build(tmp_path), content(tmp_path)
    for step in range(4):  # never closed: a training may be killed
        assert tracker.see(moment(step, 0.5 if step == 3 else None)) is None
        assert content(tmp_path) > before
        before = content(tmp_path)


def test_a_training_that_goes_on_keeps_what_it_had(build: Callable[[Path], Any], tmp_path: Path) -> None:
    build(tmp_path).see(moment(1))
    before = content(tmp_path)
    build(tmp_path).see(moment(2))
    assert content(tmp_path) > before


def test_it_writes_into_its_folder_only(
    build: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here", "trial"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    build(tmp_path / "trial").see(moment(1))
    assert not list((tmp_path / "here").iterdir())


def test_the_log_reads_back(tmp_path: Path) -> None:
    tracker = resolve(TRACKERS["jsonl"].tracker)(tmp_path)
    seen = [moment(1), moment(2, 0.75)]
    for one in seen:
        tracker.see(one)
    assert [Moment(**json.loads(line)) for line in (tmp_path / "log.jsonl").read_text().splitlines()] == seen


@pytest.fixture
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package of somebody else with two trackers, one of which lacks what it needs."""
    made = [
        TrackerSpec(name="loud", summary="prints", tracker="builtins:print"),
        TrackerSpec(name="absent", summary="cannot", tracker="no:thing", needs=("a_module_that_is_not_there",)),
    ]
    point = SimpleNamespace(load=lambda: SimpleNamespace(SPECS=made))
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == "deepworth.trackers" else []
    )
    specs.cache_clear()
    yield
    specs.cache_clear()


def test_packages_of_others_take_part(plugged_in: None) -> None:
    assert list(specs("trackers")) == ["jsonl", "absent", "loud"]
    assert [spec.name for spec in specs("trackers").values() if not missing(spec)] == ["jsonl", "loud"]
