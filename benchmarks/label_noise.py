"""Do rows that `deepworth data` takes for mislabelled carry labels that were turned round? Real sets, 2 % and none.

Precision is the share of the rows named that were turned. Where nothing was, what is named is false, or was wrong.

    python benchmarks/label_noise.py [--data ../shared/data] [--rows 8000] [--only adult,sst2]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deepworth.data.open import open_source
from deepworth.data.prepare import divide
from deepworth.profile.noise import suspect_rows
from deepworth.profile.view import View
from deepworth.types import Goals, SourceOptions

TARGETS = {
    "adult": "income",
    "telco_churn": "churn",
    "covtype": "Cover_Type",
    "nycflights13": "late",
    "sst2": "label",
    "imdb20k": "label",
    "banking77": "label",
    "iris": "y",
    "wine": "y",
    "breast_cancer": "y",
    "digits": "y",
}
AFTER = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "stars", "split")  # known when the target is


def load(name: str, folder: Path, rows: int, rng: np.random.Generator) -> pa.Table:
    if not (folder / name).exists():
        from sklearn import datasets

        made = getattr(datasets, f"load_{name}")()
        columns = {f"x{i}": made.data[:, i] for i in range(made.data.shape[1])}
        return pa.table({**columns, "y": made.target_names[made.target].astype(str)})
    table = pq.read_table(folder / name / "data.parquet")
    if name == "nycflights13":
        table = table.filter(pc.field("arr_delay").is_valid())
        table = table.append_column("late", pc.greater_equal(table.column("arr_delay"), 15))
    table = table.drop_columns([column for column in AFTER if column in table.column_names])
    return table.take(pa.array(np.sort(rng.permutation(len(table))[:rows])))


def turned(values: pa.ChunkedArray, share: float, rng: np.random.Generator) -> tuple[pa.Array, np.ndarray]:
    """The labels as words, that share of them another class; and which."""
    words = np.asarray(values.cast(pa.string()).to_pylist()).astype(object)
    classes, codes = np.unique(words.astype(str), return_inverse=True)
    flipped = rng.random(len(codes)) < share
    codes[flipped] = (codes[flipped] + rng.integers(1, len(classes), flipped.sum())) % len(classes)
    return pa.array([f"class {name}" for name in classes[codes]]), flipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default=",".join(TARGETS))
    asked = parser.parse_args()
    print(f"{'set':16} turned  looked at  wrong  named  right  precision  recall  seconds of CPU")
    for name in asked.only.split(","):
        for share in (0.02, 0.0):
            for seed in range(asked.seeds):
                rng = np.random.default_rng(seed)
                table = load(name, asked.data, asked.rows, rng)
                target = TARGETS[name]
                labels, flipped = turned(table.column(target), share, rng)
                table = table.set_column(table.column_names.index(target), target, labels)
                options = SourceOptions(target=target)
                opened = open_source(table, options, Path(), looking=True)
                view = View.of(divide(opened, Goals(), options), opened.table.drop_columns([target]))
                start = time.process_time()
                rows, looked_at, _ = suspect_rows(view)
                seconds = time.process_time() - start
                wrong = flipped[view.rows["train"]].mean() * looked_at
                right = int(flipped[rows].sum())
                told = f"{right / len(rows):10.0%} {right / max(wrong, 1e-9):7.0%}" if share and len(rows) else " " * 18
                print(
                    f"{name:16} {share:6.0%} {looked_at:10,} {wrong:6.0f} {len(rows):6} {right:6} {told} {seconds:8.2f}"
                )


if __name__ == "__main__":
    main()
