"""Why a gain may not mean what its interval says: a reference that fails on the test rows, or a handful of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from deepworth.metrics.scores import Metric
from deepworth.types import SHALLOW, TrialResult
from deepworth.verdict.gain import Judge
from deepworth.words import percent

FEW_DECIDE = 5.0  # rows, by the effective number; real sets with long tails have 14 and more, or 6 of 107
FEW_SHARE = 0.1  # of the test rows; errors that are normally distributed make a third of the rows effective
SQUARED = ("rmse", "r2")
SELDOM = 2000  # runs in which all shallow models are as good as each other, for one whose reference is changed


def reference(judge: Judge, base: TrialResult, done: Sequence[TrialResult], seconds: float) -> tuple[TrialResult, str]:
    """What deep models are compared with, and what must be said of it.

    That is `base`, chosen on the validation rows, unless another of the floor or classical rungs has a smaller error on
    the test rows by far more than chance: where the two parts differ, by time above all, the choice was of a straw man.
    To choose on test rows is unfair to the deep side, so it takes what chance does once in `SELDOM`, over all rivals
    together (Bonferroni); at one in forty a true gain was called "not worth it" in up to 4 % of 1,000 simulated runs.
    Where folds judge, other test rows than those of one division do: there `base` stays.
    """
    if judge.has_folds(base):
        return base, ""
    error = judge.test_error(base)
    rivals = [r for r in done if r.rung in SHALLOW and judge.test_error(r) < error]
    for rival in sorted(rivals, key=judge.test_error):
        gain, _ = judge.gain(base, rival, seconds / len(rivals))
        wider = ndtri(1 - 1 / (SELDOM * len(rivals))) / ndtri((1 + gain.level) / 2)
        if gain.relative - wider * (gain.relative - gain.low) > 0:
            said = (
                f"{base.model} is the best on the validation rows, but {rival.model} ({rival.rung}) has "
                f"{percent(gain.relative, signed=False)} less error on the test rows: the two parts differ, and deep "
                f"models are compared with {rival.model}"
            )
            return rival, said
    return base, ""


def few_rows_decide(primary: Metric, labels: np.ndarray, *predictions: np.ndarray) -> str:
    """Says which share of the error lies on how few rows, where that is so; "" else.

    Only errors of a regression have no bound. The effective number of rows is that of Kish (1965): (sum e)^2 / sum e^2
    of the rows' errors e, all of them where they err alike and 1 where one row makes it all.
    """
    if primary.tasks != ("regression",):
        return ""
    off = np.abs(np.stack(predictions) - labels)
    errors = np.sort((off**2 if primary.name in SQUARED else off).sum(0))[::-1]
    total = float(errors.sum())
    if not total or total**2 / float((errors**2).sum()) >= min(FEW_DECIDE, FEW_SHARE * len(labels)):
        return ""
    few = int(np.searchsorted(np.cumsum(errors), 0.5 * total)) + 1
    rows = "1 row makes" if few == 1 else f"{few} rows make"
    return (
        f"{rows} {percent(float(errors[:few].sum()) / total, signed=False)} of the error of {len(labels):,} test rows"
    )
