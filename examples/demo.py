"""The main job on data that scikit-learn carries: a table (breast cancer) and a folder of images (digits)."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits

import deepworth as dw
from deepworth.progress import Progress
from deepworth.views.console import stdout
from deepworth.views.verdict import verdict_view

FOLDER = Path("runs/demo")


def main() -> None:
    start = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    reports = [
        fit(write_table(FOLDER / "breast_cancer.parquet"), "breast_cancer", target="diagnosis", time="50s"),
        fit(write_images(FOLDER / "digits"), "digits", time="110s"),
    ]
    print(f"\nTwo runs in {time.monotonic() - start:.0f} s. Open the reports:")
    for report in reports:
        print(f"  {report.resolve()}")


def fit(source: Path, name: str, **options: str) -> Path:
    """One run, shown as the command line shows it; the path of its report."""
    print(f"\n== {name}: is deep learning worth it here?", flush=True)
    with Progress() as watch:
        run = dw.fit(source, out=FOLDER / f"{name}-run", watch=watch, **options)
    stdout().print(verdict_view(run.verdict, run.folder))
    return run.report


def write_table(path: Path) -> Path:
    """569 tumours, 30 measured numbers each."""
    data = load_breast_cancer()
    columns = {str(name): data.data[:, i] for i, name in enumerate(data.feature_names)}
    columns["diagnosis"] = [str(data.target_names[code]) for code in data.target]
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def write_images(folder: Path) -> Path:
    """1,797 digits of 8 x 8 pixels as PNG files, a folder for each class."""
    data = load_digits()
    for number, (pixels, label) in enumerate(zip(data.images, data.target, strict=True)):
        path = folder / str(label) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * (255 / 16)).astype("uint8")).save(path)
    return folder


if __name__ == "__main__":
    main()
