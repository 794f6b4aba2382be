"""Models saved by version 0.1 are read by this one, and predict as they did, in a process without the deep extras."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepworth.climb.model import Model

FOLDER = Path(__file__).with_name("saved_0_1")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
BARE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        deep = {"torch", "torchvision", "transformers", "timm", "tabm", "openvino", "peft", "datasets"}
        if name.partition(".")[0] in deep:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import json
from pathlib import Path
from deepworth.climb.model import Model
expected = json.loads(Path(sys.argv[1], "expected.json").read_text())
print(json.dumps(Model(Path(sys.argv[1], sys.argv[2])).predict_proba(expected["rows"]).tolist()))
"""


@pytest.mark.parametrize("name", EXPECTED["probabilities"])
def test_a_model_of_version_0_1_predicts_as_it_did(name: str) -> None:
    model = Model(FOLDER / name)
    assert model.manifest.files and model.manifest.seen
    assert list(model.classes) == EXPECTED["classes"]
    np.testing.assert_allclose(model.predict_proba(EXPECTED["rows"]), EXPECTED["probabilities"][name], atol=1e-5)


@pytest.mark.parametrize("name", EXPECTED["probabilities"])
def test_without_the_deep_extras(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", BARE, str(FOLDER), name], capture_output=True, text=True)
    assert not done.returncode, done.stderr[-2000:]
    np.testing.assert_allclose(json.loads(done.stdout.splitlines()[-1]), EXPECTED["probabilities"][name], atol=1e-5)
