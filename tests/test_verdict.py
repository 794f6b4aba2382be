"""The verdict on trials whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepworth.errors import Interrupted, NothingTrained
from deepworth.store import RunFolder
from deepworth.types import Dataset, Goals, Profile, Splits, Status, Task, TrialResult, Verdict, dump, load
from deepworth.verdict import judge

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
