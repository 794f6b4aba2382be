"""Answers to requests about models of tables: a whole fit from rows x columns x rounds, on processors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from deepworth.cost import place
from deepworth.cost.history import corrected, history
from deepworth.cost.machine import measure
from deepworth.cost.place import Site
from deepworth.errors import UserError
from deepworth.registry import ModelSpec, find, resolve, specs
from deepworth.types import Estimate, Machine, Range, TaskKind, Workload

MODALITY = "tabular"
FIXED, LEARNED = 2.5, 2.0  # high over likely where rounds are told: of the formula, and where trials here corrected it
OPEN = 3.0  # and where early stopping decides on the rounds
PREDICTING = 0.35  # of what more rows add to boosting, which are scored after every round there; two fits measured
MOST = {"rows": 10**12, "columns": 10**7, "categories": 10**7, "classes": 10**6, "rounds": 10**7}
ALSO = {  # names that people use -> ours
    "random-forest": "forest", "randomforest": "forest", "logistic-regression": "linear", "linear-regression": "linear",
    "ridge": "linear", "logistic": "linear", "xgb": "xgboost", "lgbm": "lightgbm", "gbdt": "lightgbm",
}  # fmt: skip
NOT_BUILT_IN = ("catboost", "tabpfn", "tabicl")  # models of tables that are asked for often
TRAINS = {"train": True, "training": True, "fit": True, "infer": False, "inference": False, "predict": False}


def names() -> list[str]:
    """Models of tables that can be asked for: trees, linear models and nets on rows."""
    return [spec.name for spec in specs("models").values() if MODALITY in spec.modalities and spec.rung != "floor"]


def is_known(name: str) -> bool:
    """Whether it is a model of tables, be it one that is not built in."""
    return _plain(name) in (*names(), *NOT_BUILT_IN)


def _plain(name: str) -> str:
    word = name.strip().lower().replace("_", "-").replace(" ", "-")
    return ALSO.get(word, word)


def named(name: str) -> ModelSpec:
    """The model of tables called so. Raises UserError with the names there are."""
    plain = _plain(name)
    if plain in NOT_BUILT_IN:
        near = f"ask for one of {', '.join(names())}"
        raise UserError(f"{plain} is not built in and no fit of it was measured, so its price is not known: {near}")
    spec = find("models", plain)
    if spec.name not in names():
        raise UserError(f"{spec.name} is no model of tables: give one of {', '.join(names())}")
    return spec


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Peak memory (GB, 1e9 bytes), `seconds` of the whole fit (or of predicting `rows` rows), and `fits`.

    Fields: model, rows, columns, and categories (of the columns), classes (0: a number is predicted; 2), rounds (else
    as early stopping usually ends), task, hardware ("auto", "16 vCPU", a processor of the catalogue). A step is a
    round, of a model without rounds the whole fit; an item is a row of a round. UserError where it cannot be.
    """
    spec = named(str(request.get("model") or ""))
    train = TRAINS.get(str(request.get("task") or request.get("mode") or "train").lower())
    if train is None:
        raise UserError(f"task is {request.get('task') or request.get('mode')!r}: give train or infer")
    rows, columns = _count(request, "rows"), _count(request, "columns")
    categories = _count(request, "categories", 0)
    classes, rounds = _count(request, "classes", 2), _count(request, "rounds", 0)
    if not rows or not columns:
        raise UserError("rows and columns are at least 1 each")
    if categories > columns or classes == 1:
        raise UserError(f"{categories} categories of {columns} columns and {classes} classes cannot be")
    site = place.site(str(request.get("hardware") or place.HERE), processor=True)
    machine = _machine(site)
    task: TaskKind = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    work = Workload(
        modality=MODALITY, task=task, classes=classes, train=rows, valid=0, test=0, numbers=columns - categories,
        categories=categories,
    )  # fmt: skip
    params = {"rounds": rounds} if rounds else {}
    told = cast(Estimate, resolve(spec.cost)(work, machine, params))
    if site.own:
        told = corrected(spec.name, told, work, history(machine))
    if not train:
        told = _predicting(spec, work, machine, params, told)
    width = LEARNED if told.corrected != (1.0, 1.0) else FIXED if rounds or not _boosted(spec.name) else OPEN
    seconds = Range.around(told.seconds.likely, width)
    steps = rounds or 1
    warnings = list(site.notes)
    if not rounds and _boosted(spec.name):
        warnings.append("rounds are not given: taken as many as early stopping usually leaves")
    usable = machine.memory_gb
    if told.peak_gb.likely > usable:
        warnings.append(
            f"does not fit {site.device.name}: {told.peak_gb.likely:.0f} GB are needed, {usable:.0f} GB can be used"
        )
    elif told.peak_gb.high > usable:
        warnings.append(f"{told.peak_gb.high:.0f} GB at worst are more than the {usable:.0f} GB that can be used")
    return {
        "model": spec.name,
        "peak_gb": _told(told.peak_gb),
        "seconds": _told(seconds),
        "seconds_per_step": _told(Range(**{end: getattr(seconds, end) / steps for end in ("low", "likely", "high")})),
        "items_per_second": {
            "low": rows * steps / seconds.high,
            "likely": rows * steps / seconds.likely,
            "high": rows * steps / seconds.low,
        },
        "hardware": site.device.name,
        "n_gpus": 1,
        "usable_gb": usable,
        "usd_per_hour": place.hourly(site, 1, warnings),
        "fits": told.peak_gb.likely <= usable,
        "basis": f"{told.basis}, as measured of fits on processors; {machine.threads} threads of {site.device.name}",
        "warnings": warnings,
    }


def _boosted(name: str) -> bool:
    return name in ("lightgbm", "xgboost")


def _predicting(spec: ModelSpec, work: Workload, machine: Machine, params: dict[str, Any], fit: Estimate) -> Estimate:
    """What as many rows more to predict add to the fit."""
    more = cast(Estimate, resolve(spec.cost)(replace(work, test=work.train), machine, params)).seconds.likely
    alone = cast(Estimate, resolve(spec.cost)(work, machine, params)).seconds.likely
    share = PREDICTING if _boosted(spec.name) else 1.0
    seconds = max(share * (more - alone), 1e-3) * fit.corrected[0]
    return replace(fit, seconds=Range.around(seconds, OPEN), basis=f"{fit.basis}: what as many rows to predict add")


def _machine(site: Site) -> Machine:
    """The machine whose processor it is; one that is only named has cores like those the formulas were learned on."""
    if site.own:
        return measure()
    gflops = 1000.0 * place.PRODUCTS * (site.device.fp32_tflops or 0.0)
    return Machine(threads=max(site.threads, 1), memory_gb=site.device.usable_gb, gflops=gflops)


def _told(span: Range) -> dict[str, float]:
    return {"low": span.low, "likely": span.likely, "high": span.high}


def _count(request: Mapping[str, Any], field: str, usual: int | None = None) -> int:
    value = request.get(field)
    if value is None and usual is not None:
        return usual
    if value is None:
        raise UserError(f"a request for a table needs {field}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not (0 <= number <= MOST[field] and number == int(number)):
        raise UserError(f"{field} is {value!r}: give a whole number from 0 to {MOST[field]:,}")
    return int(number)
