"""Image files of every kind become plain uint8 arrays, and broken ones an error that names them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deepworth.data.examples import Examples
from deepworth.errors import UserError
from deepworth.modalities._image import GREY, decode_image, image_size, load_images, sample_sizes
from deepworth.modalities.image import sniff, toy
from deepworth.types import Column, Dataset, Task

EMPTY = pa.table({})
SMOOTH = np.stack(np.broadcast_arrays(np.arange(48)[:, None] * 5, np.arange(64) * 3, 90), axis=2).astype(np.uint8)


def saved(folder: Path, image: Image.Image, ending: str, **options: object) -> str:
    path = folder / f"picture{ending}"
    image.save(path, **options)
    return str(path)


def examples_of(paths: list[str | None]) -> Examples:
    column = Column(name="file", kind="image")
    dataset = Dataset(
        name="made",
        source="",
        reader="",
        modality="image",
        task=Task(kind="binary", target="y", classes=(0, 1)),
        rows=len(paths),
        columns=(column,),
        features=("file",),
        fingerprint="made",
        table="",
    )
    return Examples(dataset=dataset, table=pa.table({"file": pa.array(paths, pa.string())}), rows=np.arange(len(paths)))


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff", ".webp", ".jpg"])
def test_every_format_keeps_its_pixels(tmp_path: Path, ending: str) -> None:
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 95}}.get(ending, {})
    found = decode_image(saved(tmp_path, Image.fromarray(SMOOTH), ending, **options))
    assert found.dtype == np.uint8 and found.shape == SMOOTH.shape
    assert np.abs(found.astype(int) - SMOOTH).max() <= (12 if ending == ".jpg" else 0)


@given(orientation=st.integers(1, 8), shrunk=st.booleans())
def test_exif_orientation_is_applied_before_the_size(tmp_path_factory, orientation: int, shrunk: bool) -> None:
    upright = Image.fromarray(SMOOTH).resize((640, 480))
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the Image.Transpose that undoes each orientation
    laid = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path_factory.mktemp("exif"), laid, ".jpg", exif=exif, quality=95)
    found = decode_image(path, (48, 64) if shrunk else None)
    wanted = np.asarray(upright.resize((64, 48), Image.Resampling.BILINEAR) if shrunk else upright).astype(int)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).mean() < 4


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert (decode_image(saved(tmp_path, clear, ".png")) == 255).all()
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([200, 0, 0] * 256)
    assert (decode_image(saved(tmp_path, palette, ".png")) == (200, 0, 0)).all()
    assert (decode_image(saved(tmp_path, palette, ".png", transparency=0)) == 255).all()


def test_sixteen_bits_keep_their_high_byte(tmp_path: Path) -> None:
    deep = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    found = decode_image(saved(tmp_path, Image.fromarray(deep), ".png"), mode="L")
    assert np.array_equal(found, np.arange(256).reshape(16, 16))
    floats = Image.fromarray(np.linspace(-3, 7, 16, dtype=np.float32).reshape(4, 4))
    found = decode_image(saved(tmp_path, floats, ".tiff"), mode="L")
    assert found.min() == 0 and found.max() == 255


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    for read in (decode_image, image_size):
        with pytest.raises(UserError, match=r"broken\.png"):
            read(str(path))
    with pytest.raises(UserError, match=r"absent\.png"):
        decode_image(str(tmp_path / "absent.png"))


def test_a_truncated_jpeg_is_an_error(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(UserError, match=r"cut\.jpg"):
        decode_image(str(tmp_path / "cut.jpg"))


@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_cover_every_row_in_order_and_broken_ones_turn_grey(tmp_path: Path, threads: int) -> None:
    paths: list[str | None] = []
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for row in range(11):
            buffer = io.BytesIO()
            Image.new("RGB", (5, 4), (row, 0, 0)).save(buffer, "PNG")
            archive.writestr(f"{row}.png", buffer.getvalue())
            paths.append(str(tmp_path / "all.zip" / f"{row}.png"))
    paths[3], paths[7] = str(tmp_path / "absent.png"), None
    notes: dict[str, int] = {}
    chunks = list(load_images(examples_of(paths), "file", (4, 5), threads=threads, chunk=4, notes=notes))
    assert [len(positions) for positions, _ in chunks] == [4, 4, 3]
    assert np.concatenate([positions for positions, _ in chunks]).tolist() == list(range(11))
    red = np.concatenate([images for _, images in chunks])[:, 0, 0, 0].tolist()
    assert red == [GREY if row in (3, 7) else row for row in range(11)]
    assert notes == {"broken": 2}
    assert (sample_sizes(examples_of(paths), "file") == (4, 5)).all()


def test_sniff_and_toy(tmp_path: Path) -> None:
    assert sniff((Column(name="a", kind="number"), Column(name="b", kind="image")), EMPTY)
    assert not sniff((Column(name="a", kind="number"),), EMPTY)
    folder = toy(tmp_path / "toy", 12, 0, "multiclass")
    assert sorted(path.name for path in folder.iterdir()) == ["horizontal", "slanting", "vertical"]
    assert len(list(folder.rglob("*.png"))) == 12
    assert toy(tmp_path / "numbers", 3, 0, "regression").read_text().startswith("file,target")
