"""What is printed while a run climbs, on a terminal and in a log."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from deepworth.progress import Progress
from deepworth.store import RunFolder
from deepworth.types import Candidate, Trial, TrialResult
from tests.made_run import TRIALS, make_run


def climb(tmp_path: Path, terminal: bool) -> str:
    """The output of a whole run, told to a display 80 columns wide."""
    run = RunFolder(make_run(tmp_path / "adult"))
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=80, highlight=False, color_system=None)
    with Progress(console) as progress:
        progress.opened(run.dataset, run.splits, run.profile)
        progress.planned(run.plan)
        for result in TRIALS:
            if result.status != "skipped":
                progress.started(*begin(run, result), 100.0)
            progress.progress("nobody", 0.5, "is ignored")
            progress.finished(result)
        progress.note("interrupted: ending with what is done")
        progress.judged(run.verdict)
    return screen.getvalue()


def begin(run: RunFolder, result: TrialResult) -> tuple[Candidate, Trial]:
    trial = Trial(model=result.model, rung=result.rung, data="d", splits="s", task=run.dataset.task)
    return Candidate(model=result.model, rung=result.rung, estimate=result.estimate), trial


def test_a_log_has_one_line_a_trial(tmp_path: Path) -> None:
    lines = climb(tmp_path, terminal=False).splitlines()
    for result in TRIALS:
        mine = [line for line in lines if line[2:].split(" ")[0] == result.model]
        assert len(mine) == 1
        assert result.reason in mine[0]
    assert "auc 0.9271" in next(line for line in lines if "lightgbm" in line)
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_head_says_what_was_found(tmp_path: Path, terminal: bool) -> None:
    said = climb(tmp_path, terminal)
    for part in (
        "48,842 rows",
        "columns: 3 numbers",
        "predict 'income', binary",
        "7,326 test",
        "47 rows stand in both",
    ):
        assert part in said


def test_reasons_are_whole_at_80_columns(tmp_path: Path) -> None:
    said = climb(tmp_path, terminal=True)
    words = " ".join(said.split())
    for result in TRIALS:
        assert " ".join(result.reason.split()) in words


@pytest.mark.parametrize("terminal", [True, False])
def test_the_time_left_and_the_price_of_the_next_rung(tmp_path: Path, terminal: bool) -> None:
    run = RunFolder(make_run(tmp_path / "adult"))
    screen = io.StringIO()
    progress = Progress(Console(file=screen, force_terminal=terminal, width=200, highlight=False, color_system=None))
    progress.planned(run.plan)
    progress.started(*begin(run, TRIALS[1]), 100.0)
    assert progress._left() == "1:40 left; next rung floor: ~0.2 s [0.1..0.4]"
    progress.started(*begin(run, TRIALS[0]), 100.0)
    assert "next rung custom: ~14 m" in progress._left()
    progress.started(*begin(run, TRIALS[4]), 100.0)
    assert progress._left() == "1:40 left, 6 models to go"
    for trial in TRIALS:
        progress.finished(trial)
    assert progress._left() == "1:40 left"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_made_again_is_shown_with_the_time_left(tmp_path: Path, terminal: bool) -> None:
    run = RunFolder(make_run(tmp_path / "adult"))
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=120, highlight=False, color_system=None)
    progress = Progress(console)
    trial = Trial(model="mlp", rung="custom", data="d", splits="s", task=run.dataset.task, seed=1)
    progress.repeating(trial, "seed 2 of 3", 20.0, 100.0)
    progress.progress(trial.key, 0.4, "epoch 3")
    console.print(progress._now())
    said = screen.getvalue()
    assert "mlp" in said
    assert "seed 2 of 3 40% epoch 3" in said
    assert "1:40 left" in said
    progress.repeated(replace(TRIALS[0], key=trial.key))
    assert not progress.running
