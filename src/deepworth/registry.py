"""Finds SPECS by scanning a package and entry points; the code behind a spec is imported only when it is used."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from typing import Any

from deepworth.errors import MissingPackage, UserError, nearest
from deepworth.types import Kind, Modality, Rung, TaskKind, record


@record
class ModelSpec:
    """A model family member. The folder its file lies in is its rung."""

    name: str
    summary: str
    rung: Rung
    modalities: tuple[Modality, ...]
    learner: str  # "module:Class", a deepworth.models.learner.Learner
    cost: str  # "module:function", (Workload, Machine, params) -> Estimate
    tasks: tuple[TaskKind, ...] = ("binary", "multiclass", "regression")
    needs: tuple[str, ...] = ()  # importable module names beyond the core
    weights: str = ""  # name of the default WeightsSpec
    order: int = 50  # within a rung, cheap and strong first
    default: bool = True  # False: only when named with --models


@record
class ReaderSpec:
    """A kind of source."""

    name: str
    summary: str
    accepts: str  # "module:function", (source) -> bool
    read: str  # "module:function", (source, SourceOptions) -> deepworth.readers.result.Read
    order: int = 50  # the first that accepts reads


@record
class ModalitySpec:
    """A kind of data models read."""

    name: Modality
    summary: str
    reads: tuple[Kind, ...]  # kinds of columns its models read
    sniff: str  # "module:function", (columns, pyarrow.Table of them) -> bool: are they this? The first in `order` is it
    workload: str  # "module:function", (Dataset, Splits) -> Workload
    toy: str  # "module:function", (folder, rows, seed, task kind) -> source path or table, with a learnable target
    single: bool = False  # whether its models read one column only
    order: int = 50


@record
class WeightsSpec:
    """Pretrained weights and where they come from."""

    name: str
    summary: str
    modality: Modality
    package: str  # importable package that carries them
    install: str  # what to tell a user who lacks it
    licence: str
    trained_on: tuple[str, ...]
    load: str  # "module:function", (source: str) -> what the modality's learners expect


@record
class TrackerSpec:
    """Something that writes down how a network trains. Whatever is registered, and has what it needs, takes part."""

    name: str
    summary: str
    tracker: str  # "module:Class", a deepworth.train.options.Observer built with the folder of the trial
    needs: tuple[str, ...] = ()  # importable module names beyond the core
    order: int = 50


def resolve(reference: str) -> Any:
    """The object behind `"module:attr"`, imported now."""
    module, _, attr = reference.partition(":")
    return getattr(importlib.import_module(module), attr)


@functools.cache
def specs(kind: str) -> dict[str, Any]:
    """Every spec of a kind ("models", "readers", "trackers", ...), by name, in the order to try them."""
    package = importlib.import_module(f"deepworth.{kind}")
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not info.name.rpartition(".")[2].startswith("_")
    ]
    plugins = [point.load() for point in importlib.metadata.entry_points(group=f"deepworth.{kind}")]
    found: dict[str, Any] = {}
    for module in [*modules, *plugins]:
        for item in getattr(module, "SPECS", ()):
            if item.name in found:
                raise ValueError(f"two {kind} are named {item.name!r}")
            found[item.name] = item
    return dict(sorted(found.items(), key=lambda pair: (getattr(pair[1], "order", 0), pair[0])))


def find(kind: str, name: str) -> Any:
    """The spec called `name`. Raises UserError with the nearest name."""
    known = specs(kind)
    if name not in known:
        one = {"modalities": "modality", "weights": "pretrained network"}.get(kind, kind.rstrip("s"))
        raise UserError(f"there is no {one} {name!r}{nearest(name, known)}")
    return known[name]


@functools.cache
def installed(module: str) -> bool:
    """Whether `module` can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None


def missing(item: ModelSpec | TrackerSpec) -> tuple[str, ...]:
    """The packages a model or tracker needs and this machine lacks."""
    return tuple(name for name in item.needs if not installed(name))


def build(item: ModelSpec) -> Any:
    """The learner class of a model. Raises MissingPackage with the command that installs what is missing."""
    if lacking := missing(item):
        raise MissingPackage(f"{item.name} needs {', '.join(lacking)}: pip install 'deepworth[deep]'")
    return resolve(item.learner)
