"""A run folder made of records only: what the report, the tables and the commands read, without training anything."""

from __future__ import annotations

from pathlib import Path

from deepworth.store import RunFolder
from deepworth.types import (
    Candidate,
    Column,
    Concern,
    Conclusion,
    Dataset,
    Estimate,
    Fact,
    Gain,
    MetricInfo,
    Plan,
    Profile,
    Range,
    Rule,
    Splits,
    Task,
    TrialResult,
    Verdict,
    dump,
)

EVIL = '<script>alert(1)</script> & "co"'  # a name that must never reach a page unescaped


def estimate(seconds: float, gb: float = 0.4) -> Estimate:
    return Estimate(seconds=Range.around(seconds), peak_gb=Range.around(gb), basis="measured on this machine")


def trial(
    model: str, rung: str, valid: float = 0.0, seconds: float = 0.0, status: str = "done", reason: str = ""
) -> TrialResult:
    scores = {"auc": valid, "log_loss": 1 - valid, "accuracy": valid - 0.03} if status == "done" else {}
    test = {name: value - 0.004 for name, value in scores.items()}
    return TrialResult(
        key=f"{model}-0123abcd",
        model=model,
        rung=rung,
        status=status,
        reason=reason,
        valid=scores,
        test=test,
        seconds=seconds,
        ms_predict=seconds / 1000,
        peak_gb=0.3 + seconds / 100,
        artefact_mb=seconds / 10,
        estimate=estimate(seconds or 700.0),
    )


TRIALS = (
    trial("prior", "floor", 0.5, 0.2),
    trial("linear", "classical", 0.9063, 2.31),
    trial("lightgbm", "classical", 0.9271, 12.4),
    trial("random-forest", "classical", 0.9103, 31.0),
    trial("entity-embedding-mlp", "custom", 0.9133, 48.2),
    trial("tabm", "custom", 0.9262, 95.6),
    trial(
        "xgboost", "classical", status="failed", reason="OutOfMemory: took 4.20 GB, the limit is 4.00 GB", seconds=8.0
    ),
    trial("catboost", "classical", status="skipped", reason="needs catboost: pip install catboost"),
    trial(
        "ft-transformer",
        "custom",
        status="skipped",
        reason="estimated ~12 m [6..23], 1 m 28 s were left of the limit",
    ),
)


def dataset(folder: Path, evil: bool = False) -> Dataset:
    names = {"age": "number", "hours": "number", "fnlwgt": "number", "job": "category", "sex": "boolean", "row": "id"}
    columns = tuple(
        Column(name=name, kind=kind, missing=0.02, distinct=60, why="few values") for name, kind in names.items()
    )
    if evil:
        columns += (Column(name=EVIL, kind="category", distinct=2),)
    classes = ("<=50K", EVIL if evil else ">50K")
    return Dataset(
        name="adult" + (EVIL if evil else ""),
        source="adult.parquet",
        reader="parquet",
        modality="tabular",
        task=Task(kind="binary", target=EVIL if evil else "income", classes=classes, metric="auc"),
        rows=48_842,
        columns=columns,
        features=tuple(c.name for c in columns if c.kind != "id"),
        fingerprint="f00d",
        table=str(folder / "data" / "table.arrow"),
        notes=("'row' names every row once and is left out",),
    )


def verdict(
    answer: Conclusion = "not worth it", evil: bool = False, trials: tuple[TrialResult, ...] = TRIALS
) -> Verdict:
    gains = {
        "frozen": Gain(
            rung="frozen",
            challenger="x-1",
            base="lightgbm-0123abcd",
            relative=-0.21,
            low=-0.3,
            high=-0.12,
            resamples=1000,
        ),
        "custom": Gain(
            rung="custom",
            challenger="tabm-0123abcd",
            base="lightgbm-0123abcd",
            relative=-0.012,
            low=-0.026,
            high=0.003,
            resamples=1000,
        ),
    }
    return Verdict(
        verdict=answer,
        sentence="Deep learning gains less than the 1.0 % that would count: -1.2 % of the error [-2.6 % .. +0.3 %], "
        "tabm (custom) against lightgbm (classical) on 7,326 test rows.",
        metric=MetricInfo(name="auc", higher_is_better=True, error="1 - auc"),
        gain=gains["custom"],
        gains=gains,
        winner="lightgbm-0123abcd",
        trials=trials,
        limits={
            "seconds": 300.0,
            "seconds_used": 214.2,
            "memory_gb": 18.4,
            "threads": 2,
            "jobs": 1,
            "worth": 0.01,
            "seed": 0,
        },
        decide_next="about 900 more test rows at the present difference" if answer == "cannot tell yet" else "",
        dataset="adult",
        rows={"train": 34_190, "valid": 7_326, "test": 7_326},
        warnings=(f"47 rows stand in both train and test {EVIL if evil else ''}",),
    )


def make_run(folder: Path, answer: Conclusion = "not worth it", evil: bool = False) -> Path:
    """A finished run folder, its page excepted."""
    run = RunFolder.new(folder, "adult")
    data = dataset(folder, evil)
    run.data.mkdir()
    (run.data / "dataset.json").write_bytes(dump(data))
    (folder / "splits").mkdir()
    parts = {"train": 34_190, "valid": 7_326, "test": 7_326}
    splits = Splits(protocol="stratified", seed=0, **parts, fingerprint="cafe", notes=("47 rows stand in both",))
    (folder / "splits" / "splits.json").write_bytes(dump(splits))
    facts = (Fact(name="rows", value=48_842.0), Fact(name="imbalance", value=0.24, how="share of the rarest class"))
    concerns = (Concern(id="duplicates", message=f"47 rows stand in both {EVIL if evil else ''}", rows=47),)
    run.save("profile", Profile(facts=facts, concerns=concerns))
    rule = Rule(
        id="table-try-deep",
        condition="small tables",
        effect="a tabular network is tried",
        reason="measured, not guessed",
        source="TabArena",
    )
    candidates = tuple(Candidate(model=t.model, rung=t.rung, estimate=t.estimate) for t in TRIALS)
    run.save("plan", Plan(candidates=candidates, rules=(rule,)))
    machine = {"threads": 2, "memory_gb": 23.1, "gflops": 95.0, "accelerator": ""}
    run.save(
        "run", {"source": "adult.parquet", "goals": {"seed": 0}, "options": {"target": "income"}, "machine": machine}
    )
    run.save("verdict", verdict(answer, evil))
    manifest = {
        "model": "lightgbm",
        "versions": {"deepworth": "0.1.0", "lightgbm": "4.7.0"},
        "licence": "that of your data",
    }
    model = run.trial("lightgbm-0123abcd") / "model"
    model.mkdir(parents=True)
    (model / "model.json").write_bytes(dump(manifest))
    return folder
