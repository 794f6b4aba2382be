"""A LightGBM booster from its file, and what it says of many rows, a few trees at a time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from deepworth.errors import UserError

if TYPE_CHECKING:
    import lightgbm

TOGETHER = 35  # trees predicted at a time: more fall out of the caches (covtype, 2,100 trees at once: 4 times slower)
WIDTH_SHARE = 0.5  # ... and this many for each feature, which LightGBM copies for every row and call
INTEGER, FLOAT = pa.int64(), pa.float64()
END = "end of trees\n"
HEADER = re.compile(
    r"tree\nversion=v4\nnum_class=(?P<outputs>[1-9]\d{0,8})\nnum_tree_per_iteration=(?P=outputs)\nlabel_index=0\n"
    r"max_feature_idx=(?P<last_feature>\d{1,9})\n"
    r"objective=(?:binary sigmoid:1|multiclass num_class:(?P=outputs)|regression|regression_l1)\n"
    r"feature_names=(?P<names>.+)\nfeature_infos=(?P<infos>.+)\ntree_sizes=(?P<sizes>\d{1,12}(?: \d{1,12})*)\n\n"
)
LINES = [
    "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
    "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count",
]  # fmt: skip
TREE = re.compile(
    r"Tree=(?P<number>\d+)\n"
    + "".join(rf"{key}=(?P<{key}>.*)\n" for key in LINES)
    + r"(?:cat_boundaries=(?P<cat_boundaries>.+)\ncat_threshold=(?P<cat_threshold>.+)\n)?"
    + r"is_linear=0\nshrinkage=\d+(?:\.\d+)?(?:e[-+]\d+)?\n\n\n"
)


def raw_scores(booster: lightgbm.Booster, x: Any, rounds: int, threads: int) -> np.ndarray:
    """The sums of the first `rounds` rounds' trees: (n, classes) for more than two classes, else (n,).

    `x` is (n, p), dense or sparse; `rounds` and n are at least 1.
    """
    step = max(TOGETHER, int(WIDTH_SHARE * x.shape[1])) // booster.num_model_per_iteration() or 1
    total = np.zeros(())
    for at in range(0, rounds, step):
        few = min(step, rounds - at)
        scores = booster.predict(x, start_iteration=at, num_iteration=few, raw_score=True, num_threads=threads)
        total = total + np.asarray(scores)
    return total


def read_trees(path: Path) -> lightgbm.Booster:
    """The booster in a LightGBM text file. Raises UserError where it is not whole: LightGBM would end the process."""
    import lightgbm

    try:
        text = path.read_text("ascii")
        end = text.find(END)
        check_trees(text[:end])
        # What comes behind, importances and parameters, is of no use for predictions.
        return lightgbm.Booster(model_str=text[:end] + END)
    except (ValueError, lightgbm.basic.LightGBMError) as error:
        raise UserError(
            f"{path} holds no whole LightGBM model ({error}): copy the folder again, or train the model again"
        ) from error


def check_trees(text: str) -> None:
    """Check a LightGBM text up to the end of its trees: LightGBM itself writes and reads where the numbers lead it.

    Every tree stands where `tree_sizes` says, has its lines in their order with as many values as leaves, inner nodes
    and categories, its nodes lead to later ones or to leaves, and split on features there are. Raises ValueError.
    """
    head = HEADER.match(text)
    _hold(head is not None, "its header")
    assert head is not None
    outputs, features = int(head["outputs"]), int(head["last_feature"]) + 1
    _hold(head["names"].count(" ") + 1 == head["infos"].count(" ") + 1 == features, "its features")
    ends = np.cumsum([0, *map(int, head["sizes"].split(" "))]) + head.end()
    _hold(ends[-1] == len(text) and (len(ends) - 1) % outputs == 0, "the sizes of its trees")
    body = text[head.end() :]
    _hold(not any(char in body for char in "xX("), "a number of its trees")  # Arrow reads 0x1F and nan(1)
    trees = [TREE.fullmatch(text, begin, end) for begin, end in itertools.pairwise(ends.tolist())]
    _hold(all(trees), "the lines of its trees")
    columns: dict[str, list[str]] = {key: [tree[key] or "" for tree in trees if tree] for key in TREE.groupindex}

    def numbers(key: str, counts: np.ndarray, kind: pa.DataType = INTEGER) -> np.ndarray:
        return _numbers(columns[key], counts, kind, key)

    one = np.ones(len(trees), np.int64)
    leaves, sets = numbers("num_leaves", one), numbers("num_cat", one)
    _hold(bool((numbers("number", one) == np.arange(len(trees))).all() and (leaves > 0).all()), "Tree")
    _hold(bool((sets >= 0).all()), "num_cat")
    nodes, bounds = leaves - 1, np.where(sets > 0, sets + 1, 0)
    for key in ("split_gain", "internal_value", "internal_weight", "internal_count"):
        numbers(key, nodes, FLOAT)
    for key, kind in (("leaf_weight", FLOAT), ("leaf_count", INTEGER)):  # a tree of one leaf may have none
        numbers(key, np.where(leaves > 1, leaves, _counts(columns[key])), kind)
    _hold(bool(np.isfinite(numbers("leaf_value", leaves, FLOAT)).all()), "leaf_value")
    thresholds = numbers("threshold", nodes, FLOAT)
    _hold(not np.isnan(thresholds).any(), "threshold")  # infinite where what is missing splits
    split = numbers("split_feature", nodes)
    _hold(bool(((split >= 0) & (split < features)).all()), "split_feature")
    own = np.arange(len(split)) - np.repeat(np.cumsum(nodes) - nodes, nodes)
    for key in ("left_child", "right_child"):
        child = numbers(key, nodes)
        _hold(bool(np.where(child < 0, ~child < np.repeat(leaves, nodes), child > own).all()), key)
        _hold(bool((child < np.repeat(nodes, nodes)).all()), key)
    decisions = numbers("decision_type", nodes)
    _hold(bool(((decisions >= 0) & (decisions < 12)).all()), "decision_type")
    places = numbers("cat_boundaries", bounds)
    first, last = np.cumsum(bounds) - bounds, np.cumsum(bounds) - 1
    words = np.where(bounds > 0, places[last], 0) if len(places) else np.zeros_like(bounds)
    _hold(bool((numbers("cat_threshold", words) >= 0).all()), "cat_threshold")
    rising = np.diff(places, prepend=0) >= 0
    rising[first[bounds > 0]] = places[first[bounds > 0]] == 0
    _hold(bool(rising.all()), "cat_boundaries")
    by_set = decisions % 2 == 1
    chosen = thresholds[by_set]
    within = (chosen >= 0) & (chosen < np.repeat(sets, nodes)[by_set]) & (chosen == np.floor(chosen))
    _hold(bool(within.all()), "threshold")


def _hold(sound: bool, what: str) -> None:
    if not sound:
        raise ValueError(f"{what} cannot be right")


def _counts(texts: Sequence[str]) -> np.ndarray:
    return np.array([text.count(" ") + 1 if text else 0 for text in texts], np.int64)


def _numbers(texts: Sequence[str], counts: np.ndarray, kind: pa.DataType, what: str) -> np.ndarray:
    """All numbers of some lines, in one array; so many of each. Raises ValueError, also for what is no number."""
    _hold(np.array_equal(_counts(texts), counts), what)
    rows = " ".join(filter(None, texts)).replace(" ", "\n").encode()
    if not rows:
        return np.zeros(0, kind.to_pandas_dtype())
    try:
        found = csv.read_csv(
            pa.py_buffer(rows),
            csv.ReadOptions(column_names=[what], use_threads=False),
            csv.ParseOptions(quote_char=False),
            csv.ConvertOptions(column_types={what: kind}, null_values=[]),
        )
    except pa.ArrowInvalid as error:
        raise ValueError(f"{what} holds what is no number") from error
    _hold(len(found) == counts.sum(), what)
    return found.column(0).to_numpy()
