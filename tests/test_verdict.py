"""The verdict on trials whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deepworth.errors import Interrupted, NothingTrained
from deepworth.store import RunFolder
from deepworth.types import (
    Dataset,
    Goals,
    Profile,
    Repeat,
    Roles,
    Splits,
    Status,
    Task,
    TrialResult,
    Verdict,
    dump,
    load,
)
from deepworth.verdict import judge
from deepworth.words import count

ROWS = 6000


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    (folder.sealed).mkdir(parents=True)
    (folder.path / "splits").mkdir()
    task = Task(kind="regression", target="y", metric="rmse")
    dataset = Dataset(
        name="made", source="made", reader="frame", modality="tabular", task=task, rows=3 * ROWS,
        columns=(), features=(),
        fingerprint="f", table="table.arrow",
    )  # fmt: skip
    (folder.data / "dataset.json").write_bytes(dump(dataset))
    splits = Splits(protocol="random", seed=0, train=ROWS, valid=ROWS, test=ROWS, fingerprint="s")
    (folder.path / "splits" / "splits.json").write_bytes(dump(splits))
    folder.save("profile", Profile())
    np.save(folder.sealed / "labels_test.npy", np.random.default_rng(0).standard_normal(ROWS))
    return folder


def trial(
    run: RunFolder, model: str, rung: str, noise: float, *, rows: int = ROWS, status: Status = "done"
) -> TrialResult:
    """A regression model that is off by normal noise of this size."""
    labels = np.load(run.sealed / "labels_test.npy")[:rows]
    random = np.random.default_rng(sum(map(ord, model)))
    folder = run.trial(model)
    folder.mkdir(parents=True)
    np.save(folder / "predictions_test.npy", labels + noise * random.standard_normal(len(labels)))
    return TrialResult(
        key=model, model=model, rung=rung, status=status, valid={"rmse": noise} if status == "done" else {},
        test={"rmse": noise}, reason="" if status == "done" else "for a test", seconds=1.0,
    )  # fmt: skip


def few_rows(run: RunFolder, rows: int) -> None:
    np.save(run.sealed / "labels_test.npy", np.load(run.sealed / "labels_test.npy")[:rows])
    splits = Splits(protocol="random", seed=0, train=rows, valid=rows, test=rows, fingerprint="s")
    (run.path / "splits" / "splits.json").write_bytes(dump(splits))


def test_a_clearly_better_deep_model_is_worth_it(run: RunFolder) -> None:
    verdict = judge(run, [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.8)], Goals(), {})
    assert verdict.verdict == "worth it"
    assert verdict.winner == "net"
    assert verdict.gain is not None
    assert verdict.gain.low < 0.2 < verdict.gain.high
    assert verdict.gain.rung == "custom"


def test_a_worse_deep_model_is_not(run: RunFolder) -> None:
    verdict = judge(run, [trial(run, "trees", "classical", 0.8), trial(run, "net", "custom", 1.0)], Goals(), {})
    assert (verdict.verdict, verdict.winner) == ("not worth it", "trees")


def test_equal_models_cannot_be_told_apart_and_the_cheap_one_is_kept(run: RunFolder) -> None:
    verdict = judge(run, [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.999)], Goals(), {})
    assert (verdict.verdict, verdict.winner) == ("no measurable difference", "trees")


def test_too_few_rows_cannot_tell_and_say_how_many_would(run: RunFolder) -> None:
    few_rows(run, 12)
    verdict = judge(run, [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.9)], Goals(), {})
    assert verdict.verdict == "cannot tell yet"
    assert "more test rows" in verdict.decide_next


def test_a_base_without_error_cannot_be_beaten_and_the_verdict_can_be_read_back(run: RunFolder) -> None:
    verdict = judge(run, [trial(run, "trees", "classical", 0.0), trial(run, "net", "custom", 0.8)], Goals(), {})
    assert verdict.verdict == "not worth it"
    assert "nothing is left to gain" in verdict.sentence
    assert load(Verdict, dump(verdict)) == verdict


def test_broken_files_are_told(run: RunFolder) -> None:
    result = replace(trial(run, "trees", "classical", 1.0), notes={"broken": 13})
    assert any("13 media files" in warning for warning in judge(run, [result], Goals(), {}).warnings)


def test_the_least_useful_gain_decides(run: RunFolder) -> None:
    results = [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.8)]
    assert judge(run, results, Goals(worth=0.5), {}).verdict == "not worth it"


def test_without_a_deep_model_nothing_can_be_told_but_there_is_a_winner(run: RunFolder) -> None:
    results = [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 1.0, status="skipped")]
    verdict = judge(run, results, Goals(), {})
    assert (verdict.verdict, verdict.winner, verdict.gain) == ("cannot tell yet", "trees", None)
    assert "net was skipped: for a test" in verdict.decide_next


def test_nothing_trained_says_why(run: RunFolder) -> None:
    with pytest.raises(NothingTrained, match="trees: failed: for a test"):
        judge(run, [trial(run, "trees", "classical", 1.0, status="failed")], Goals(), {})


def test_an_interrupt_before_any_model_has_its_own_exit_code(run: RunFolder) -> None:
    stopped = replace(trial(run, "trees", "classical", 1.0, status="stopped"), reason="interrupted")
    with pytest.raises(Interrupted, match="interrupted before any model was done") as caught:
        judge(run, [stopped], Goals(), {})
    assert caught.value.exit_code == 130


def test_the_best_on_validation_is_chosen_even_when_test_disagrees(run: RunFolder) -> None:
    lucky = trial(run, "lucky", "custom", 0.5)
    chosen = trial(run, "chosen", "custom", 0.9)
    lucky = load(TrialResult, dump(lucky).replace(b'"valid":{"rmse":0.5}', b'"valid":{"rmse":2.0}'))
    verdict = judge(run, [trial(run, "trees", "classical", 1.0), lucky, chosen], Goals(), {})
    assert verdict.gain is not None
    assert verdict.gain.challenger == "chosen"


def test_each_deep_rung_has_an_answer_of_its_own(run: RunFolder) -> None:
    results = [
        trial(run, "trees", "classical", 1.0),
        trial(run, "embedding", "frozen", 1.2),
        trial(run, "net", "custom", 0.8),
        trial(run, "bert", "tuned", 1.0, status="skipped"),
    ]
    answers = judge(run, results, Goals(), {}).answers
    assert {rung: answer.verdict for rung, answer in answers.items()} == {
        "frozen": "not worth it",
        "tuned": "cannot tell yet",
        "custom": "worth it",
    }
    assert "embedding (frozen) against trees" in answers["frozen"].sentence
    assert "bert was skipped: for a test" in answers["tuned"].decide_next


@pytest.mark.parametrize("groups", [7, 1])
def test_groups_of_test_rows_are_what_is_resampled(run: RunFolder, groups: int) -> None:
    dataset = replace(load(Dataset, run.data / "dataset.json"), roles=Roles(group="person"))
    (run.data / "dataset.json").write_bytes(dump(dataset))
    people = pa.table({"person": [f"p{row % groups}" for row in range(ROWS)]})
    with pa.OSFile(str(run.data / "table.arrow"), "wb") as file, pa.ipc.new_file(file, people.schema) as writer:
        writer.write_table(people)
    np.save(run.path / "splits" / "test.npy", np.arange(ROWS))
    verdict = judge(run, [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.8)], Goals(), {})
    assert verdict.gain is not None
    assert (verdict.gain.method, verdict.gain.units) == ("paired bootstrap over groups", groups)
    assert f"of {count(groups, 'group')}" in verdict.sentence
    assert any(f"{count(groups, 'group')} of 'person'" in warning for warning in verdict.warnings)
    assert ("one group tells nothing of another" in verdict.decide_next) == (groups == 1)


def repeat(of: str, purpose: str, number: int, error: float = 0.0, folder: str = ".") -> Repeat:
    key = f"{of}-{number}"
    return Repeat(
        of=of, purpose=purpose, number=number, rows=400, folder=folder, key=key, seconds=1.0, error=error
    )  # fmt: skip


def test_seeds_of_a_trial_enter_the_interval_and_what_would_decide(run: RunFolder) -> None:
    results = [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.96)]
    alone = judge(run, results, Goals(), {})
    labels, random = np.load(run.sealed / "labels_test.npy"), np.random.default_rng(9)
    made = [repeat("net", "seed", number) for number in (1, 2)]
    for one, noise in zip(made, (0.9, 1.02), strict=True):
        run.trial(one.key).mkdir()
        np.save(run.trial(one.key) / "predictions_test.npy", labels + noise * random.standard_normal(ROWS))
    run.save("repeats", made[:1])
    assert judge(run, results, Goals(), {}).gain == alone.gain  # two say next to nothing about a third
    run.save("repeats", made)
    seeds = judge(run, results, Goals(), {})
    assert alone.gain is not None
    assert seeds.gain is not None
    assert (alone.gain.seeds, seeds.gain.seeds) == (1, 3)
    assert seeds.gain.high - seeds.gain.low > 2 * (alone.gain.high - alone.gain.low)
    assert any("one seed" in warning for warning in alone.warnings)
    assert not any("one seed" in warning for warning in seeds.warnings)
    assert seeds.verdict == "cannot tell yet"
    assert "more seeds of net" in seeds.decide_next


def ten_folds(run: RunFolder) -> list[Repeat]:
    """Of trees and a net that is better by 30 %."""
    random, made = np.random.default_rng(4), []
    for fold in range(10):
        folder = f"divisions/fold-{fold}"
        splits = Splits(protocol="random", seed=0, train=400, valid=100, test=100, fingerprint=f"{fold}")
        (run.path / folder / "splits").mkdir(parents=True)
        (run.path / folder / "splits" / "splits.json").write_bytes(dump(splits))
        made += [
            repeat(model, "fold", fold, noise * (1 + 0.05 * random.standard_normal()), folder)
            for model, noise in (("trees", 1.0), ("net", 0.7))
        ]
    return made


def test_folds_of_both_judge_where_test_rows_are_few(run: RunFolder) -> None:
    few_rows(run, 100)
    results = [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.7)]
    made = ten_folds(run)
    run.save("repeats", [one for one in made if one.number < 2])
    few = judge(run, results, Goals(), {})
    run.save("repeats", made)
    verdict = judge(run, results, Goals(), {})
    assert few.gain is not None
    assert verdict.gain is not None
    assert few.gain.method.startswith("paired")
    assert (verdict.gain.method, verdict.gain.units) == ("corrected resampled t", 10)
    assert verdict.verdict == "worth it"
    assert verdict.gain.relative == pytest.approx(0.3, abs=0.05)
    assert "10 folds of a repeated cross-validation" in verdict.sentence
    assert not any("one division" in warning for warning in verdict.warnings)
    run.save("repeats", [replace(one, error=one.error + (one.of != made[0].of) * one.number / 4) for one in made[:6]])
    torn = judge(run, results, Goals(), {})
    assert torn.verdict == "cannot tell yet" and "more time (--time), for a repeated cross" in torn.decide_next
    run.save("repeats", made)
    faultless = judge(run, [replace(results[0], test={"rmse": 0.0}), results[1]], Goals(), {})
    assert faultless.verdict == "worth it", "the folds see errors that a hundred test rows did not"


def test_time_that_was_too_short_is_named(run: RunFolder) -> None:
    cut = replace(trial(run, "net", "custom", 0.97, rows=300), notes={"cut": True}, seconds=40.0)
    few = trial(run, "trees", "classical", 1.0, rows=300)
    few_rows(run, 300)
    decide = judge(run, [few, cut], Goals(), {}).decide_next
    assert "more time: net was stopped by the clock after 40 s" in decide
    assert "rows in all" in decide


def test_json_round_trip_and_schema(run: RunFolder) -> None:
    verdict = judge(
        run, [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.8)], Goals(), {"seconds": 60}
    )
    assert load(Verdict, dump(verdict)) == verdict
    found = json.loads(dump(verdict))
    assert {"verdict", "metric", "gain", "winner", "trials", "limits"} <= set(found)
    assert {"rung", "relative", "low", "high"} <= set(found["gain"])
    assert {"key", "model", "rung", "status", "valid", "test", "seconds", "peak_gb", "reason"} <= set(
        found["trials"][0]
    )


def test_a_tuning_that_gained_nothing_is_no_result_of_tuning(run: RunFolder) -> None:
    probe, trees = trial(run, "probe", "frozen", 0.8), trial(run, "trees", "classical", 1.0)
    start = replace(trial(run, "tuned", "tuned", 0.8), notes={"kept": "the start"}, seconds=0.5)
    verdict = judge(run, [trees, probe, start], Goals(), {})
    assert verdict.winner == "probe"
    assert set(verdict.gains) == {"frozen"}
    alone = judge(run, [trees, start], Goals(), {})
    assert alone.winner == "tuned"


def divided(run: RunFolder, protocol: str) -> None:
    run.save("splits/splits", replace(run.splits, protocol=protocol))


def test_a_reference_that_fails_on_later_rows_is_no_reference(run: RunFolder) -> None:
    """Chosen on validation rows of another season, worse than the mean on the test rows: a straw man."""
    divided(run, "time")
    straw, floor = trial(run, "trees", "classical", 1.3), trial(run, "prior", "floor", 1.0)
    straw = replace(straw, valid={"rmse": 0.5})
    verdict = judge(run, [floor, straw, trial(run, "net", "custom", 0.9)], Goals(), {})
    assert verdict.gain is not None and verdict.gain.base == "prior"
    assert verdict.gain.relative < 0.15
    assert any("trees is the best on the validation rows, prior" in warning for warning in verdict.warnings)
    worse = judge(run, [floor, straw, trial(run, "tabm", "custom", 1.1)], Goals(), {})
    assert (worse.verdict, worse.winner) == ("not worth it", "trees"), "what judges does not choose"


@pytest.mark.parametrize(
    ("protocol", "base"), [("random", "trees"), ("group", "trees"), ("time", "linear"), ("given", "linear")]
)
def test_only_where_the_parts_may_be_unlike_do_test_rows_choose_the_reference(
    run: RunFolder, protocol: str, base: str
) -> None:
    divided(run, protocol)
    trees = replace(trial(run, "trees", "classical", 1.001), valid={"rmse": 0.99})
    verdict = judge(run, [trial(run, "linear", "classical", 1.0), trees, trial(run, "net", "custom", 0.8)], Goals(), {})
    assert verdict.gain is not None and verdict.gain.base == base
    assert any("validation rows, linear" in warning for warning in verdict.warnings) == (base == "linear")


def test_the_learning_curve_is_of_the_two_that_were_made_again(run: RunFolder) -> None:
    divided(run, "time")
    trees = replace(trial(run, "trees", "classical", 1.1), valid={"rmse": 0.99})
    results = [trial(run, "linear", "classical", 1.0), trees, trial(run, "net", "custom", 0.8)]
    made = [
        replace(repeat(name, "size", draw, error + 3 / rows**0.5), rows=rows)
        for name, error in (("trees", 1.0), ("net", 0.7))
        for draw in range(3)
        for rows in (375, 750, 1500, 3000, ROWS)
    ]
    run.save("repeats", made)
    verdict = judge(run, results, Goals(), {})
    assert verdict.gain is not None and verdict.gain.base == "linear"
    assert verdict.curve is not None and (verdict.curve.base, verdict.curve.challenger) == ("trees", "net")


def test_the_choice_of_a_reference_on_test_rows_widens_the_upper_end_alone(run: RunFolder) -> None:
    results = [trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.9)]
    rivals = [trial(run, f"linear-{number}", "classical", 1.3) for number in range(5)]
    alone = judge(run, [*results, *rivals], Goals(), {}).gain
    divided(run, "time")
    chosen = judge(run, [*results, *rivals], Goals(), {}).gain
    assert alone is not None and chosen is not None
    assert (chosen.base, chosen.low, chosen.relative) == (alone.base, alone.low, alone.relative)
    assert chosen.high > alone.high


def test_worth_it_holds_against_every_shallow_model(run: RunFolder) -> None:
    """Trees that err on the same rows leave a narrow interval, a linear model with a little more error a wide one."""
    divided(run, "time")
    net, trees, linear = (
        trial(run, name, rung, noise)
        for name, rung, noise in (("net", "custom", 1.0), ("trees", "classical", 1.02), ("linear", "classical", 1.025))
    )
    labels = np.load(run.sealed / "labels_test.npy")
    off = np.load(run.trial("net") / "predictions_test.npy") - labels
    np.save(run.trial("trees") / "predictions_test.npy", labels + 1.02 * off)
    assert judge(run, [trees, net], Goals(), {}).verdict == "worth it"
    verdict = judge(run, [trees, linear, net], Goals(), {})
    assert verdict.gain is not None and (verdict.gain.base, verdict.gain.choices) == ("trees", 2)
    assert verdict.gain.low < 0.01 < verdict.gain.relative < verdict.gain.high
    assert verdict.verdict == "cannot tell yet" and "more test rows" in verdict.decide_next
    assert "against trees, the hardest to beat of 2, on 6,000 test rows" in verdict.sentence


def test_a_rival_that_one_wild_row_ruins_does_not_hinder(run: RunFolder) -> None:
    divided(run, "time")
    trees, wild, net = (
        trial(run, name, rung, noise)
        for name, rung, noise in (("trees", "classical", 1.0), ("linear", "classical", 9.0), ("net", "custom", 0.8))
    )
    predicted = np.load(run.trial("trees") / "predictions_test.npy")
    predicted[0] = 1e5
    np.save(run.trial("linear") / "predictions_test.npy", predicted)
    assert judge(run, [trees, wild, net], Goals(), {}).verdict == "worth it"


def test_folds_of_one_deep_model_do_not_spare_another_the_best_on_the_test_rows(run: RunFolder) -> None:
    few_rows(run, 600)
    divided(run, "time")
    run.save("repeats", ten_folds(run))
    trees = replace(trial(run, "trees", "classical", 1.3, rows=600), valid={"rmse": 0.9})
    linear, net = trial(run, "linear", "classical", 1.0, rows=600), trial(run, "net", "custom", 0.9, rows=600)
    verdict = judge(run, [trees, linear, net, trial(run, "bert", "tuned", 1.02, rows=600)], Goals(), {})
    assert {rung: gain.base for rung, gain in verdict.gains.items()} == {"custom": "trees", "tuned": "linear"}
    assert verdict.answers["custom"].verdict == "worth it" != verdict.answers["tuned"].verdict
    assert sum("trees is the best on the validation rows, linear" in line for line in verdict.warnings) == 1


def test_no_interval_is_made_of_a_few_wild_rows(run: RunFolder) -> None:
    labels = np.load(run.sealed / "labels_test.npy")
    base, net = trial(run, "trees", "classical", 1.0), trial(run, "net", "custom", 0.8)
    labels[:3] += 1e5
    np.save(run.sealed / "labels_test.npy", labels)
    verdict = judge(run, [base, net], Goals(), {})
    assert verdict.verdict == "cannot tell yet"
    assert "2 rows make 66.7% of the error of 6,000 test rows" in verdict.sentence
    assert "--metric mae" in verdict.decide_next
    assert verdict.gain is None and not verdict.gains


def test_alike_on_a_few_rows_is_not_the_same(run: RunFolder) -> None:
    few_rows(run, 40)
    base, net = (trial(run, name, rung, 1.0, rows=40) for name, rung in (("trees", "classical"), ("net", "custom")))
    np.save(run.trial("net") / "predictions_test.npy", np.load(run.trial("trees") / "predictions_test.npy"))
    verdict = judge(run, [base, net], Goals(), {})
    assert (verdict.verdict, verdict.decide_next) == ("cannot tell yet", "more rows")
    assert "no test row tells the two apart" in verdict.sentence


def test_a_handful_of_wrong_rows_makes_no_interval_of_folds(run: RunFolder) -> None:
    few_rows(run, 100)
    dataset = run.dataset
    task = Task(kind="binary", target="y", classes=("a", "b"), metric="accuracy")
    (run.data / "dataset.json").write_bytes(dump(replace(dataset, task=task, table="table.arrow")))
    np.save(run.sealed / "labels_test.npy", np.zeros(100, np.int64))
    results = []
    for name, rung in (("trees", "classical"), ("net", "custom")):
        made = trial(run, name, rung, 1.0)
        np.save(run.trial(name) / "predictions_test.npy", np.tile([1.0, 0.0], (100, 1)))
        results.append(replace(made, valid={"accuracy": 0.99}, test={"accuracy": 1.0}))
    repeats = []
    for fold in range(5):
        folder = f"divisions/fold-{fold}"
        splits = Splits(protocol="random", seed=0, train=160, valid=100, test=40, fingerprint=f"{fold}")
        (run.path / folder / "splits").mkdir(parents=True)
        (run.path / folder / "splits" / "splits.json").write_bytes(dump(splits))
        repeats += [repeat("trees", "fold", fold, 0.025, folder), repeat("net", "fold", fold, 0.0, folder)]
    run.save("repeats", repeats)
    verdict = judge(run, results, Goals(), {})
    assert verdict.verdict == "cannot tell yet"
    assert "net is wrong on 0.0 rows" in verdict.sentence
    assert verdict.gain is None and not verdict.gains
