"""Real data sets open as what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deepworth.data.media import read_bytes
from deepworth.data.open import open_source
from deepworth.types import SourceOptions

DATA = Path(os.environ.get("DEEPWORTH_DATA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not on this machine (DEEPWORTH_DATA)")


@pytest.mark.parametrize(
    ("source", "options", "modality", "rows", "features", "split"),
    [
        ("ames/data.parquet", {"target": "Sale_Price"}, "tabular", 2930, 73, None),
        ("telco_churn/data.parquet", {"target": "churn"}, "tabular", 7043, 19, None),
        ("adult/data.parquet", {"target": "income"}, "tabular", 48842, 14, "split"),
        ("adult", {"target": "income"}, "tabular", 48842, 14, "split"),
        ("diamonds/data.parquet", {"target": "price"}, "tabular", 53940, 9, None),
        ("nycflights13/data.parquet", {"target": "arr_delay"}, "tabular", 336776, 17, None),
        ("covtype/data.parquet", {"target": "Cover_Type"}, "tabular", 581012, 54, None),
        ("sst2/data.parquet", {"target": "label"}, "text", 9613, 1, "split"),
        ("imdb20k/data.parquet", {"target": "label"}, "text", 20000, 1, "split"),
        ("banking77/data.parquet", {"target": "label"}, "text", 13083, 1, "split"),
        ("cifar10_jpg/images.zip", {}, "image", 6000, 1, "split"),
        ("cifar10_jpg", {}, "image", 6000, 1, "split"),
        ("trashnet/images.zip", {}, "image", 2527, 1, None),
        ("fashion_mnist/images.zip", {}, "image", 6000, 1, "split"),
        ("fsdd/labels.csv", {"target": "digit", "group": "speaker"}, "audio", 3000, 1, None),
        ("esc10/labels.csv", {"target": "label", "group": "fold"}, "audio", 400, 1, None),
        ("esc10/audio.zip", {}, "audio", 400, 1, None),
        ("houses/houses.csv", {"target": "price"}, "image", 535, 1, None),
        ("houses/houses.csv", {"target": "price", "modality": "tabular"}, "tabular", 535, 4, None),
        ("openmoji/labels.csv", {"target": "group"}, "image", 2456, 1, None),
        ("airbnb_dublin/data.parquet", {"target": "price", "group": "host_group"}, "tabular", 7256, 34, None),
        ("bbbp/data.parquet", {"target": "p_np"}, "text", 2050, 1, None),
        ("beijing_pm25/data.parquet", {"target": "pm2.5", "time": "timestamp"}, "tabular", 43824, 7, None),
    ],
)
def test_set(
    source: str, options: dict, modality: str, rows: int, features: int, split: str | None, tmp_path: Path
) -> None:
    path = DATA / source
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    opened = open_source(str(path), SourceOptions(**options), tmp_path)
    assert (opened.modality, len(opened.table), len(opened.features)) == (modality, rows, features)
    assert opened.roles.split == split
    assert opened.target == options.get("target", "label")
    if modality in ("image", "audio"):
        assert read_bytes(opened.table[opened.features[0]][-1].as_py())
