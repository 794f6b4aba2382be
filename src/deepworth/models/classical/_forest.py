"""Random forest on a matrix, grown in chunks and kept as plain arrays."""

from __future__ import annotations

import io
import math
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree._tree import NODE_DTYPE, Tree

from deepworth.errors import OutOfTime
from deepworth.models.classical._rounds import SLOWER
from deepworth.models.classical._table_cost import FOREST_ROWS, FOREST_TREES
from deepworth.models.classical._table_trees import TableTrees
from deepworth.models.learner import Context
from deepworth.types import Task

SHARE = 0.15  # of the memory limit that trees may fill
TIMED = 5_000  # rows whose prediction is timed
BLOCK = 5_000  # rows predicted at a time by one thread
PACKING = 1  # of zlib: on covtype a fifth larger than the usual 6, in a quarter of the time
FIELDS = ("left_child", "right_child", "feature", "threshold", "missing_go_to_left")


class ForestHead:
    """Averaged deep trees on bootstrap samples (Breiman 2001), missing values sent the way that splits best.

    A tree is kept as its splits and the float32 answers of its nodes; thresholds are rounded down to float32, which
    sends float32 features the same way. That takes a third of scikit-learn's memory and needs no pickle.

    Price: `Tree` is no public name of scikit-learn. The public form, skops, rebuilds the same `Tree` from the same
    state and is larger: 4 trees on covtype take 2.8 MB on disk and 20.6 MB in memory, here 1.7 MB and 7.7 MB.
    """

    def __init__(self, task: Task, params: dict[str, Any]) -> None:
        self.task, self.params = task, params
        self.trees: list[Tree] = []
        self.answers: list[np.ndarray] = []  # (nodes, classes or 1) float32
        self.width = 0

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        x_valid: np.ndarray,
        y_valid: np.ndarray,
        categorical: tuple[int, ...],
        context: Context,
    ) -> None:
        """`x`: (n, p) float32 with NaN. Raises OutOfTime when not even one tree can be grown."""
        if context.remaining() <= 0:
            raise OutOfTime("the deadline passed before the first tree")
        self.width = x.shape[1]
        most = self.params.get("rounds", FOREST_TREES)
        step = context.threads  # always, so that the seeds of the trees do not depend on the clock
        timed = (x_valid if len(y_valid) else x)[:TIMED]
        repeats = (2 * len(y_valid) + context.predict_rows) / len(timed)
        limit, size, grown, after = SHARE * context.memory_gb * 1e9, 0.0, 0.0, 0.0
        while len(self.trees) < most:
            begun = time.monotonic()
            size += self._grow(x, y, min(step, most - len(self.trees)), context)
            built = time.monotonic()
            grown = max(grown, built - begun)
            if not after and math.isfinite(context.deadline):  # seconds that a tree costs when the fit is over
                self.predict(timed, context.threads)
                predicted = time.monotonic()
                self._pack(io.BytesIO())
                after = ((predicted - built) * repeats + time.monotonic() - predicted) / len(self.trees)
            context.tell(len(self.trees) / most, f"{len(self.trees)} trees")
            if SLOWER * (grown + after * (len(self.trees) + step)) > context.remaining():
                context.cut("trees") if len(self.trees) < most else None
                break
            if size * (1 + step / len(self.trees)) > limit:
                context.notes["stopped"] = f"trees fill {size / 1e9:.1f} GB"
                break
        context.notes["rounds"] = len(self.trees)

    def _grow(self, x: np.ndarray, y: np.ndarray, trees: int, context: Context) -> float:
        """Add `trees`; returns their bytes."""
        build = RandomForestClassifier if self.task.is_classification else RandomForestRegressor
        forest = build(
            n_estimators=trees,
            max_features="sqrt" if self.task.is_classification else 0.4,
            min_samples_leaf=2 if self.task.is_classification else 1,
            max_samples=FOREST_ROWS if len(y) > FOREST_ROWS else None,
            n_jobs=context.threads,
            random_state=(context.seed * 100_003 + len(self.trees)) % 2**32,
        ).fit(x, y)
        size = 0.0
        for grown in forest.estimators_:
            tree, values = grown.tree_, grown.tree_.value[:, 0, :]
            answers = values
            if self.task.is_classification:
                answers = np.zeros((len(values), len(self.task.classes)), np.float32)
                answers[:, forest.classes_] = values / values.sum(axis=1, keepdims=True)
            state = tree.__getstate__()["nodes"]
            self._add({field: state[field] for field in FIELDS}, answers.astype(np.float32))
            size += self.answers[-1].nbytes + state.nbytes
        return size

    def _add(self, parts: dict[str, np.ndarray], answers: np.ndarray) -> None:
        nodes = np.zeros(len(answers), dtype=NODE_DTYPE)
        for field in FIELDS:
            nodes[field] = parts[field]
        nodes["threshold"] = _round_down(nodes["threshold"])
        tree = Tree(self.width, np.ones(1, dtype=np.intp), 1)
        tree.__setstate__(
            {"max_depth": 0, "node_count": len(nodes), "nodes": nodes, "values": np.zeros((len(nodes), 1, 1))}
        )
        self.trees.append(tree)
        self.answers.append(answers)

    def predict(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """(n, classes) probabilities or (n,) values."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        blocks = [x[at : at + BLOCK] for at in range(0, max(len(x), 1), BLOCK)]
        with ThreadPoolExecutor(threads) as pool:  # walking a tree releases the interpreter lock
            answer = np.concatenate(list(pool.map(self._mean, blocks)))
        return answer if self.task.is_classification else answer[:, 0]

    def _mean(self, x: np.ndarray) -> np.ndarray:
        total = np.zeros((len(x), self.answers[0].shape[1]))
        for tree, answers in zip(self.trees, self.answers, strict=True):
            total += answers[tree.apply(x)]
        total /= len(self.trees)
        return total / total.sum(axis=1, keepdims=True) if self.task.is_classification else total

    def save(self, folder: Path) -> None:
        with (folder / "forest.npz").open("wb") as file:
            self._pack(file)

    def _pack(self, file: IO[bytes]) -> None:
        """Write what `np.load` reads; `np.savez_compressed` has no say in how hard to compress."""
        nodes = [tree.__getstate__()["nodes"] for tree in self.trees]
        small = {"left_child": np.int32, "right_child": np.int32, "feature": np.int32, "threshold": np.float32}
        arrays = {field: np.concatenate([n[field] for n in nodes]).astype(small.get(field, bool)) for field in FIELDS}
        arrays |= {"sizes": np.array([len(n) for n in nodes]), "width": np.array(self.width)}
        arrays["answers"] = np.concatenate(self.answers)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=PACKING) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, task: Task) -> ForestHead:
        self = cls(task, {})
        with np.load(folder / "forest.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        self.width = int(arrays["width"])
        ends = np.cumsum(arrays["sizes"])
        for start, end in zip(ends - arrays["sizes"], ends, strict=True):
            self._add({field: arrays[field][start:end] for field in FIELDS}, arrays["answers"][start:end])
        return self


def _round_down(values: np.ndarray) -> np.ndarray:
    """The largest float32 not above each value."""
    rounded = values.astype(np.float32)
    return np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)


class Forest(TableTrees):
    """A random forest on the columns of a table."""

    head = ForestHead
