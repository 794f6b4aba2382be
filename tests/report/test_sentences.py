"""Every sentence with a number comes from the records: a changed record changes it, and nothing else does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepworth.report.content import command, gather
from deepworth.store import RunFolder
from deepworth.types import Goals, SourceOptions
from tests.report.full_run import OTHER, TEST, WINNER, full_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(full_run(tmp_path / "a"))


def said(run: RunFolder) -> dict[str, tuple[str, ...]]:
    return gather(run)[0].sentences


def changed(run: RunFolder, before: dict[str, tuple[str, ...]]) -> set[str]:
    after = said(run)
    return {name for name in before if before[name] != after[name]}


def edit(run: RunFolder, key: str, **fields: object) -> None:
    trials = tuple(replace(t, **fields) if t.key == key else t for t in run.verdict.trials)
    run.save("verdict", replace(run.verdict, trials=trials))


def test_every_section_has_a_number(run: RunFolder) -> None:
    made = said(run)
    assert set(made) == {
        "verdict", "gains", "ladder", "estimates", "limits", "expected", "price", "slices", "calibration", "mistakes",
        "coverage",
    }  # fmt: skip
    for name, lines in made.items():
        assert lines and (name == "expected" or all(re.search(r"\d", line) for line in lines)), name


def test_a_gain(run: RunFolder) -> None:
    before = said(run)
    verdict = run.verdict
    gain = replace(verdict.gains["custom"], relative=0.123, low=0.1, high=0.15)
    run.save("verdict", replace(verdict, gains={**verdict.gains, "custom": gain}))
    assert changed(run, before) == {"gains"}
    assert said(run)["gains"][1] == "custom: tabm against lightgbm +12.3% of the error [+10.0% .. +15.0%], worth it."


def test_the_seconds_of_a_trial(run: RunFolder) -> None:
    before = said(run)
    edit(run, OTHER, seconds=77.7)
    assert changed(run, before) == {"ladder", "estimates", "price"} - {"ladder"}  # tabm is not on the front
    edit(run, WINNER, seconds=9.9)
    assert "lightgbm (9.9 s, 0.9231)" in said(run)["ladder"][0]
    assert "takes 7.8 times the time to train" in said(run)["price"][0]


def test_the_test_score(run: RunFolder) -> None:
    before = said(run)
    trial = next(t for t in run.verdict.trials if t.key == WINNER)
    edit(run, WINNER, test={**trial.test, "ece": 0.2})
    assert changed(run, before) == {"calibration"} and "20.0% off" in said(run)["calibration"][0]
    edit(run, WINNER, test={**trial.test, "auc": 0.99})
    assert changed(run, before) == {"ladder"} and "0.9900" in said(run)["ladder"][0]


def test_the_predictions(run: RunFolder) -> None:
    before = said(run)
    path = run.trial(WINNER) / "predictions_test.npy"
    right = np.load(run.sealed / "labels_test.npy")
    np.save(path, np.eye(2)[right])
    assert changed(run, before) == {"slices", "calibration", "mistakes", "coverage"}
    assert said(run)["mistakes"] == ("Not one of 400 test rows is given to a wrong class.",)
    assert "100.0% [99.0% .. 100.0%] of 400 test rows, more than promised" in said(run)["coverage"][0]


def test_the_limits_and_the_winner(run: RunFolder) -> None:
    before = said(run)
    run.save("verdict", replace(run.verdict, limits={**run.verdict.limits, "seconds_used": 12.5}))
    assert changed(run, before) == {"limits"} and "12.5 s of 5 m 00 s" in said(run)["limits"][0]
    assert "overrules" in before["expected"][0]
    run.save("verdict", replace(run.verdict, winner=OTHER))
    assert "agrees" in said(run)["expected"][0]


def test_a_rule_whose_rung_was_not_run_stays_open(run: RunFolder) -> None:
    trials = tuple(t for t in run.verdict.trials if t.rung != "custom")
    run.save("verdict", replace(run.verdict, trials=trials, gain=None, gains={}))
    assert "stays open" in said(run)["expected"][0]
    assert "price" in said(run)  # the next best takes the place of the deep one


def test_a_run_without_its_trials(run: RunFolder) -> None:
    (run.trial(WINNER) / "predictions_test.npy").unlink()
    report, rows = gather(run)
    assert rows is None and report.quality is None and "slices" not in report.sentences
    assert report.verdict.rows["test"] != TEST  # of the record, which the page still tells


def test_the_command_says_what_the_run_was_given() -> None:
    options = SourceOptions(target="my col", kinds={"a": "text", "b": "datetime", "c": "id"}, ignore=("d",), group="g")
    goals = Goals(seconds=90, seed=3, rungs=("floor", "classical"), memory_gb=4.0)
    made = command("a b.csv", options, goals)
    assert made == (
        "deepworth fit 'a b.csv' --target 'my col' --group g --text a --date b --id c --ignore d --time 90s "
        "--memory 4GB --rungs floor,classical --seed 3"
    )
