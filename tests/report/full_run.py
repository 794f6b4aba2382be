"""Run folders with rows, labels and predictions of every kind of data, for the parts of the report that read them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deepworth.store import RunFolder, write
from deepworth.types import (
    Answer,
    Column,
    Conclusion,
    Evidence,
    Fact,
    Hardware,
    LearningCurve,
    Plan,
    Price,
    Projection,
    Range,
    Rule,
    Rung,
    RungVerdict,
    Task,
    Threshold,
    dump,
)
from tests.made_run import make_run

ROWS, VALID, TEST = 900, 200, 400
WINNER, OTHER = "lightgbm-0123abcd", "tabm-0123abcd"


def full_run(folder: Path, modality: str = "tabular", kind: str = "binary", seed: int = 0) -> Path:
    """A finished run with 400 test rows, and a winner that is worse than the other where job is 'cook'."""
    make_run(folder)
    run, random = RunFolder(folder), np.random.default_rng(seed)
    classes: tuple[Any, ...] = {"binary": ("<=50K", ">50K"), "multiclass": ("a", "b", "c")}.get(kind, ())
    table, columns = _table(folder, modality, random)
    with pa.OSFile(str(run.data / "table.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    dataset = replace(
        run.dataset,
        modality=modality,
        rows=ROWS,
        columns=columns,
        features=tuple(c.name for c in columns),
        table="table.arrow",
        task=Task(kind=kind, target="income", classes=classes, metric="auc" if classes else "rmse"),
    )
    write(run.data / "dataset.json", dump(dataset))
    order = random.permutation(ROWS)
    parts = {"test": order[:TEST], "valid": order[TEST : TEST + VALID], "train": order[TEST + VALID :]}
    run.sealed.mkdir()
    for name, rows in parts.items():
        np.save(folder / "splits" / f"{name}.npy", rows)
        labels = random.integers(0, len(classes), len(rows)) if classes else random.normal(50, 20, len(rows))
        np.save((run.sealed if name == "test" else run.data) / f"labels_{name}.npy", labels)
        if name == "train":
            continue
        bad = (
            np.array([v == "cook" for v in table["job"].to_pylist()])[rows] if "job" in table.column_names else rows < 0
        )
        for key, noise in ((WINNER, np.where(bad, 6.0, 1.0)), (OTHER, np.full(len(rows), 1.5))):
            run.trial(key).mkdir(parents=True, exist_ok=True)
            np.save(run.trial(key) / f"predictions_{name}.npy", _predictions(labels, len(classes), noise, random))
    verdict = run.verdict
    trials = tuple(replace(t, test={**t.test, "ece": 0.021} if t.test else {}) for t in verdict.trials)
    metric = verdict.metric
    if not classes:
        metric = replace(metric, name="rmse", higher_is_better=False, error="rmse")
        trials = tuple(
            replace(t, valid={"rmse": 5 - t.valid["auc"]}, test={"rmse": 5 - t.test["auc"]}) if t.test else t
            for t in trials
        )
    gains = {
        "custom": replace(verdict.gains["custom"], method="paired bootstrap over rows", units=TEST, seeds=3),
    }
    made = replace(
        verdict,
        trials=trials,
        metric=metric,
        rows={"train": ROWS - VALID - TEST, "valid": VALID, "test": TEST},
        gains=gains,
        gain=gains["custom"],
        answers=answers(verdict.verdict),
        curve=curve(),
        prices=(price(WINNER, 12.4, 0.02), price(OTHER, 95.6, 4.1)),
        thresholds={WINNER: threshold()} if kind == "binary" else {},
    )
    run.save("verdict", made)
    run.save("plan", plan(run.plan))
    return folder


def answers(overall: Conclusion) -> dict[Rung, RungVerdict]:
    """Of a table: frozen was not run, tuned is not known, custom is the answer."""
    said: dict[Rung, tuple[Conclusion, str, str]] = {
        "frozen": ("cannot tell yet", "No frozen model was trained to compare with.", "let the frozen rung run"),
        "tuned": ("cannot tell yet", "No tuned model was trained to compare with.", "about 700 s more time"),
        "custom": (overall, "Deep learning gains less than the 1.0% that would count.", ""),
    }
    return {
        rung: RungVerdict(rung=rung, verdict=verdict, sentence=sentence, decide_next=next_step)
        for rung, (verdict, sentence, next_step) in said.items()
    }


def price(key: str, seconds: float, ms: float) -> Price:
    return Price(
        trial=key,
        hardware="2 cores, no GPU",
        seconds=seconds,
        kwh=Range.around(1e-5 * seconds),
        usd=Range.around(3e-4 * seconds),
        ms_1=2 * ms,
        ms_32=ms,
        predict_gb=0.3,
        usd_per_1000=Range.around(3e-4 * ms),
        artefact_mb=1.5,
        cheapest="T4",
        cheapest_seconds=Range.around(seconds / 5),
        cheapest_usd=Range.around(1e-4 * seconds),
    )


def threshold() -> Threshold:
    return Threshold(
        rule="f1",
        value=0.31,
        positive=">50K",
        valid={"precision": 0.71, "recall": 0.8},
        test={"precision": 0.7, "recall": 0.79},
        test_at_half={"precision": 0.8, "recall": 0.6},
    )


def curve() -> LearningCurve:
    """Three seeds on four sizes; the network crosses at 40,000 rows."""
    sizes = (40, 75, 150, 300)
    laws = {seed: 1 + 0.03 * seed for seed in (-1, 0, 1)}
    return LearningCurve(
        base=WINNER,
        challenger=OTHER,
        sizes=sizes,
        base_errors=tuple(tuple(f * (0.05 + 0.4 * n**-0.5) for n in sizes) for f in laws.values()),
        challenger_errors=tuple(tuple(f * (0.02 + 0.9 * n**-0.5) for n in sizes) for f in laws.values()),
        crossing=Projection(value=800, low=500, high=1_700),
        doubling={WINNER: Projection(value=0.05, low=0.03, high=0.07)},
        more_helps="data",
        sentences=("Deep learning would overtake at about 800 rows [500 .. 1,700].",),
    )


def plan(made: Plan) -> Plan:
    """With an answer, evidence, hardware and a rule that names the winner it expects."""
    expects = Rule(id="expects-custom", condition="x", effect="y", reason="z", source="w", expects=("custom",))
    evidence = Evidence(
        id="e",
        claim="On 15 tables networks won 7 (47% [28% .. 67%])",
        challenger="a",
        base="b",
        where="tables",
        sets=15,
        share=0.47,
        share_low=0.28,
        share_high=0.67,
        gain=0,
        gain_low=0,
        gain_high=0,
        source="TabArena",
    )
    answer = Answer(
        question="amount",
        asked="Is there enough of it?",
        answer="unsure",
        because="300 rows are few.",
        facts=(Fact(name="train", value=300.0),),
        changes=("ten times the rows would",),
    )
    hardware = Hardware(name="2 cores, no GPU", count=0, watts=Range.around(20.0))
    return replace(made, rules=(*made.rules, expects), answers=(answer,), evidence=(evidence,), hardware=hardware)


def _predictions(labels: np.ndarray, classes: int, noise: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if not classes:
        return labels + 5 * noise * random.normal(size=len(labels))
    scores = 2.0 * np.eye(classes)[labels] + noise[:, None] * random.normal(size=(len(labels), classes))
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def _table(folder: Path, modality: str, random: np.random.Generator) -> tuple[pa.Table, tuple[Column, ...]]:
    if modality == "text":
        words = np.array(["good", "bad", "<b>film</b>", "plot", "actors", "never", "$dull$"])
        texts = [" ".join(random.choice(words, random.integers(3, 12))) for _ in range(ROWS)]
        return pa.table({"text": texts}), (Column(name="text", kind="text", distinct=ROWS),)
    if modality in ("image", "audio"):
        names = [_media(folder, modality, i, random) for i in range(6)]
        paths = [names[i % 6] for i in range(ROWS)]
        return pa.table({"file": paths}), (Column(name="file", kind=modality, distinct=6),)
    jobs = random.choice(["cook", "clerk", "smith"], ROWS)
    ages = pa.array(random.integers(18, 90, ROWS).astype(float), mask=random.random(ROWS) < 0.05)
    columns = (Column(name="age", kind="number", distinct=70), Column(name="job", kind="category", distinct=3))
    return pa.table({"age": ages, "job": pa.array(jobs).dictionary_encode()}), columns


def _media(folder: Path, modality: str, i: int, random: np.random.Generator) -> str:
    path = folder / f"{i}.{'png' if modality == 'image' else 'wav'}"
    path.write_bytes(png(random) if modality == "image" else wav(random, 16_000 if i % 2 else 44_100))
    return str(path)


def png(random: np.random.Generator, side: int = 64) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(random.integers(0, 255, (side, side, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def wav(random: np.random.Generator, rate: int = 16_000, seconds: float = 0.5) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, 0.1 * random.normal(size=int(rate * seconds)), rate, format="WAV")
    return file.getvalue()
