"""LightGBM's text with anything in it changed, and signed anew: refused or predicted with, never a crash."""

from __future__ import annotations

import collections
import itertools
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from deepworth.errors import UserError
from deepworth.models._boosted import raw_scores, read_trees

TOKENS = [
    "-1", "0", "1", "2", "7", "8", "31", "999999", "2147483648", "-2147483649", "99999999999999999999", "nan", "inf",
    "-inf", "1e999", "1.5", "-", "x", "0x10", "-0", "1e5", "",
    "nan(1)", "infinity", "INF", "1E5", "null", "+1", "1e-400", "1e", ".5", "5.",
]  # fmt: skip
NUMBER = re.compile(r"-?\d[\d.e+-]*")


def mutated(rng: random.Random, text: str) -> str:
    """The text with one to five changes, most with the sizes of its trees made right again."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        how = rng.choice(("byte", "cut", "number", "number", "number", "line"))
        at = rng.randrange(len(text))
        if how == "byte":
            text = text[:at] + chr(rng.randrange(128)) + text[at + rng.choice((0, 1)) :]
        elif how == "cut":
            text = text[:at] + text[at + rng.choice((1, 5, 200)) :]
        elif how == "number":
            one = rng.choice(list(NUMBER.finditer(text)))
            text = text[: one.start()] + rng.choice(TOKENS) + text[one.end() :]
        else:
            lines = text.split("\n")
            one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one], key = rng.choice((lines[other], "", lines[one])), lines[one].partition("=")[0]
            if lines[one].startswith(f"{key}="):
                lines[one] = f"{key}={' '.join([rng.choice(TOKENS)] * rng.choice((0, 1, lines[one].count(' ') + 1)))}"
            text = "\n".join(lines)
    if rng.random() < 0.7:
        text = sized(text)
    return text


def sized(text: str) -> str:
    """The text with the sizes of its trees made right."""
    body = text[: text.find("end of trees")]
    begins = [*(found.start() for found in re.finditer("^Tree=", body, re.M)), len(body)]
    sizes = " ".join(str(end - begin) for begin, end in itertools.pairwise(begins))
    return re.sub("^tree_sizes=.*$", f"tree_sizes={sizes}", text, count=1, flags=re.M)


def made(outputs: int) -> tuple[lightgbm.Booster, np.ndarray]:
    """A booster with categories and missing values, and rows for it."""
    random_ = np.random.default_rng(0)
    x = random_.normal(size=(600, 5))
    x[:, 4], x[::7, 1] = random_.integers(0, 12, 600), np.nan
    y = (x[:, 0] + (x[:, 4] % 3 == 0) > 0.5).astype(int) + (x[:, 2] > 1)
    params = {"objective": "multiclass", "num_class": 3} if outputs == 3 else {"objective": "binary"}
    data = lightgbm.Dataset(x, y if outputs == 3 else y > 0, categorical_feature=[4])
    params |= {
        "verbose": -1,
        "num_threads": 1,
        "num_leaves": 9,
        "max_cat_to_onehot": 1,
        "min_data_per_group": 5,
        "cat_smooth": 1,
    }
    return lightgbm.train(params, data, 3), np.vstack([x[:5], np.zeros((1, 5)), np.full((1, 5), np.nan), 1e9 * x[:2]])


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_model_that_is_whole_is_read_and_says_the_same(outputs: int, tmp_path: Path) -> None:
    booster, rows = made(outputs)
    booster.save_model(tmp_path / "trees.txt")
    read = read_trees(tmp_path / "trees.txt")
    np.testing.assert_array_equal(raw_scores(read, rows, 3, 1), raw_scores(booster, rows, 3, 1))


def test_trees_of_one_leaf_are_whole(tmp_path: Path) -> None:
    data = lightgbm.Dataset(np.zeros((50, 2)), np.arange(50.0), params={"feature_pre_filter": False})
    lightgbm.train({"objective": "regression", "verbose": -1}, data, 2).save_model(tmp_path / "trees.txt")
    assert np.isfinite(raw_scores(read_trees(tmp_path / "trees.txt"), np.zeros((3, 2)), 1, 1)).all()


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        (r"left_child=1 ", "left_child=0 ", "left_child"),  # for ever
        (r"split_feature=\d+ ", "split_feature=5 ", "split_feature"),
        (r"num_leaves=9", "num_leaves=8", "."),
        (r"num_class=1", "num_class=2", "header"),
        (r"cat_boundaries=0 ", "cat_boundaries=9 ", "cat_"),
        (r"leaf_value=\S+", "leaf_value=nan", "leaf_value"),
        (r"leaf_weight=\S+", "leaf_weight=fe", "leaf_weight"),
    ],
)
def test_what_cannot_be_right_is_named(line: str, instead: str, told: str, tmp_path: Path) -> None:
    text = made(1)[0].model_to_string()
    changed, count = re.subn(line, instead, text, count=1)
    assert count
    change = len(changed) - len(text)
    changed = re.sub(r"tree_sizes=(\d+)", lambda found: f"tree_sizes={int(found[1]) + change}", changed)
    (tmp_path / "trees.txt").write_text(changed)
    with pytest.raises(UserError, match=rf"trees\.txt holds no whole LightGBM model \(.*({told})"):
        read_trees(tmp_path / "trees.txt")


@pytest.mark.parametrize("outputs", [1, 3])
def test_no_change_of_a_model_ends_the_process(outputs: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", __name__, str(outputs), "0", "400", str(tmp_path / "trees.txt")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert not done.returncode, done.stderr[-2000:]
    ends = json.loads(done.stdout.splitlines()[-1])
    assert ends["refused"] > 200 and ends["predicted"] > 20, ends


def main() -> None:
    """`python -m tests.fuzz.test_damaged_trees OUTPUTS FIRST LAST FILE` tries the changes of these numbers."""
    outputs, first, last, path = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    booster, rows = made(outputs)
    text = booster.model_to_string()
    ends: collections.Counter[str] = collections.Counter()
    for number in range(first, last):
        path.write_text(mutated(random.Random(number), text))
        try:
            read = read_trees(path)
        except UserError:
            ends["refused"] += 1
        else:
            raw_scores(read, rows, read.current_iteration(), 1)
            read.predict(rows, pred_contrib=True)
            ends["predicted"] += 1
    print(json.dumps(ends))


if __name__ == "__main__":
    main()


@pytest.mark.parametrize("counts", ["", "600"])  # LightGBM 4.5 wrote nothing, later ones the rows
def test_trees_of_one_leaf_are_read(counts: str, tmp_path: Path) -> None:
    x = np.zeros((600, 2))
    params = {"objective": "regression", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(x, np.arange(600.0), params={"verbose": -1}), 3)
    text = re.sub("^leaf_count=.*$", f"leaf_count={counts}", booster.model_to_string(), flags=re.M)
    (tmp_path / "trees.txt").write_text(sized(text))
    assert np.allclose(raw_scores(read_trees(tmp_path / "trees.txt"), x, 1, 1), 299.5)
