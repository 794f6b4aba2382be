"""Facts and concerns on data made to have them, on data made not to, and on real data that has them."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from deepworth.profile.broken import _cut_off
from deepworth.profile.run import profile_data
from deepworth.profile.single import _commonest
from deepworth.profile.structure import names_entity
from deepworth.types import Goals, Profile, Roles, dump, load
from tests.preparing import prepared, real

ROWS = 1_000


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def clean(rng, num: int = ROWS) -> dict:
    """Columns of which several help a little and none too much."""
    score = rng.normal(size=num)
    return {
        "y": np.where(score + rng.normal(size=num) > 0, "yes", "no"),
        "a": score + rng.normal(size=num),
        "b": score + 2 * rng.normal(size=num),
        "c": rng.choice(["x", "y", "z"], num),
        "d": rng.normal(size=num),
    }


def profile_of(columns, target, folder, **how) -> Profile:
    prepared(columns if isinstance(columns, pa.Table) else pa.table(columns), target, folder, **how)
    return profile_data(folder)


def concerns(profile: Profile, name: str) -> list[str]:
    """The columns of each concern of one kind, as text."""
    return [" ".join(concern.columns) for concern in profile.concerns if concern.id == name]


def test_clean_data_raises_no_concern(tmp_path, rng):
    profile = profile_of(clean(rng), "y", tmp_path)
    assert profile.concerns == ()
    assert load(Profile, dump(profile)) == profile


def test_facts_of_classes(tmp_path, rng):
    columns = clean(rng)
    columns["a"][:100] = np.nan
    profile = profile_of(columns, "y", tmp_path)
    expected = {
        "rows": 1000,
        "rows_test": 200,
        "features": 4,
        "numbers": 3,
        "categories": 1,
        "classes": 2,
        "missing_share": 0.025,
    }
    assert {name: profile.fact(name) for name in expected} == pytest.approx(expected)
    assert profile.fact("rows of yes") + profile.fact("rows of no") == profile.fact("rows_train") == 640


def test_facts_of_amounts_and_texts(tmp_path, rng):
    columns = {"y": rng.normal(5, 2, ROWS), "t": ["four"] * (ROWS // 2) + ["sixsix"] * (ROWS // 2)}
    profile = profile_of(columns, "y", tmp_path, kinds={"t": "text"}, modality="text")
    assert profile.fact("target_mean") == pytest.approx(5, abs=0.3)
    assert profile.fact("target_sd") == pytest.approx(2, abs=0.3)
    assert profile.fact("chars_mean") == pytest.approx(5, abs=0.2)
    assert profile.fact("empty_texts") == 0


@pytest.mark.parametrize("kind", ["number", "id"])
def test_a_column_that_is_the_target_again(tmp_path, rng, kind):
    columns = clean(rng)
    columns["again"] = (columns["y"] == "yes") * 2.0 + rng.random(ROWS)
    profile = profile_of(columns, "y", tmp_path, kinds={"again": kind})
    assert concerns(profile, "leak") == ["again"]
    said = profile.concerns[0].message
    assert "AUC 1.000" in said
    assert ("--ignore again" in said) == (kind == "number")
    assert ("no model reads it" in said) == (kind == "id")


def test_a_finer_category_than_the_classes(tmp_path, rng):
    fine = rng.integers(0, 30, ROWS)
    columns = clean(rng) | {"y": np.array(["p", "q", "r"])[fine % 3], "fine": [f"f{n}" for n in fine]}
    assert concerns(profile_of(columns, "y", tmp_path), "leak") == ["fine"]


def test_the_target_in_another_unit(tmp_path, rng):
    amount = rng.lognormal(3, 1, ROWS)
    columns = clean(rng) | {"y": amount, "cents": amount * 100 + rng.normal(size=ROWS)}
    assert concerns(profile_of(columns, "y", tmp_path), "leak") == ["cents"]


def test_one_strong_column_is_fine_where_others_are_near(tmp_path, rng):
    amount = rng.normal(size=ROWS)
    columns = {"y": amount, **{name: amount + 0.4 * rng.normal(size=ROWS) for name in "abc"}}
    assert concerns(profile_of(columns, "y", tmp_path / "near"), "leak") == []
    columns |= {name: amount + 4 * rng.normal(size=ROWS) for name in "bc"}
    assert concerns(profile_of(columns, "y", tmp_path / "far"), "leak") == ["a"]


def test_random_columns_of_rare_classes_do_not_leak(tmp_path, rng):
    columns = {f"x{i}": rng.normal(size=300) for i in range(50)} | {"y": np.arange(300) < 12}
    assert concerns(profile_of(columns, "y", tmp_path), "leak") == []


def test_a_column_missing_where_the_target_is(tmp_path, rng):
    columns = clean(rng)
    gone = rng.random(ROWS) < 0.1
    columns["y"] = pa.array(columns["y"], mask=gone)
    columns["later"] = pa.array(rng.normal(size=ROWS), mask=gone | (rng.random(ROWS) < 0.005))
    columns["patchy"] = pa.array(rng.normal(size=ROWS), mask=rng.random(ROWS) < 0.1)
    profile = profile_of(columns, "y", tmp_path)
    assert concerns(profile, "leak") == ["later"]
    assert "missing where the target is" in profile.concerns[0].message


def test_empty_rows_are_no_leak(tmp_path, rng):
    gone = rng.random(ROWS) < 0.1
    columns = {name: pa.array(values, mask=gone) for name, values in clean(rng).items()}
    assert concerns(profile_of(columns, "y", tmp_path), "leak") == []


def test_names_like_the_target(tmp_path, rng):
    columns = clean(rng) | {"arrTime": rng.normal(size=ROWS)}
    table = pa.table(columns).rename_columns(["arr_delay", "a", "b", "c", "d", "arrTime"])
    assert concerns(profile_of(table, "arr_delay", tmp_path), "leak-name") == ["arrTime"]


def test_what_happened_beside_what_was_planned(tmp_path, rng):
    columns = clean(rng) | {"sched_dep": rng.normal(size=ROWS), "dep": rng.normal(size=ROWS)}
    assert concerns(profile_of(columns, "y", tmp_path), "leak-name") == ["dep"]


def test_what_is_known_only_when_it_ended(tmp_path, rng):
    columns = clean(rng) | {"Length_of_stay": rng.normal(size=ROWS), "floss": rng.normal(size=ROWS)}
    assert concerns(profile_of(columns, "y", tmp_path), "leak-name") == ["Length_of_stay"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *((name, True) for name in ("discharge_disposition_id", "DischargeDate", "date_of_discharge", "discharged")),
        *((name, True) for name in ("hospitaldischargeyear", "unitdischargeoffset")),
        *((name, False) for name in ("discharge_m3s", "mean_discharge", "discharge_rate", "discharge_voltage")),
    ],
)
def test_a_patient_is_discharged_and_a_river_has_a_discharge(tmp_path, rng, name, told):
    columns = clean(rng) | {name: rng.normal(size=ROWS)}
    assert concerns(profile_of(columns, "y", tmp_path), "leak-name") == ([name] if told else [])


def test_entities_that_a_random_split_tears_apart(tmp_path, rng):
    columns = clean(rng) | {"patient_id": rng.integers(0, 200, ROWS)}
    assert concerns(profile_of(columns, "y", tmp_path / "random"), "group") == ["patient_id"]
    assert concerns(profile_of(columns, "y", tmp_path / "group", roles=Roles(group="patient_id")), "group") == []
    columns["patient_id"] = np.arange(ROWS)
    assert concerns(profile_of(columns, "y", tmp_path / "unique", kinds={"patient_id": "id"}), "group") == []


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("speaker", True),
        ("host_group", True),
        ("freesound_id", True),
        ("customerID", True),
        ("user_name", True),
        ("fold", True),
        ("device_protection", False),
        ("patient_age", False),
        ("width", False),
        ("paid", False),
        ("x1", False),
        ("name", False),
    ],
)
def test_names_of_entities(name, is_one):
    assert names_entity(name) == is_one


def test_dates_without_a_split_by_time(tmp_path, rng):
    moments = pa.array(np.arange(ROWS) * 3_600_000_000, pa.timestamp("us"))
    columns = {"y": np.cumsum(rng.normal(size=ROWS)), "x": rng.normal(size=ROWS), "at": moments}
    profile = profile_of(columns, "y", tmp_path / "random")
    said = next(concern.message for concern in profile.concerns if concern.id == "time")
    assert "in the order of at" in said
    assert "neighbours have like targets" in said
    assert concerns(profile_of(columns, "y", tmp_path / "time", roles=Roles(time="at")), "time") == []


def test_rows_that_repeat_and_contradict(tmp_path, rng):
    columns = {name: np.tile(values[:500], 2) for name, values in clean(rng).items()}
    columns["y"][500:550] = np.where(columns["y"][500:550] == "yes", "no", "yes")
    profile = profile_of(columns, "y", tmp_path)
    (duplicates,) = [concern for concern in profile.concerns if concern.id == "duplicates"]
    assert 100 < duplicates.rows <= 200
    (conflict,) = [concern for concern in profile.concerns if concern.id == "conflict"]
    assert 20 <= conflict.rows <= 100
    assert f"{conflict.rows // 2} of them" in conflict.message


def test_rows_that_one_coarse_column_cannot_tell_apart(tmp_path, rng):
    profile = profile_of({"nodes": rng.integers(0, 20, ROWS), "y": rng.integers(0, 2, ROWS)}, "y", tmp_path)
    assert "hardly tell rows apart" in next(c.message for c in profile.concerns if c.id == "duplicates")


def test_a_date_that_tells_the_target_is_the_time_and_no_leak(tmp_path, rng):
    moments = pa.array(np.arange(ROWS) * 3_600_000_000, pa.timestamp("us"))
    columns = {"y": np.linspace(0, 9, ROWS) + 0.1 * rng.normal(size=ROWS), "at": moments}
    columns |= {name: rng.normal(size=ROWS) for name in "abc"}
    profile = profile_of(columns, "y", tmp_path)
    assert concerns(profile, "leak") == [] and concerns(profile, "time") == ["at"]


def test_rare_classes(tmp_path, rng):
    columns = clean(rng) | {"y": np.where(np.arange(ROWS) < 15, "rare", "common")}
    profile = profile_of(columns, "y", tmp_path)
    assert [concern.id for concern in profile.concerns] == ["imbalance", "rare"]


def test_the_commonest_class_of_each_bin(rng):
    for num in (1, 30, 400):
        bins, labels = rng.integers(0, 20, num), rng.integers(0, 6, num)
        prior = np.bincount(labels, minlength=6) / num
        counts = np.zeros((25, 6))
        np.add.at(counts, (bins, labels), 1)
        assert (_commonest(bins, labels, prior, 25) == (counts + prior).argmax(1)).all()


def amounts_of(rng, far: dict[int, float]) -> dict:
    y = np.exp(rng.normal(12, 0.4, ROWS))
    y[list(far)] *= list(far.values())
    return {"y": y, "a": np.log(y) + rng.normal(size=ROWS), "b": rng.normal(size=ROWS)}


def test_few_amounts_that_decide_every_squared_error(tmp_path, rng):
    far = {int(row): 1_000.0 for row in rng.choice(ROWS, 5, replace=False)}
    profile = profile_of(amounts_of(rng, far), "y", tmp_path)
    (concern,) = [concern for concern in profile.concerns if concern.id == "outliers"]
    train = set(np.load(tmp_path / "splits" / "train.npy").tolist())
    assert concern.rows == len(train & far.keys())
    assert {int(text.split()[1].rstrip(":")) for text in concern.examples} <= far.keys()
    assert "99." in concern.message and "--metric mae" in concern.message
    robust = profile_of(amounts_of(rng, far), "y", tmp_path / "mae", goals=Goals(metric="mae"))
    assert concerns(robust, "outliers") == []


@pytest.mark.parametrize("tail", ["normal", "lognormal", "exponential"])
def test_heavy_tails_are_no_outliers(tmp_path, rng, tail):
    draw = {"normal": rng.normal, "lognormal": lambda size: rng.lognormal(0, 1.5, size), "exponential": rng.exponential}
    columns = {"y": draw[tail](size=ROWS), "b": rng.normal(size=ROWS)}
    assert concerns(profile_of(columns, "y", tmp_path), "outliers") == []


def test_broken_files(tmp_path):
    for i in range(40):
        (tmp_path / f"{i}.wav").write_bytes(b"" if i < 10 else b"<htm" if i < 20 else riff(i, cut=i < 25))
    paths = [str(tmp_path / f"{i}.wav") for i in range(40)] + [str(tmp_path / "gone.wav")] * 20
    columns = {"f": paths, "y": np.tile([0, 1], 30)}
    profile = profile_of(columns, "y", tmp_path / "run", kinds={"f": "audio"}, modality="audio")
    (broken,) = [concern for concern in profile.concerns if concern.id == "broken"]
    train = np.load(tmp_path / "run" / "splits" / "train.npy")
    assert broken.rows == ((train < 25) | (train >= 40)).sum()


def riff(i: int, *, cut: bool) -> bytes:
    whole = b"RIFF" + (40).to_bytes(4, "little") + b"WAVE" + bytes([i]) * 36
    return whole[:20] if cut else whole


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_cut_off_is_seen(form):
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.effect_noise((64, 64), 50).convert("RGB").save(buffer, form)
    content = buffer.getvalue()
    assert not _cut_off(content)
    assert not _cut_off(content + b"\0" * 100)  # cameras fill up blocks
    assert all(_cut_off(content[: int(share * len(content))]) for share in (0.5, 0.9, 0.99))


def test_small_data(tmp_path):
    profile = profile_of({"x": np.arange(12.0), "y": np.tile([0, 1], 6)}, "y", tmp_path)
    assert profile.fact("rows") == 12


# --- real data --------------------------------------------------------------------------------------------------------


def test_nycflights_what_is_known_only_after_landing(tmp_path):
    table = pq.read_table(real("nycflights13") / "data.parquet").slice(0, 60_000)
    after = {"dep_time", "dep_delay", "arr_time", "air_time"}
    profile = profile_of(table, "arr_delay", tmp_path / "amount")
    assert {name for columns in concerns(profile, "leak") for name in columns.split()} == after
    late = table.append_column("late", pc.greater_equal(table.column("arr_delay"), 15)).drop_columns(["arr_delay"])
    profile = profile_of(late, "late", tmp_path / "late")
    assert {name for columns in concerns(profile, "leak") for name in columns.split()} == after
    landed = late.filter(pc.is_valid(late.column("late")))
    profile = profile_of(landed, "late", tmp_path / "landed")
    assert concerns(profile, "leak") == ["dep_delay"]
    assert concerns(profile, "leak-name") == ["dep_time arr_time"]


def test_imdb_stars_are_the_label(tmp_path):
    table = pq.read_table(real("imdb20k") / "data.parquet")
    profile = profile_of(
        table,
        "label",
        tmp_path,
        roles=Roles(split="split"),
        kinds={"text": "text"},
        features=("text",),
        modality="text",
    )
    assert concerns(profile, "leak") == ["stars"]
    assert [c.rows for c in profile.concerns if c.id == "duplicates"] == [23]


@pytest.mark.parametrize(
    ("name", "target", "groups"), [("fsdd", "digit", ["speaker"]), ("esc10", "label", ["fold", "freesound_id"])]
)
def test_recordings_belong_to_speakers_and_folds(tmp_path, name, target, groups):
    table = pyarrow.csv.read_csv(real(name) / "labels.csv")
    files = pc.binary_join_element_wise(str(real(name) / "audio.zip"), table.column("file"), "/")
    table = table.set_column(0, "file", files)
    how = {"kinds": {"file": "audio", "freesound_id": "id"}, "features": ("file",), "modality": "audio"}
    assert concerns(profile_of(table, target, tmp_path / "random", **how), "group") == groups
    profile = profile_of(table, target, tmp_path / "group", roles=Roles(group=groups[0]), **how)
    assert profile.concerns == ()


@pytest.mark.parametrize(
    ("name", "target", "allowed"),
    [
        ("telco_churn", "churn", {"duplicates", "conflict"}),
        ("ames", "Sale_Price", {"leak-name"}),
        ("diamonds", "price", {"duplicates"}),
    ],
)
def test_sets_without_leaks(tmp_path, name, target, allowed):
    profile = profile_of(pq.read_table(real(name) / "data.parquet"), target, tmp_path)
    assert {concern.id for concern in profile.concerns} <= allowed
