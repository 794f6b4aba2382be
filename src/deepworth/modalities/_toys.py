"""Small generated media sources with something to learn, for tests."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from deepworth.types import TaskKind

SIDE = 24  # pixels
RATE = 8000  # samples a second


def toy_images(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """Stripes in a direction that tells the class, or of a brightness that is the target."""
    from PIL import Image

    def draw(path: Path, kind: float, rng: np.random.Generator) -> None:
        across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
        along = across * np.cos(kind) + down * np.sin(kind)
        stripes = np.sin(along * 2 * np.pi / 6 + rng.uniform(0, 2 * np.pi))
        light = 128 + 60 * (kind if task_kind == "regression" else 0.0)
        pixels = light + 25 * stripes[..., None] + rng.normal(0, 8, (SIDE, SIDE, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)

    names = {"horizontal": np.pi / 2, "vertical": 0.0, "slanting": np.pi / 4}
    return _write(folder, rows, seed, task_kind, ".png", draw, names)


def toy_clips(folder: Path, rows: int, seed: int, task_kind: TaskKind) -> Path:
    """Noisy tones of a pitch that tells the class, or whose octave above 600 Hz is the target."""
    import soundfile

    def sing(path: Path, octave: float, rng: np.random.Generator) -> None:
        times = np.arange(int(RATE * rng.uniform(0.2, 0.4))) / RATE
        tone = np.sin(2 * np.pi * 600 * 2.0**octave * times + rng.uniform(0, 2 * np.pi))
        wave = rng.uniform(0.1, 0.5) * (tone + rng.normal(0, 0.1, len(times)))
        soundfile.write(path, wave.clip(-1, 1), RATE)

    return _write(folder, rows, seed, task_kind, ".wav", sing, {"low": -1.0, "middle": 0.0, "high": 1.0})


def _write(
    folder: Path,
    rows: int,
    seed: int,
    task_kind: TaskKind,
    ending: str,
    make: Callable[[Path, float, np.random.Generator], None],
    classes: dict[str, float],
) -> Path:
    rng = np.random.default_rng(seed)
    if task_kind == "regression":
        folder.mkdir(parents=True, exist_ok=True)
        targets = rng.uniform(-1, 1, rows).round(4)
        with (folder / "labels.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["file", "target"])
            for row, target in enumerate(targets):
                make(folder / f"{row:04d}{ending}", float(target), rng)
                table.writerow([f"{row:04d}{ending}", target])
        return folder / "labels.csv"
    names = list(classes)[: 2 if task_kind == "binary" else 3]
    for row in range(rows):
        name = names[row % len(names)]
        (folder / name).mkdir(parents=True, exist_ok=True)
        make(folder / name / f"{row:04d}{ending}", classes[name], rng)
    return folder
