"""Learning curves of known laws, from repeats as a run leaves them."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepworth.metrics.curves import FAR
from deepworth.metrics.scores import metric
from deepworth.store import RunFolder
from deepworth.types import Gain, LearningCurve, Repeat, Task, TrialResult, dump, load
from deepworth.verdict.curve import RowNoise, learning_curve

SIZES = (500, 1000, 2000, 4000, 8000)
TREES = TrialResult(key="trees-1", model="trees", rung="classical", status="done")
NET = TrialResult(key="net-1", model="net", rung="custom", status="done")
LATER = ((0.12, 3.0, 0.5), (0.08, 12.0, 0.55))  # the net has the smaller error from 12,600 rows on
Law = tuple[float, float, float]


def gain(relative: float = 0.0, half: float = 0.02) -> Gain:
    return Gain(
        rung="custom", challenger="net-1", base="trees-1", relative=relative, low=relative - half, high=relative + half
    )


def repeat(of: str, number: int, rows: int, error: float, purpose: str = "size") -> Repeat:
    return Repeat(of=of, purpose=purpose, number=number, rows=rows, folder=".", key="k", seconds=1.0, error=error)


def repeats(*laws: Law, noise: float = 0.003, seeds: int = 3, sizes: tuple[int, ...] = SIZES) -> list[Repeat]:
    random = np.random.default_rng(1)
    return [
        repeat(key, seed, rows, (a + b * rows**-c) * (1 + noise * random.standard_normal()))
        for seed in range(seeds)
        for key, (a, b, c) in zip(("trees-1", "net-1"), laws, strict=True)
        for rows in sizes
    ]


def curve(found: list[Repeat], by: Gain | None = None, rows: int = 8000) -> LearningCurve:
    made = learning_curve(found, TREES, NET, by or gain(), rows)
    assert made is not None
    assert load(LearningCurve, dump(made)) == made  # no infinity and no NaN in the record
    return made


def test_a_crossing_beyond_the_data_is_said_with_its_interval() -> None:
    made = curve(repeats(*LATER))
    assert made.crossing.low <= 12_582 <= made.crossing.high
    assert not made.crossing.why_not
    assert re.fullmatch(
        r"net would overtake trees at about [\d,]+ training rows \[[\d,]+ \.\. [\d,]+\]\.", made.sentences[0]
    )
    assert made.sizes == SIZES
    assert np.shape(made.base_errors) == np.shape(made.challenger_errors) == (3, 5)


def test_a_crossing_within_the_data_has_happened() -> None:
    made = curve(repeats((0.05, 1.0, 0.3), (0.02, 3.0, 0.4)))
    assert made.sentences[0].startswith("net overtakes trees at about ")
    assert 2_500 < made.crossing.value < 4_000


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ((0.10, 3.0, 0.5), "net leads trees from the smallest size on that was measured, 500 training rows."),
        ((0.30, 3.0, 0.5), "net would not overtake trees within 10 times the 8,000 training rows measured."),
    ],
)
def test_curves_that_do_not_cross_are_no_riddle(net: Law, said: str) -> None:
    made = curve(repeats((0.12, 3.0, 0.5), net))
    assert made.sentences[0] == said
    assert made.crossing.why_not


@pytest.mark.parametrize(
    ("trees", "said"),
    [
        (LATER[1], "net leads trees on few rows; trees would overtake it at about 1"),
        ((0.02, 3.0, 0.4), "net led trees on few rows; trees overtakes it at about "),
    ],
)
def test_a_lead_that_is_lost_is_told(trees: Law, said: str) -> None:
    net = LATER[0] if trees is LATER[1] else (0.05, 1.0, 0.3)
    made = curve(repeats(trees, net))
    assert made.sentences[0].startswith(said)
    assert "it leads up to about" in made.crossing.why_not


def test_a_lead_on_all_that_was_measured_may_not_last() -> None:
    made = curve(repeats(LATER[1], LATER[0], noise=0.05))
    assert made.sentences[0].startswith("net leads trees on the 8,000 training rows measured; whether it does on more")


def test_few_test_rows_widen_what_is_projected(tmp_path: Path) -> None:
    task = Task(kind="regression", target="y", metric="mae")
    random = np.random.default_rng(0)
    labels = random.standard_normal(60)
    found = []
    for one in repeats((0.05, 5.0, 0.5), (0.02, 6.0, 0.5)):
        key = f"{one.of}-{one.number}-{one.rows}"
        folder = tmp_path / "trials" / key
        folder.mkdir(parents=True)
        off = one.error * np.sqrt(np.pi / 2) * random.standard_normal(60)
        np.save(folder / "predictions_test.npy", labels + off)
        found.append(replace(one, key=key, error=float(np.abs(off).mean())))
    noise = RowNoise(RunFolder(tmp_path), metric("mae", task), labels, None)
    alone, wide = (learning_curve(found, TREES, NET, gain(), 8000, of) for of in (lambda _: None, noise))
    assert alone is not None and wide is not None
    narrow, broad = alone.doubling["trees-1"], wide.doubling["trees-1"]
    assert broad.value == narrow.value
    assert broad.high - broad.low > narrow.high - narrow.low
    assert noise([replace(found[0], key="gone")]) is None
    assert RowNoise(RunFolder(tmp_path), noise.metric, labels[:10], None)(found) is None


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (2.3, r"at about \d+ training rows \[below 500 \.\. \d+\]"),
        (2.19, "net leads trees from 510 training rows on, or"),
    ],
)
def test_an_interval_ends_where_nothing_was_measured(factor: float, said: str) -> None:
    made = curve(repeats((0.05, 1.0, 0.3), (0.02, factor, 0.4), noise=0.01))
    assert made.crossing.low == 500
    assert re.search(said, made.sentences[0])


def test_noise_makes_a_crossing_unreliable_and_says_why() -> None:
    made = curve(repeats(*LATER, noise=0.1))
    assert made.crossing.why_not
    assert made.sentences[0].startswith("From how many rows on net overtakes trees is not reliable: ")
    assert made.crossing.high <= FAR * 8000


def test_what_twice_the_rows_give_holds_the_truth() -> None:
    made = curve(repeats(*LATER))
    for key, (a, b, c) in zip(("trees-1", "net-1"), LATER, strict=True):
        true = 1 - (a + b * 16_000**-c) / (a + b * 8000**-c)
        assert made.doubling[key].low <= true <= made.doubling[key].high
    assert "Twice the 8,000 training rows would take +" in made.sentences[1]


@pytest.mark.parametrize(
    ("step", "said"),
    [(gain(-0.08), "data"), (gain(0.3), "rung"), (gain(0.08), "cannot tell yet"), (gain(math.nan), "cannot tell yet")],
)
def test_rows_or_the_next_rung(step: Gain, said: str) -> None:
    made = curve(repeats(*LATER), step)
    assert made.more_helps == said
    begins = {"data": "Twice the data would help", "rung": "The step to net helps", "cannot tell yet": "Whether"}
    assert made.sentences[2].startswith(begins[said])
    assert "nan" not in made.sentences[2]


def test_perfect_models_have_nothing_to_gain() -> None:
    made = curve([repeat(k, s, n, 0.0) for k in ("trees-1", "net-1") for s in range(3) for n in SIZES])
    assert made.doubling["trees-1"].value == made.doubling["trees-1"].high == 0.0
    assert made.sentences[0].startswith("net would not overtake trees")


def test_errors_that_grow_with_the_rows_promise_nothing() -> None:
    growing = [repeat("trees-1", s, n, 0.1 + 1e-5 * n + 1e-4 * s) for s in range(3) for n in SIZES]
    made = curve([*growing, *(r for r in repeats(*LATER) if r.of == "net-1")])
    assert made.doubling["trees-1"].value == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("seeds", "sizes"), [(2, 5), (3, 3), (0, 5)])
def test_too_little_is_no_curve(seeds: int, sizes: int) -> None:
    found = repeats(*LATER, seeds=seeds, sizes=SIZES[:sizes])
    assert learning_curve(found, TREES, NET, gain(), 8000) is None


def test_repeats_of_other_kinds_and_of_other_trials_do_not_count() -> None:
    found = repeats(*LATER)
    others = [
        repeat("net-1", 7, 8000, 9.0, "fold"),
        repeat("net-1", 8, 8000, 9.0, "seed"),
        repeat("other-1", 0, 500, 9.0),
    ]
    assert curve([*found, *others]) == curve(found)


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(0, 29), max_size=12), st.booleans())
def test_gaps_leave_out_sizes_or_seeds_and_nothing_else(gaps: set[int], nan: bool) -> None:
    whole = repeats(*LATER)
    some = [
        r if i not in gaps else repeat(r.of, r.number, r.rows, math.nan)
        for i, r in enumerate(whole)
        if nan or i not in gaps
    ]
    made = learning_curve(some, TREES, NET, gain(), 8000)
    missing = {r.rows for i, r in enumerate(whole) if i in gaps}
    if len(missing) > 1:
        assert made is None  # three seeds are the least: a size with a gap is out
        return
    assert made is not None
    assert set(made.sizes) == set(SIZES) - missing


def test_a_seed_with_gaps_is_left_out_where_the_others_suffice() -> None:
    found = [r for r in repeats(*LATER, seeds=4) if not (r.number == 2 and r.rows >= 4000)]
    made = curve(found)
    assert (made.sizes, len(made.base_errors)) == (SIZES, 3)


def test_draws_of_whole_groups_are_of_one_size() -> None:
    uneven = [repeat(r.of, r.number, r.rows + 7 * r.number, r.error) for r in repeats(*LATER)]
    assert curve(uneven).sizes == tuple(size + 7 for size in SIZES)
