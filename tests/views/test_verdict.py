"""What the terminal says of a verdict comes from its records."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from deepworth.store import RunFolder
from deepworth.types import Threshold, Verdict
from deepworth.views.verdict import verdict_view
from tests.report.full_run import full_run


def said(verdict: Verdict, width: int = 400) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(verdict_view(verdict, Path("runs/x")))
    return console.export_text()


@pytest.fixture
def verdict(tmp_path: Path) -> Verdict:
    return RunFolder(full_run(tmp_path / "run")).verdict


def test_a_price_is_a_line_for_each_model(verdict: Verdict) -> None:
    assert len(verdict.prices) == 2
    lines = said(verdict).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("price"))
    models = {trial.key: trial.model for trial in verdict.trials}
    for line, one in zip(lines[first:], verdict.prices, strict=False):
        assert f"{models[one.trial]}: " in line
        assert "to train" in line
    dearer = replace(verdict.prices[0], artefact_mb=777.7)
    assert "777.7 MB" in said(replace(verdict, prices=(dearer, verdict.prices[1])))


def test_the_learning_curve_says_its_sentences(verdict: Verdict) -> None:
    assert verdict.curve
    curve = replace(
        verdict.curve, sentences=("net would overtake trees at about 40,000 training rows [25,000 .. 90,000].",)
    )
    assert "more rows" in said(verdict)
    assert "[25,000 .. 90,000]" in said(replace(verdict, curve=curve))
    without = said(replace(verdict, curve=None, not_made=("no learning curve: too few rows",)))
    assert "more rows" not in without and "not made" in without and "no learning curve: too few rows" in without


def test_a_threshold_stands_beside_one_half(verdict: Verdict) -> None:
    at = {"precision": 0.7, "recall": 0.9, "f1": 0.79}
    found = Threshold(
        rule="recall=0.9", value=0.31, positive="sick", valid=at, test=at, test_at_half={**at, "recall": 0.6}
    )
    asked = said(replace(verdict, thresholds={verdict.winner: found}))
    assert "sick from a probability of 0.31 on, for recall=0.9; test rows: precision 0.700, recall 0.900" in asked
    assert "(from one half on: precision 0.700, recall 0.600, f1 0.790)" in asked
    assert "not reached" in said(replace(verdict, thresholds={verdict.winner: replace(found, reached=False)}))
    assert "threshold" not in said(replace(verdict, thresholds={}))


def test_nothing_is_said_of_what_is_not_there(verdict: Verdict) -> None:
    bare = said(replace(verdict, prices=(), curve=None, thresholds={}))
    assert not any(line.startswith(("price", "threshold", "more rows")) for line in bare.splitlines())
