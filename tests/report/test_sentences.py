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
from tests.report.full_run import OTHER, WINNER, full_run


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
        "verdict", "answers", "curve", "ladder", "estimates", "limits", "expected", "price", "costs", "slices",
        "calibration", "mistakes", "coverage", "threshold",
    }  # fmt: skip
    for name, lines in made.items():
        assert lines and (name in ("expected", "answers") or re.search(r"\d", " ".join(lines))), name


def test_how_a_gain_was_judged(run: RunFolder) -> None:
    before = said(run)
    verdict = run.verdict
    assert (
        "Judged on 400 test rows by 1,000 resamples (paired bootstrap over rows), tabm with 3 seeds."
        in before["answers"][2]
    )
    folds = replace(verdict.gains["custom"], method="corrected resampled t", units=10, resamples=0)
    run.save("verdict", replace(verdict, gains={"custom": folds}))
    assert changed(run, before) == {"answers"}
    assert (
        "Judged on 10 folds of a repeated cross-validation, the same for tabm and lightgbm" in said(run)["answers"][2]
    )
    run.save("verdict", replace(verdict, gains={"custom": replace(folds, units=3)}))
    assert "Judged on 3 folds of a cross-validation" in said(run)["answers"][2]
    groups = replace(folds, method="paired bootstrap over groups", units=7, seeds=1, resamples=500)
    run.save("verdict", replace(verdict, gains={"custom": groups}))
    assert "400 test rows of 7 groups by 500 resamples" in said(run)["answers"][2]


def test_the_answer_of_a_rung(run: RunFolder) -> None:
    before = said(run)
    verdict = run.verdict
    assert before["answers"][0] == (
        "frozen: cannot tell yet. No frozen model was trained to compare with: let the frozen rung run."
    )
    won = replace(verdict.answers["frozen"], verdict="worth it", sentence="Frozen removes 9.0% of the error.")
    gain = replace(verdict.gains["custom"], rung="frozen", challenger="x-1")
    gains = {**verdict.gains, "frozen": gain}
    run.save("verdict", replace(verdict, answers={**verdict.answers, "frozen": won}, gains=gains))
    assert changed(run, before) == {"answers"}
    assert said(run)["answers"][0].startswith(
        "frozen: worth it. Frozen removes 9.0% of the error. What would decide it"
    )


def test_the_learning_curve(run: RunFolder) -> None:
    before, verdict = said(run), run.verdict
    assert verdict.curve is not None
    run.save("verdict", replace(verdict, curve=replace(verdict.curve, sentences=("Twice the rows gain 7%.",))))
    assert changed(run, before) == {"curve"}
    run.save("verdict", replace(verdict, curve=None))
    assert said(run)["curve"] == ("No learning curve was drawn.",)
    run.save("verdict", replace(verdict, curve=None, gain=None))
    assert said(run)["curve"] == ("No learning curve was drawn: a few rows decide.",)
    alone = tuple(t for t in verdict.trials if t.key == WINNER)
    run.save("verdict", replace(verdict, trials=alone, curve=None, gain=None))
    assert said(run)["curve"] == ("No learning curve was drawn: no two models could be compared.",)
    run.save("verdict", replace(verdict, curve=None, not_made=("no learning curve: the clock cut tabm",)))
    assert said(run)["curve"] == ("No learning curve: the clock cut tabm.",)
    run.save("verdict", replace(verdict, not_made=("3 s were left, too little for 2 more seeds of tabm",)))
    assert said(run)["curve"] == (*before["curve"], "3 s were left, too little for 2 more seeds of tabm.")


def test_the_seconds_of_a_trial(run: RunFolder) -> None:
    before = said(run)
    edit(run, OTHER, seconds=77.7)
    assert changed(run, before) == {"estimates"}  # tabm is not on the front, and the price has seconds of its own
    edit(run, WINNER, seconds=9.9)
    assert "lightgbm (9.9 s, 0.9231)" in said(run)["ladder"][0]
    run.save("verdict", replace(run.verdict, prices=()))
    assert "takes 7.8 times the time to train" in said(run)["price"][0]


def test_a_gain_over_another_model_prices_no_error_of_the_winner(run: RunFolder) -> None:
    before, verdict = said(run)["price"], run.verdict
    assert verdict.gain is not None and len(before) == 2
    run.save("verdict", replace(verdict, gain=replace(verdict.gain, base="linear-0123abcd")))
    assert said(run)["price"] == before[:1]


def test_the_price(run: RunFolder) -> None:
    before, verdict = said(run), run.verdict
    ours, theirs = verdict.prices
    assert any("12.4 s" in line for line in before["costs"]) and any("1 m 36 s" in line for line in before["costs"])
    dearer = replace(theirs, ms_1=77.7, cheapest="L4")
    run.save("verdict", replace(verdict, prices=(ours, dearer)))
    assert changed(run, before) == {"costs"}
    assert any("78 ms" in line for line in said(run)["costs"]) and any("L4" in line for line in said(run)["costs"])


def test_the_threshold(run: RunFolder) -> None:
    before, verdict = said(run), run.verdict
    assert before["threshold"][0] == (
        "lightgbm says >50K from a probability of 0.31 on, chosen on validation rows for f1. On test rows that gives "
        "precision 0.7000 instead of 0.8000, recall 0.7900 instead of 0.6000 at one half."
    )
    other = replace(verdict.thresholds[WINNER], value=0.123, rule="recall=0.99", reached=False)
    run.save("verdict", replace(verdict, thresholds={WINNER: other}))
    assert changed(run, before) == {"threshold", "mistakes"}
    assert (
        "0.123 on, chosen on validation rows for recall=0.99, which no threshold reaches" in said(run)["threshold"][0]
    )
    run.save("verdict", replace(verdict, thresholds={}))
    assert "threshold" not in said(run)


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


def test_the_command_says_what_the_run_was_given() -> None:
    options = SourceOptions(target="my col", kinds={"a": "text", "b": "datetime", "c": "id"}, ignore=("d",), group="g")
    goals = Goals(seconds=90, seed=3, rungs=("floor", "classical"), memory_gb=4.0, threshold="f1")
    made = command("a b.csv", options, goals)
    assert made == (
        "deepworth fit 'a b.csv' --target 'my col' --group g --text a --date b --id c --ignore d --time 90s "
        "--memory 4GB --threshold f1 --rungs floor,classical --seed 3"
    )
