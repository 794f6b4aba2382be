"""The run folder that `prepare` writes, and what is kept from the models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from deepworth.data.examples import Examples
from deepworth.data.open import open_source
from deepworth.data.prepare import prepare
from deepworth.errors import UserError
from deepworth.store import RunFolder
from deepworth.types import Goals, Roles, SourceOptions
from tests.preparing import prepared, real


def table_of(num: int = 200, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": rng.normal(size=num),
            "word": rng.choice(["a", "b", "c"], num),
            "who": rng.integers(0, 20, num),
            "when": pa.array(np.arange(num) // 2 * 86_400_000_000, pa.timestamp("us")),
            "y": pa.array([None if i % 10 == 3 else ("no", "yes")[i % 2] for i in range(num)]),
        }
    )


def test_a_run_folder_reads_back(tmp_path):
    table = table_of()
    dataset, splits = prepared(table, "y", tmp_path)
    run = RunFolder(tmp_path)
    assert dataset.table == "table.arrow"  # beside dataset.json: a run folder may be moved
    assert run.dataset == replace(dataset, table=str(tmp_path / "data" / "table.arrow"))
    assert run.splits == splits
    assert (splits.train, splits.valid, splits.test) == (115, 29, 36)
    assert dataset.rows == 200
    assert [column.name for column in dataset.columns] == ["x", "word", "who", "when"]
    assert "20 rows without 'y' are left out" in dataset.notes
    targets = table.column("y").to_pylist()
    for part in ("train", "valid"):
        examples = Examples.open(tmp_path, part)
        assert [dataset.task.classes[code] for code in examples.labels] == [targets[row] for row in examples.rows]


def test_test_labels_are_sealed(tmp_path):
    table = table_of()
    dataset, _ = prepared(table, "y", tmp_path)
    test = Examples.open(tmp_path, "test")
    assert test.labels is None
    assert sorted(path.name for path in (tmp_path / "data").glob("labels_*")) == [
        "labels_train.npy",
        "labels_valid.npy",
    ]
    sealed = np.load(tmp_path / "data" / "sealed" / "labels_test.npy")
    assert [dataset.task.classes[code] for code in sealed] == table.column("y").take(pa.array(test.rows)).to_pylist()


def test_the_same_seed_gives_the_same_files_and_another_does_not(tmp_path):
    table = table_of()
    first, again, other = (
        prepared(table, "y", tmp_path / name, goals=Goals(seed=seed))[1]
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    )
    assert first == again
    assert first.fingerprint != other.fingerprint
    for part in ("train", "valid", "test"):
        one, two = (np.load(tmp_path / name / "splits" / f"{part}.npy") for name in ("first", "again"))
        assert np.array_equal(one, two)


def test_labels_change_the_fingerprint(tmp_path):
    table = pa.table({"x": np.arange(40.0), "y": np.tile([0, 1], 20)})
    swapped = table.set_column(1, "y", pa.array(1 - np.tile([0, 1], 20)))
    one, two = (prepared(t, "y", tmp_path / n, roles=Roles(time="x"))[1] for t, n in ((table, "a"), (swapped, "b")))
    assert one.fingerprint != two.fingerprint


def test_by_group_and_by_time(tmp_path):
    table = table_of()
    dataset, splits = prepared(table, "y", tmp_path / "group", roles=Roles(group="who"))
    assert splits.protocol == "group"
    assert "who" not in [column.name for column in dataset.columns]
    parts = [np.load(tmp_path / "group" / "splits" / f"{part}.npy") for part in ("train", "valid", "test")]
    who = np.asarray(table.column("who"))
    assert not set(who[parts[2]]) & set(who[np.concatenate(parts[:2])])

    table = table.set_column(3, "when", pa.array([None if i == 7 else i for i in range(200)]))
    _, splits = prepared(table, "y", tmp_path / "time", roles=Roles(time="when"))
    assert "1 row without 'when' is left out: neither past nor future" in splits.notes
    parts = [np.load(tmp_path / "time" / "splits" / f"{part}.npy") for part in ("train", "valid", "test")]
    assert parts[0].max() < parts[1].min() <= parts[1].max() < parts[2].min()
    examples = Examples.open(tmp_path / "time", "train")
    targets = table.column("y").to_pylist()
    assert [("no", "yes")[code] for code in examples.labels] == [targets[row] for row in examples.rows]


def test_the_users_task_and_metric(tmp_path):
    table = pa.table({"x": np.arange(60.0), "y": np.tile([0, 1, 2], 20)})
    dataset, splits = prepared(
        table, "y", tmp_path, goals=Goals(metric="mae"), options=SourceOptions(task="regression")
    )
    assert (dataset.task.kind, dataset.task.metric, splits.protocol) == ("regression", "mae", "random")
    with pytest.raises(UserError, match="does not fit"):
        prepared(table, "y", tmp_path / "b", goals=Goals(metric="mae"))


def late_zeros(tmp_path, **how):
    """The last rows of time are of one class."""
    table = pa.table({"x": np.arange(100.0), "when": np.arange(100), "y": [i % 2 if i < 60 else 0 for i in range(100)]})
    return prepared(table, "y", tmp_path, roles=Roles(time="when"), **how)


def test_a_metric_without_a_value_on_the_judging_rows_gives_way(tmp_path):
    dataset, splits = late_zeros(tmp_path)
    assert dataset.task.metric == "log_loss"
    assert "judged by log_loss: auc has no value on the validation and the test rows" in splits.notes


def test_a_metric_the_user_wants_does_not_give_way(tmp_path):
    with pytest.raises(UserError, match=r"auc has no value .* take --metric log_loss"):
        late_zeros(tmp_path, goals=Goals(metric="auc"))


def test_adult_keeps_its_official_split(tmp_path):
    import pyarrow.parquet as pq

    table = pq.read_table(real("adult") / "data.parquet")
    dataset, splits = prepared(table, "income", tmp_path, roles=Roles(split="split"))
    assert dataset.task.classes == ("<=50K", ">50K")
    assert (splits.protocol, splits.test, splits.train + splits.valid) == ("given", 16_281, 32_561)


@pytest.mark.parametrize(("name", "target", "group"), [("fsdd", "digit", "speaker"), ("esc10", "label", "fold")])
def test_recordings_from_the_source_to_the_parts(tmp_path, name, target, group):
    options = SourceOptions(target=target, group=group)
    dataset, _ = prepare(open_source(real(name) / "labels.csv", options, tmp_path / "data"), Goals(), options, tmp_path)
    assert (dataset.modality, dataset.task.kind, len(dataset.task.classes)) == ("audio", "multiclass", 10)
    parts = [Examples.open(tmp_path, part) for part in ("train", "valid", "test")]
    groups = [set(part.column(group).to_pylist()) for part in parts]
    assert sum(len(g) for g in groups) == len(set.union(*groups))
    assert all(np.bincount(part.labels, minlength=10).min() > 0 for part in parts[:2])


def test_covtype_whole_keeps_the_rarest_class_everywhere(tmp_path):
    options = SourceOptions(target="Cover_Type")
    source = real("covtype") / "data.parquet"
    dataset, splits = prepare(open_source(source, options, tmp_path / "data"), Goals(), options, tmp_path)
    assert splits.train + splits.valid + splits.test == dataset.rows == 581_012
    assert abs(splits.test - 100_000) <= 7
    assert abs(splits.valid - 50_000) <= 7
    sealed = np.load(tmp_path / "data" / "sealed" / "labels_test.npy")
    assert np.bincount(sealed, minlength=7).min() > 400
