"""Makes the models that later versions must load: one of each kind that needs no large weights, trained on toys.

`python -m tests.fuzz.pin FOLDER` writes FOLDER/<model>/ for each and FOLDER/expected.json: rows, and what each model
says of them. Run once for a version, never again for an old one. The boosted trees on descriptors of media are not
here: a file of them is 100 kB, and is read as that of `lightgbm` and of `hog-linear` or `mfcc-linear` is.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from deepworth.climb.model import Model
from deepworth.data.examples import Examples
from deepworth.registry import find, resolve
from deepworth.types import SourceOptions, TaskKind
from tests.saving import save

PINNED: dict[str, tuple[TaskKind, dict[str, Any]]] = {
    "prior": ("multiclass", {}),
    "xgboost": ("regression", {"rounds": 4}),
    "forest": ("binary", {"rounds": 5}),
    "mlp": ("binary", {"width": 8, "members": 2, "bins": 4}),
    "tfidf-linear": ("binary", {}),
    "tfidf-trees": ("binary", {"rounds": 5}),
    "hog-linear": ("binary", {}),
    "mfcc-linear": ("binary", {}),
    "mfcc-hmm": ("binary", {}),
    "text-transformer": ("binary", {"width": 8, "layers": 1}),
    "image-resnet": ("multiclass", {"width": 2}),
    "audio-cnn": ("binary", {"width": 2}),
}
ROWS, SHOWN = 60, 3


def main() -> None:
    folder = Path(sys.argv[1])
    expected: dict[str, Any] = {"rows": {}, "models": {}}
    for name, (kind, params) in PINNED.items():
        with tempfile.TemporaryDirectory() as work:
            toy = resolve(find("modalities", find("models", name).modalities[0]).toy)
            source = toy(Path(work) / "source", ROWS, 0, kind)
            options = SourceOptions(target="target" if source.is_file() else None)
            shutil.rmtree(folder / name, ignore_errors=True)
            valid = save(name, source, options, folder / name, Path(work), **params)
            if valid.dataset.modality not in expected["rows"]:
                expected["rows"][valid.dataset.modality] = shown(valid, folder)
        given = placed(expected["rows"][valid.dataset.modality], folder)
        model = Model(folder / name)
        says = model.predict_proba(given) if model.classes else model.predict(given)
        rounded = [[round(float(share), 6) for share in row] for row in says.reshape(SHOWN, -1)]
        expected["models"][name] = {"rows": valid.dataset.modality, "classes": model.classes, "says": rounded}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def shown(examples: Examples, folder: Path) -> dict[str, list[Any]]:
    """Some rows as columns; media are copied to FOLDER/rows and named by that."""
    rows: dict[str, list[Any]] = {}
    few = examples.take(list(range(SHOWN)))
    for column in few.dataset.feature_columns:
        rows[column.name] = few.column(column.name).to_pylist()
        if column.kind in ("image", "audio"):
            (folder / "rows").mkdir(parents=True, exist_ok=True)
            for place, path in enumerate(map(Path, rows[column.name])):
                shutil.copy(path, folder / "rows" / f"{place}{path.suffix}")
                rows[column.name][place] = f"rows/{place}{path.suffix}"
        else:
            rows[column.name] = json.loads(json.dumps(rows[column.name], default=str))
    return rows


def placed(rows: dict[str, list[Any]], folder: Path) -> dict[str, list[Any]]:
    """The rows with their media where `folder` lies."""
    return {
        name: [str(folder / value) if str(value).startswith("rows/") else value for value in values]
        for name, values in rows.items()
    }


if __name__ == "__main__":
    main()
