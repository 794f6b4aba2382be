"""Make the compact tables of src/deepworth/decide/tables from the folder of published results per data set.

    python benchmarks/evidence_tables.py DIR [--out src/deepworth/decide/tables]

steps.csv: validation error, test error and seconds of the steps of a ladder on each set: the stop rules learn from it.
pairs.csv: errors of a challenger and of a base on each set: `deepworth plan` quotes it. comparisons.toml beside them
says what was compared and is written by hand. Facts only: names and numbers.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from _published import Row, finite, read, tabarena, yandex

TABLES = Path(__file__).resolve().parents[1] / "src" / "deepworth" / "decide" / "tables"
Pair = tuple[str, str, str, str, float, float]  # comparison, dataset, task, rows, error of challenger, error of base

STATISTICS = ("AutoARIMA", "AutoETS", "AutoTheta", "Stat. Ensemble")
FORECAST = {"boosting": ("LightGBM", "CatBoost"), "net": ("DeepAR", "TFT", "PatchTST")}
GIFT = {"statistics": ("auto_arima", "auto_ets", "auto_theta")}


def steps(folder: Path) -> Iterator[tuple[str, str, int, str, str, str, str, str]]:
    for published in [*tabarena(folder), *yandex(folder)]:
        for kind, run in published.runs.items():
            numbers = (f"{run.valid:.6g}", f"{run.test:.6g}", f"{run.seconds:.4g}")
            yield (published.source, published.dataset, published.rows, published.metric, kind, *numbers)


def tables(folder: Path) -> Iterator[Pair]:
    """Tabular sets. Where a source has it, the model of a family that validation chose; else one named method."""
    sources = {"tabarena_lite_2026-06": "tabarena", "yandex_default": "yandex", "yandex_grinsztajn": "yandex"}
    sources |= {"yandex_tabred": "tabred", "talent_2025-02": "talent", "tabzilla_2023-01": "tabzilla"}
    for row in read(folder, "unified_tabular.csv"):
        name = sources[row["source"]]
        task = "regression" if row["task"] == "regression" else "classification"
        if row["dataset"] == "banknote_authentication" and name == "talent":
            continue  # mislabelled at the source: every method near 0.5
        columns = {"net": ("dl", "gbdt")}
        if name == "tabarena":
            columns["foundation"] = ("fm_open", "gbdt")
        for suffix, (challenger, base) in columns.items():
            if finite(row[challenger]) and finite(row[base]):
                rows = str(int(float(row["n_rows"]))) if row["n_rows"] else ""
                yield f"{name}-{suffix}", row["dataset"], task, rows, float(row[challenger]), float(row[base])


def texts(folder: Path) -> Iterator[Pair]:
    scores = {(row["dataset"], row["method"]): row for row in read(folder, "lexglue_text.csv")}
    for (dataset, method), row in scores.items():
        suffix = {"BERT": "tuned", "Legal-BERT": "tuned-domain"}.get(method)
        if suffix:
            base = 1 - float(scores[dataset, "TFIDF+SVM"]["micro_f1"]) / 100
            error = 1 - float(row["micro_f1"]) / 100
            yield f"lexglue-{suffix}", dataset, "classification", row["n_train"], error, base


def images(folder: Path) -> Iterator[Pair]:
    """A frozen CLIP ViT-B/32 with a linear head against an accuracy of 90 %, by images a class."""
    for row in read(folder, "clip_linear_probe_fewshot.csv"):
        shots = {"10": "10", "-1": "all"}.get(row["shots_per_class"])
        if shots and (row["model"], row["pretrained"]) == ("ViT-B-32", "laion2b_s34b_b79k"):
            yield f"clip-{shots}", row["dataset"], "classification", "", 1 - float(row["lp_acc1"]), 0.1


def sounds(folder: Path) -> Iterator[Pair]:
    accuracy = {row["method"]: float(row["accuracy_pct"]) for row in read(folder, "esc50_audio.csv")}
    classical = 1 - accuracy["MFCC+ZCR + random forest"] / 100
    for suffix, method in (
        ("frozen", "HEAR leaderboard: OpenL3 frozen + MLP"),
        ("scratch", "8-layer CNN, ESC-50 only"),
    ):
        yield f"esc50-{suffix}", "ESC-50", "classification", "2000", 1 - accuracy[method] / 100, classical
    hear = {(row["task"], row["model"]): float(row["score"]) for row in read(folder, "hear_audio_long.csv")}
    for (task, model), score in hear.items():
        if model == "RedRice ced_base" and (task, "wav2vec2") in hear:
            yield "hear-general", task, "classification", "", 1 - score, 1 - hear[task, "wav2vec2"]


def sequences(folder: Path) -> Iterator[Pair]:
    for row in read(folder, "ucr_tsc_wide.csv"):
        for suffix, column in (("inception", "acc_inceptiontime"), ("resnet", "acc_resnet")):
            if finite(row["rocket_acc"]) and finite(row[column]):
                rocket = 1 - float(row["rocket_acc"])
                yield f"ucr-{suffix}", row["dataset"], "classification", "", 1 - float(row[column]), rocket


def forecasts(folder: Path) -> Iterator[Pair]:
    """SQL on fev-bench, MASE on GIFT-Eval; what a model was trained on is left out."""
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for row in read(folder, "fev_bench_long.csv"):
        if row["trained_on_this_dataset"] != "True" and finite(row["SQL"]):
            scores[row["task"]][row["model_name"]] = float(row["SQL"])
    for task, found in scores.items():
        best = {name: lowest(found, models) for name, models in {**FORECAST, "statistics": STATISTICS}.items()}
        for comparison, challenger, base in (
            ("fev-foundation", found.get("Chronos-2"), best["statistics"]),
            ("fev-foundation-boosting", found.get("Chronos-2"), best["boosting"]),
            ("fev-net", best["net"], best["statistics"]),
            ("fev-net-boosting", best["net"], best["boosting"]),
        ):
            if challenger is not None and base is not None:
                yield comparison, task, "forecasting", "", challenger, base
    scores.clear()
    for row in read(folder, "gift_eval_long.csv"):
        if row["leak"] == "No" and finite(row["MASE"]):
            scores[row["dataset"]][row["name"]] = float(row["MASE"])
    for task, found in scores.items():
        base = lowest(found, GIFT["statistics"])
        if base is not None and "TiRex" in found:
            yield "gift-foundation", task, "forecasting", "", found["TiRex"], base


def lowest(found: dict[str, float], models: Iterable[str]) -> float | None:
    return min((found[model] for model in models if model in found), default=None)


def molecules(folder: Path) -> Iterator[Pair]:
    for row in read(folder, "moleculenet_readme.csv"):
        gcn, forest = error(row["metric"], float(row["gcn"])), error(row["metric"], float(row["rf_ecfp4"]))
        task = "classification" if row["metric"] == "roc_auc" else "regression"
        yield "moleculenet-graph", row["dataset"], task, "", gcn, forest
    for row in read(folder, "fastprop_molecules.csv"):
        net = error(row["metric"], float(row["chemprop_dmpnn"]))
        base = error(row["metric"], float(row["fastprop_descriptors_ffn"]))
        task = "classification" if row["metric"] in ("AUROC", "accuracy") else "regression"
        yield "fastprop-graph", row["dataset"], task, row["n_samples"], net, base


def error(metric: str, score: float) -> float:
    """Lower is better: a score that grows with quality, from what its best value lacks."""
    if metric == "accuracy":
        return 1 - score / 100
    return 1 - score if metric in ("roc_auc", "AUROC", "R2") else score


def write(path: Path, header: tuple[str, ...], rows: Iterable[Row | tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=TABLES)
    asked = parser.parse_args()
    kinds = (tables, texts, images, sounds, sequences, forecasts, molecules)
    pairs = [pair for kind in kinds for pair in kind(asked.folder)]
    asked.out.mkdir(parents=True, exist_ok=True)
    write(
        asked.out / "steps.csv",
        ("source", "dataset", "rows", "metric", "kind", "valid", "test", "seconds"),
        steps(asked.folder),
    )
    write(
        asked.out / "pairs.csv",
        ("comparison", "dataset", "task", "rows", "challenger", "base"),
        ((*pair[:4], f"{pair[4]:.5g}", f"{pair[5]:.5g}") for pair in pairs),
    )


if __name__ == "__main__":
    main()
