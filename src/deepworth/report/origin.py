"""Where a run and its winner come from: the command that makes them again, and the card of the model."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from deepworth.registry import specs
from deepworth.store import RunFolder
from deepworth.types import Goals, SourceOptions, TrialResult, record
from deepworth.words import count

OF_TREES = (
    "objective",
    "learning_rate",
    "num_leaves",
    "max_depth",
    "min_data_in_leaf",
    "min_sum_hessian_in_leaf",
    "bagging_fraction",
    "feature_fraction",
    "lambda_l1",
    "lambda_l2",
    "max_cat_to_onehot",
)
# Of what learners note: settings they chose on validation rows, and what is of no use to a reader.
CHOSEN = ("C", "head_strength", "learning_rate", "level", "network", "target")
HIDDEN = ("cache", "hyperparameters", "licence", "micro_batch", "ranks", "recompute", "tried", "waiting")
KIND_FLAGS = {"datetime": "--date", "id": "--id"}


@record
class Card:
    """The model to use: what it is, what it was made from, and under which licences."""

    model: str
    key: str
    rung: str
    summary: str
    licence: str
    weights: str = ""
    weights_licence: str = ""
    trained_on: tuple[str, ...] = ()
    hyperparameters: dict[str, Any] = msgspec.field(default_factory=dict)  # set before training, or chosen on valid
    learned: dict[str, Any] = msgspec.field(default_factory=dict)  # what training found: rounds, epochs, sizes
    parameters: str = ""  # how many numbers were learned


def command(source: str, options: SourceOptions, goals: Goals) -> str:
    """The command line that makes the run again."""
    said: list[tuple[str, Any]] = [
        ("--target", options.target),
        ("--task", options.task),
        ("--group", options.group),
        ("--time-column", options.time),
        ("--split", options.split),
        ("--modality", options.modality),
        *((KIND_FLAGS.get(kind, f"--{kind}"), name) for name, kind in options.kinds.items()),
        *(("--ignore", name) for name in options.ignore),
        ("--time", f"{goals.seconds:g}s"),
        ("--memory", goals.memory_gb and f"{goals.memory_gb:g}GB"),
        ("--metric", goals.metric),
        ("--threshold", goals.threshold),
        ("--rungs", ",".join(goals.rungs) if goals.rungs != Goals().rungs else None),
        ("--models", ",".join(goals.models) or None),
        ("--weights", goals.weights),
        ("--worth", f"{goals.worth:g}" if goals.worth != Goals().worth else None),
        ("--jobs", goals.jobs if goals.jobs != 1 else None),
        ("--seed", goals.seed),
    ]
    words_ = ["deepworth", "fit", source]
    for flag, value in said:
        if value is not None:
            words_ += [flag, str(value)]
    return shlex.join(words_)


def model_card(run: RunFolder, winner: TrialResult, licence: str) -> Card:
    spec = specs("models").get(winner.model)
    name = str(winner.notes.get("weights") or winner.notes.get("network") or (spec.weights if spec else ""))
    weights = specs("weights").get(name)
    trial = run.trial(winner.key) / "trial.json"
    return Card(
        model=winner.model,
        key=winner.key,
        rung=winner.rung,
        summary=spec.summary if spec else "",
        licence=licence,
        weights=(weights.summary if weights else name),
        weights_licence=(weights.licence if weights else licence) if name else "",
        trained_on=weights.trained_on if weights else (),
        hyperparameters=_of_trees(run.trial(winner.key) / "model")
        | dict(winner.notes.get("hyperparameters", {}))
        | {name: winner.notes[name] for name in CHOSEN if name in winner.notes}
        | (msgspec.json.decode(trial.read_bytes())["params"] if trial.exists() else {}),
        learned={name: value for name, value in winner.notes.items() if name not in (*CHOSEN, *HIDDEN)},
        parameters=parameters(run.trial(winner.key) / "model"),
    )


def _of_trees(folder: Path) -> dict[str, str]:
    """What LightGBM was told, as its file repeats it."""
    found: dict[str, str] = {}
    for text in _boosters(folder):
        said = dict(re.findall(r"^\[(\w+): (.*)\]$", text, re.MULTILINE))
        found |= {name: said[name] for name in OF_TREES if name in said}
    return found


def _boosters(folder: Path) -> list[str]:
    """The files LightGBM wrote."""
    texts = (path.read_text(errors="replace") for path in sorted(folder.glob("*.txt")))
    return [text for text in texts if text.startswith("tree\n")]


def parameters(folder: Path) -> str:
    """What a model learned, counted in its files: numbers of weights, trees and leaves; empty where it has none."""
    said, numbers = [], 0
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            about = msgspec.json.decode(file.read(int.from_bytes(file.read(8), "little")))
        numbers += sum(math.prod(one["shape"]) for name, one in about.items() if name != "__metadata__")
    for path in sorted(folder.rglob("linear.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            numbers += sum(arrays[name].size for name in arrays.files)
    if numbers:
        said.append(count(numbers, "weight"))
    for text in _boosters(folder):
        leaves = [int(found) for found in re.findall(r"^num_leaves=(\d+)", text, re.MULTILINE)]
        said.append(f"{count(len(leaves), 'tree')} with {count(sum(leaves), 'leaf')}".replace("leafs", "leaves"))
    return ", ".join(said)
