"""What a model says of rows it cannot see."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepworth.climb.model import Manifest, Model
from deepworth.climb.trial import checksums
from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.store import write
from deepworth.types import Column, Dataset, Task, dump, load


class Brightness:
    """A learner of one feature."""

    def predict(self, examples: Examples) -> np.ndarray:
        from deepworth.modalities._image import load_images

        blocks = [
            pixels.mean((1, 2, 3)) / 255 for _, pixels in load_images(examples, "photo", (8, 8), threads=2, chunk=2)
        ]
        bright = np.concatenate(blocks)
        return bright if examples.dataset.task.kind == "regression" else np.stack([1 - bright, bright], axis=1)


def model_of(task: Task, folder: Path) -> Model:
    dataset = Dataset(
        name="x", source="x", reader="folder", modality="image", task=task, rows=9, fingerprint="x",
        table="table.arrow", columns=(Column(name="photo", kind="image"),), features=("photo",),
    )  # fmt: skip
    write(folder / "model.json", dump(Manifest(model="brightness", dataset=dataset, licence="", versions={})))
    model = Model(folder)
    model._learner = Brightness()
    return model


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    from PIL import Image

    root = tmp_path / "photos"
    root.mkdir()
    for i, shade in enumerate((0, 255, 0, 255)):
        out = io.BytesIO()
        Image.new("RGB", (8, 8), (shade,) * 3).save(out, "PNG")
        (root / f"{i}.png").write_bytes(out.getvalue()[: 40 if i == 2 else None])
    (root / "photos.csv").write_text("photo\n" + "".join(f"{i}.png\n" for i in range(5)))  # the last is not there
    return root


def test_rows_without_a_readable_picture_have_no_prediction(photos: Path, tmp_path: Path) -> None:
    model = model_of(Task(kind="binary", target="y", classes=("dark", "light")), tmp_path / "model")
    said = "2 of 5 rows have no image .*the first is row 3"
    with pytest.warns(UserWarning, match=said):
        table = model.table(str(photos / "photos.csv"))
    assert table["prediction"].to_pylist() == ["dark", "light", None, "light", None]
    assert table["p_light"].to_pylist() == [0, 1, None, 1, None]
    why = table["refused"].to_pylist()
    assert [reason is None for reason in why] == [True, True, False, True, False]
    assert "cannot read the image" in why[2] and "2.png" in why[2]
    assert why[4] == "the image that 'photo' names is not there, is empty, or is no file"
    with pytest.warns(UserWarning, match=said):
        assert model.predict(str(photos / "photos.csv")).tolist()[:2] == ["dark", "light"]
    with pytest.warns(UserWarning, match=said):
        assert model.predict_proba(str(photos / "photos.csv")).shape == (5, 2)
    with pytest.warns(UserWarning, match=said):
        value = model_of(Task(kind="regression", target="y"), tmp_path / "value").table(str(photos / "photos.csv"))
    assert value["prediction"].null_count == 2


def test_files_of_a_folder_are_named(photos: Path, tmp_path: Path) -> None:
    (photos / "photos.csv").unlink()
    (photos / "deep").mkdir()
    (photos / "3.png").rename(photos / "deep" / "0.png")
    model = model_of(Task(kind="binary", target="y", classes=("dark", "light")), tmp_path / "model")
    with pytest.warns(UserWarning, match="1 of 4 rows have no image"):
        table = model.table(str(photos))
    assert table.column_names == ["file", "prediction", "p_dark", "p_light", "refused"]
    assert table["file"].to_pylist() == ["0.png", "1.png", "2.png", "deep/0.png"]
    assert table["prediction"].to_pylist() == ["dark", "light", None, "light"]


@pytest.mark.filterwarnings("error")
def test_whole_pictures_are_worth_no_word(photos: Path, tmp_path: Path) -> None:
    model = model_of(Task(kind="binary", target="y", classes=("dark", "light")), tmp_path / "model")
    (photos / "2.png").unlink()
    (photos / "photos.csv").write_text("photo\n0.png\n1.png\n")
    assert model.table(str(photos / "photos.csv"))["prediction"].to_pylist() == ["dark", "light"]
    (photos / "photos.csv").write_text("photo,n\n,1\n,2\n")
    with pytest.raises(UserError, match="names no file in any row"):
        model.predict(str(photos / "photos.csv"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"task": 1}', "\x00"])
def test_a_signed_file_with_other_content_is_refused_with_its_folder(content: str, tmp_path: Path) -> None:
    task = Task(kind="regression", target="y", metric="rmse")
    folder = model_of(task, tmp_path / "model").folder
    manifest = load(Manifest, folder / "model.json")
    (folder / "prior.json").write_text(content)
    write(folder / "model.json", dump(replace(manifest, model="prior", files=checksums(folder))))
    with pytest.raises(UserError, match=r"model does not hold what a prior model does .*copy the folder again"):
        _ = Model(folder).learner
