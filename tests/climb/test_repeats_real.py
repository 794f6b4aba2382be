"""Real data within real limits: few test rows are judged by folds, more of them with three seeds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deepworth import verbs

DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not on this machine (DEEPWORTH_DATA)"),
]


def test_few_rows_are_judged_by_folds(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run = verbs.fit(
        DATA / "houses/houses.csv",
        "price",
        modality="tabular",
        models=["linear", "mlp"],
        time="120s",
        out=tmp_path / "run",
    )
    assert run.verdict.gain is not None
    assert run.verdict.gain.method == "corrected resampled t"
    assert run.verdict.gain.units in (5, 10)
    assert not any("one division" in warning for warning in run.verdict.warnings)
    assert run.verdict.limits["seconds_used"] < 120


def test_many_rows_are_judged_with_three_seeds(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run = verbs.fit(
        DATA / "adult/data.parquet", "income", models=["linear", "lightgbm", "mlp"], time="90s", out=tmp_path / "run"
    )
    assert run.verdict.gain is not None
    assert run.verdict.gain.seeds == 3
    assert not any("one seed" in warning for warning in run.verdict.warnings)
    assert run.verdict.limits["seconds_used"] < 90
