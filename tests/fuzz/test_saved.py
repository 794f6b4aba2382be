"""Models saved by version 0.1 are read by this one and predict as they did, also where only what they need is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepworth.climb.model import Model
from tests.fuzz.pin import placed

FOLDER = Path(__file__).with_name("saved_0_1")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
HEAVY = {
    "torch", "torchvision", "transformers", "timm", "tabm", "rtdl_num_embeddings", "tokenizers", "openvino", "peft",
    "datasets", "lightning", "lightgbm", "xgboost", "skimage", "hmmlearn", "matplotlib", "typer", "rich",
    "pandas", "polars",
}  # fmt: skip
NEEDED = {
    "lightgbm": {"lightgbm"}, "xgboost": {"xgboost"}, "tfidf-trees": {"lightgbm"}, "hog-linear": {"skimage"},
    "mfcc-hmm": {"hmmlearn"},
    "mlp": {"torch", "tabm", "rtdl_num_embeddings"}, "text-transformer": {"torch", "tokenizers"},
    "image-resnet": {"torch"}, "audio-cnn": {"torch"},
}  # fmt: skip
BARE = """
import sys
absent = set(sys.argv[3].split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import json
from pathlib import Path
from deepworth.climb.model import Model
model = Model(Path(sys.argv[1], sys.argv[2]))
rows = json.loads(sys.argv[4])
print(json.dumps((model.predict_proba(rows) if model.classes else model.predict(rows)[:, None]).tolist()))
"""


def rows_of(name: str) -> dict[str, list[object]]:
    return placed(EXPECTED["rows"][EXPECTED["models"][name]["rows"]], FOLDER)


@pytest.mark.parametrize("name", EXPECTED["models"])
def test_a_model_of_version_0_1_predicts_as_it_did(name: str) -> None:
    model, expected = Model(FOLDER / name), EXPECTED["models"][name]
    assert model.manifest.files and model.manifest.seen
    assert list(model.classes) == expected["classes"]
    said = model.predict_proba(rows_of(name)) if model.classes else model.predict(rows_of(name))[:, None]
    np.testing.assert_allclose(said, expected["says"], atol=1e-5)


@pytest.mark.parametrize("name", EXPECTED["models"])
def test_without_what_it_does_not_need(name: str) -> None:
    absent = ",".join(sorted(HEAVY - NEEDED.get(name, set())))
    command = [sys.executable, "-c", BARE, str(FOLDER), name, absent, json.dumps(rows_of(name))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr[-2000:]
    np.testing.assert_allclose(json.loads(done.stdout.splitlines()[-1]), EXPECTED["models"][name]["says"], atol=1e-5)
