"""A LightGBM booster from its file, and what it says of many rows, a few trees at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepworth.errors import UserError

if TYPE_CHECKING:
    import lightgbm

TOGETHER = 35  # trees predicted at a time: more fall out of the caches (covtype, 2,100 trees at once: 4 times slower)
WIDTH_SHARE = 0.5  # ... and this many for each feature, which LightGBM copies for every row and call


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
    """The booster in a LightGBM text file. Raises UserError where it is cut: LightGBM would end the whole process."""
    import lightgbm

    text = path.read_text()
    sizes = text.partition("\ntree_sizes=")[2].partition("\n")[0].split()
    begin, end = text.find("\nTree=0") + 1, text.find("\nend of trees") + 1
    if not (text.startswith("tree\n") and end > begin > 0 and all(map(str.isdecimal, sizes))) or (
        sum(map(int, sizes)) != end - begin
    ):
        raise UserError(f"{path} holds no whole LightGBM model: copy the folder again, or train the model again")
    return lightgbm.Booster(model_str=text)
