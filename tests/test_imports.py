"""What starting up may not import: the command line answers at once, and the core works without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "torch",
    "transformers",
    "timm",
    "pandas",
    "polars",
    "datasets",
    "sklearn",
    "scipy",
    "numpy",
    "pyarrow",
    "lightgbm",
}
HEAVY |= {"xgboost", "skimage", "openvino", "PIL", "soundfile", "hmmlearn", "skops"}
DEEP = {"torch", "transformers", "timm", "peft", "tabm", "openvino", "polars", "datasets"}  # scikit-learn loads pandas


def loaded_after(code: str) -> set[str]:
    """The top-level modules a fresh interpreter holds after `code`."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["predict", "--help"], ["--version"], ["models"]])
def test_commands_that_only_tell_are_light(arguments: list[str]) -> None:
    code = f"from deepworth.cli import app\ntry: app({arguments!r})\nexcept SystemExit as end: assert not end.code"
    assert not loaded_after(code) & HEAVY


def test_import_deepworth_is_light() -> None:
    assert not loaded_after("import deepworth; deepworth.errors.UserError") & HEAVY


@pytest.mark.parametrize("kind", ["models", "readers", "modalities", "weights", "trackers"])
def test_scanning_a_registry_is_light(kind: str) -> None:
    assert not loaded_after(f"from deepworth.registry import specs; assert specs({kind!r})") & HEAVY


@pytest.mark.parametrize("arguments", [["data"], ["data", "--target", "y"], ["plan", "--target", "y"]])
def test_a_look_and_a_plan_load_no_deep_package(tmp_path: Path, arguments: list[str]) -> None:
    lines = ["a,b,y", *(f"{i % 17},{'xyz'[i % 3]},{i % 2}" for i in range(60))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    words = [arguments[0], str(tmp_path / "t.csv"), *arguments[1:], "--json"]
    code = f"from deepworth.cli import app\ntry: app({words!r})\nexcept SystemExit as end: assert not end.code"
    left_out = {"sklearn", "lightgbm", "xgboost"} | ({"pandas"} if arguments[0] == "data" else set())
    assert not loaded_after(code) & (DEEP | left_out)


@pytest.mark.parametrize("arguments", [["estimate", "llama-3.1-8b", "--hardware", "L4"], ["hardware", "T4"]])
def test_prices_load_no_deep_package(arguments: list[str]) -> None:
    code = f"from deepworth.cli import app\ntry: app({arguments!r})\nexcept SystemExit as end: assert not end.code"
    assert not loaded_after(code) & (DEEP | {"sklearn", "lightgbm", "xgboost"})


def test_the_path_to_a_plan_needs_no_deep_package() -> None:
    assert not loaded_after("import deepworth.verbs") & DEEP
