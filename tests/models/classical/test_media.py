"""The hand-made features and the models on them, on toy pictures and tones and on the real sets where they are."""

from __future__ import annotations

import csv
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepworth.data.examples import Examples
from deepworth.errors import OutOfTime
from deepworth.models.classical import audio, hmm, image
from deepworth.models.classical._audio import WIDTH, describe_clip
from deepworth.models.classical._image import _Images, describe_images
from deepworth.models.learner import Context, Learner
from deepworth.registry import ModelSpec, build, find, resolve
from deepworth.types import Column, Dataset, Machine, Modality, Task, TaskKind, Workload

SPECS = [*image.SPECS, *audio.SPECS, *hmm.SPECS]
CASES = [pytest.param(spec, kind, id=f"{spec.name}-{kind}") for spec in SPECS for kind in spec.tasks]
DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[4] / "shared" / "data")


def examples_of(modality: Modality, kind: TaskKind, paths: list[str], targets: list) -> Examples:
    classes = () if kind == "regression" else tuple(sorted(set(targets)))
    labels = np.array(targets) if kind == "regression" else np.array([classes.index(target) for target in targets])
    column = Column(name="file", kind=modality)
    dataset = Dataset(
        name="made",
        source="",
        reader="",
        modality=modality,
        task=Task(kind=kind, target="y", classes=classes),
        rows=len(paths),
        columns=(column,),
        features=("file",),
        fingerprint=f"{paths[0]}{len(paths)}",
        table="",
    )
    return Examples(dataset=dataset, table=pa.table({"file": paths}), rows=np.arange(len(paths)), labels=labels)


def toy_examples(folder: Path, modality: Modality, kind: TaskKind, rows: int = 60) -> Examples:
    source = resolve(find("modalities", modality).toy)(folder, rows, 0, kind)
    if kind == "regression":
        table = list(csv.DictReader(source.open()))
        paths, targets = [str(folder / row["file"]) for row in table], [float(row["target"]) for row in table]
        return examples_of(modality, kind, paths, targets)
    files = sorted((path for path in folder.rglob("*.*") if path.is_file()), key=lambda path: path.name)
    return examples_of(modality, kind, [str(path) for path in files], [path.parent.name for path in files])


def learner_of(spec: ModelSpec, examples: Examples) -> Learner:
    return build(spec)(examples.dataset.task, examples.dataset.feature_columns, {})


@pytest.mark.parametrize(("spec", "kind"), CASES)
def test_it_learns_the_toy_saves_and_repeats(spec: ModelSpec, kind: TaskKind, tmp_path: Path) -> None:
    every = toy_examples(tmp_path / "toy", spec.modalities[0], kind)
    train, valid, test = every.take(np.arange(36)), every.take(np.arange(36, 48)), every.take(np.arange(48, 60))
    told: list[float] = []
    context = Context(
        folder=tmp_path,
        cache=tmp_path / "cache",
        deadline=time.monotonic() + 60,
        tell=lambda share, _: told.append(share),
    )
    learner = learner_of(spec, every)
    learner.fit(train, valid, context)
    found = learner.predict(test)
    if kind == "regression":
        assert found.shape == (12,) and np.corrcoef(found, test.labels)[0, 1] > 0.5
    else:
        assert found.shape == (12, len(every.dataset.task.classes))
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert (found.argmax(axis=1) == test.labels).mean() > 0.75
    assert told and min(told) >= 0 and max(told) <= 1
    (tmp_path / "model").mkdir()
    learner.save(tmp_path / "model")
    again = type(learner).load(tmp_path / "model")
    assert np.array_equal(again.predict(test), found)
    other = learner_of(spec, every)
    other.fit(train, valid, Context(folder=tmp_path, cache=tmp_path / "other", deadline=time.monotonic() + 60))
    assert np.array_equal(other.predict(test), found)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_odd_parts_and_broken_files(spec: ModelSpec, tmp_path: Path) -> None:
    every = toy_examples(tmp_path / "toy", spec.modalities[0], "multiclass")
    Path(every.strings("file")[0]).write_bytes(b"broken")
    seen = np.flatnonzero(every.labels != 2)
    context = Context(folder=tmp_path, cache=tmp_path / "cache")
    learner = learner_of(spec, every)
    learner.fit(every.take(seen[:30]), every.take(np.flatnonzero(every.labels == 2)[:3]), context)
    found = learner.predict(every)
    assert found.shape == (60, 3) and np.isfinite(found).all()
    assert context.notes["broken"] >= 1
    learner.fit(every.take(seen[:30]), every.take(seen[:0]), context)  # no validation rows
    assert np.isfinite(learner.predict(every)).all()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_deadline_that_has_passed(spec: ModelSpec, tmp_path: Path) -> None:
    every = toy_examples(tmp_path / "toy", spec.modalities[0], "binary", rows=80)
    with pytest.raises(OutOfTime):
        learner_of(spec, every).fit(
            every, every, Context(folder=tmp_path, cache=tmp_path / "cache", deadline=time.monotonic() - 1)
        )


def test_the_linear_model_and_the_trees_share_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = toy_examples(tmp_path / "toy", "image", "binary")
    first, second = (learner_of(spec, every) for spec in image.SPECS)
    first.fit(every, every.take(np.arange(10)), Context(folder=tmp_path, cache=tmp_path / "cache"))
    monkeypatch.setattr(_Images, "describe", lambda *arguments: pytest.fail("described again"))
    context = Context(folder=tmp_path, cache=tmp_path / "cache")
    second.fit(every, every.take(np.arange(10)), context)
    assert context.notes["features_kept"] == len(every) + 10


def test_what_does_not_fit_the_time_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = toy_examples(tmp_path / "toy", "image", "binary", rows=400)
    whole = _Images.describe

    def slow(self, examples, *rest):
        for positions, block in whole(self, examples, *rest):
            time.sleep(0.01 * len(positions))
            yield positions, block

    monkeypatch.setattr(_Images, "describe", slow)
    context = Context(folder=tmp_path, cache=tmp_path / "cache", deadline=time.monotonic() + 4, predict_rows=20)
    learner_of(image.SPECS[0], every).fit(every.take(np.arange(380)), every.take(np.arange(380, 400)), context)
    assert 64 <= context.notes["train_rows"] < 380
    assert context.remaining() > 0


@given(st.integers(0, 99), st.sampled_from([32, 96]))
def test_image_features_are_finite_and_a_batch_equals_its_parts(seed: int, side: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    pixels[1] = 0
    found = describe_images(pixels)
    assert found.shape == (3, image.WIDTH) and found.dtype == np.float32 and np.isfinite(found).all()
    np.testing.assert_allclose(found[:1], describe_images(pixels[:1]), rtol=1e-4, atol=1e-5)


def test_hog_does_not_see_the_light() -> None:
    pixels = np.random.default_rng(0).integers(0, 100, (1, 32, 32, 3), dtype=np.uint8)
    plain, brighter = describe_images(pixels), describe_images(pixels + 50)
    same = np.isclose(plain[:, :1984], brighter[:, :1984], atol=1e-4)
    assert same.mean() > 0.99  # where two channels are as steep, rounding picks one


@given(st.integers(1, 6_000), st.sampled_from([8_000, 16_000, 22_050]))
def test_clip_features_are_finite_whatever_the_length(samples: int, rate: int) -> None:
    for wave in (np.zeros(samples), np.random.default_rng(samples).normal(size=samples)):
        found = describe_clip(wave.astype(np.float32), rate)
        assert found.shape == (WIDTH,) == (audio.WIDTH,) and np.isfinite(found).all()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_costs_grow_with_the_work(spec: ModelSpec) -> None:
    machine = Machine(threads=2, memory_gb=8, gflops=100)
    sizes = {"valid": 100, "test": 100, "pixels": 20_000.0, "clip_seconds": 2.0}
    works = [
        Workload(modality=spec.modalities[0], task="multiclass", classes=5, train=rows, **sizes)
        for rows in (500, 5_000)
    ]
    small, large = (resolve(spec.cost)(work, machine, {}) for work in works)
    assert 0 < small.seconds.low < small.seconds.likely < large.seconds.likely
    assert 0 < small.peak_gb.likely <= large.peak_gb.likely


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spec", "least"), [("trashnet", image.SPECS[1], 0.64), ("fsdd", audio.SPECS[0], 0.56)]
)
def test_real_sets_beat_their_sanity_scores(name: str, spec: ModelSpec, least: float, tmp_path: Path) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is not there: set DEEPWORTH_DATA")
    if name == "fsdd":
        rows = list(csv.DictReader((DATA / name / "labels.csv").open()))
        paths, labels = [f"{DATA}/fsdd/audio.zip/{row['file']}" for row in rows], [row["digit"] for row in rows]
        groups = np.unique([row["speaker"] for row in rows], return_inverse=True)[1]
    else:
        with zipfile.ZipFile(DATA / name / "images.zip") as archive:
            members = [member for member in archive.namelist() if not member.endswith("/")]
        paths = [f"{DATA}/{name}/images.zip/{member}" for member in members]
        labels = [member.split("/")[-2] for member in members]
        groups = np.random.default_rng(0).integers(0, 6, len(paths))
    every = examples_of(spec.modalities[0], "multiclass", paths, labels)
    learner = learner_of(spec, every)
    parts = [every.take(np.flatnonzero(where)) for where in (groups < 4, groups == 4, groups == 5)]
    learner.fit(parts[0], parts[1], Context(folder=tmp_path, cache=tmp_path, metric="accuracy"))
    assert (learner.predict(parts[2]).argmax(axis=1) == parts[2].labels).mean() > least
