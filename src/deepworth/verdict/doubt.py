"""Why a gain may not mean what its interval says: a reference that fails on the test rows, or a handful of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from deepworth.climb.again import FEW_ROWS
from deepworth.types import SHALLOW, Gain, TrialResult
from deepworth.verdict.answer import Doubt
from deepworth.verdict.gain import Judge
from deepworth.words import percent

FEW_DECIDE = 5.0  # rows, by the effective number; real sets with long tails have 14 and more, or 6 of 107
FEW_SHARE = 0.1  # of the test rows; errors that are normally distributed make a third of the rows effective
SQUARED = ("rmse", "r2")
FEW_WRONG = 2.0  # rows of one whole cross-validation
SELDOM = 2000  # runs in which all shallow models are as good as each other, for one whose reference is changed


def reference(
    judge: Judge, base: TrialResult, done: Sequence[TrialResult], seconds: float
) -> tuple[TrialResult, str, TrialResult | None]:
    """What deep models are compared with, what must be said of it, and a rival that it may be worse than.

    That is `base`, chosen on the validation rows, unless another of the floor or classical rungs has a smaller error on
    the test rows by far more than chance: where the two parts differ, by time above all, the choice was of a straw man.
    To choose on test rows is unfair to the deep side, so it takes what chance does once in `SELDOM`, over all rivals
    together (Bonferroni); at one in forty a true gain was called "not worth it" in up to 4 % of 1,000 simulated runs.
    A rival that is better by the usual interval only is given beside `base`: see `only_against`.
    Where folds judge, other test rows than those of one division do: there `base` stays.
    """
    if judge.has_folds(base):
        return base, "", None
    error = judge.test_error(base)
    rivals = [r for r in done if r.rung in SHALLOW and judge.test_error(r) < error]
    better = None
    for rival in sorted(rivals, key=judge.test_error):
        gain, _ = judge.gain(base, rival, seconds / len(rivals))
        wider = ndtri(1 - 1 / (SELDOM * len(rivals))) / ndtri((1 + gain.level) / 2)
        if gain.relative - wider * (gain.relative - gain.low) > 0:
            said = (
                f"{base.model} is the best on the validation rows, but {rival.model} ({rival.rung}) has "
                f"{percent(gain.relative, signed=False)} less error on the test rows: the two parts differ, and deep "
                f"models are compared with {rival.model}"
            )
            return rival, said, None
        if gain.low > 0 and better is None:
            better = rival
    return base, "", better


def only_against(
    judge: Judge, base: TrialResult, rival: TrialResult, deep: TrialResult, worth: float, seconds: float
) -> Doubt | None:
    """A doubt of "worth it" where it would not be said against a shallow model that did better on the test rows.

    It takes "worth it" back and never gives "not worth it": with equal shallow models that costs 3 of 74 points of
    power at 1,000 rows (`benchmarks/soundness.py`, "slight drift").
    """
    gain, _ = judge.gain(rival, deep, seconds)
    if gain.low > worth:
        return None
    span = f"{percent(gain.relative)} of the error [{percent(gain.low)} .. {percent(gain.high)}]"
    return Doubt(
        sentence=f"{deep.model} gains on {base.model}, the best on the validation rows, but not surely on "
        f"{rival.model}, which does better on the test rows: {span}.",
        decide_next="more test rows, or validation rows that are like the test rows",
        of_worth=True,
    )


def few_rows_decide(judge: Judge, base: TrialResult, deep: TrialResult, gain: Gain) -> Doubt | None:
    """A doubt where what the interval is made of is a handful of rows."""
    said = _few_wrong(judge, base, deep) if gain.method.startswith("corrected") else _few_wild(judge, base, deep)
    if not said and (gain.high > gain.low or len(judge.labels) >= FEW_ROWS):
        return None
    return Doubt(
        sentence="A few rows decide, and no interval can be made of them: "
        f"{said or 'no fold differs from another'} ({deep.model} against {base.model}).",
        decide_next="more rows"
        if gain.method.startswith("corrected")
        else "look at these rows: if their target is wrong, mend it; else a metric that does not hang on them, as "
        "--metric mae does less",
    )


def _few_wrong(judge: Judge, base: TrialResult, deep: TrialResult) -> str:
    """Which of the two is wrong on next to no row of a whole cross-validation: folds then differ by luck alone.

    Under two wrong rows the intervals of 1,020 simulated runs held 78 % of the truths; from two on 97 % and more.
    """
    if judge.primary.name != "accuracy":
        return ""
    wrong = {trial.model: judge.wrong_rows(trial) for trial in (base, deep)}
    return " and ".join(f"{name} is wrong on {rows:.1f} rows" for name, rows in wrong.items() if rows < FEW_WRONG)


def _few_wild(judge: Judge, base: TrialResult, deep: TrialResult) -> str:
    """Which share of the error lies on how few rows, where that is so.

    Only errors of a regression have no bound. The effective number of rows is that of Kish (1965): (sum e)^2 / sum e^2
    of the rows' errors e, all of them where they err alike and 1 where one row makes it all.
    """
    if judge.primary.tasks != ("regression",):
        return ""
    labels = judge.labels
    off = np.abs(np.stack([judge.predicted(base), judge.predicted(deep)]) - labels)
    errors = np.sort((off**2 if judge.primary.name in SQUARED else off).sum(0))[::-1]
    total = float(errors.sum())
    if not total or total**2 / float((errors**2).sum()) >= min(FEW_DECIDE, FEW_SHARE * len(labels)):
        return ""
    few = int(np.searchsorted(np.cumsum(errors), 0.5 * total)) + 1
    rows = "1 row makes" if few == 1 else f"{few} rows make"
    share = percent(float(errors[:few].sum()) / total, signed=False)
    return f"{rows} {share} of the error of {len(labels):,} test rows"
