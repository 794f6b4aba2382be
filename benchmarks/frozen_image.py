"""Frozen image features against timm with a DataLoader in fp32, on small photographs.

    python benchmarks/frozen_image.py [images]

The same network and threads; the other side uses timm's own preprocessing at the size the network was trained at, and
worker processes as it recommends. Conversion and probe are printed apart: they are paid once a network and machine.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from _frozen import THREADS, accuracy, alternate, chosen, data_folder, examples, fresh_context, report
from PIL import Image
from torch.utils.data import DataLoader

from deepworth.models.frozen._encode import encode_all
from deepworth.models.frozen._image import ImageEncoder, image_levels, native_side
from deepworth.weights._networks import load_network


def images(count: int) -> tuple[list[str], list[str]]:
    """Paths of photographs and their classes; generated stripes where there are none."""
    folder = data_folder()
    place, rng = Path(tempfile.mkdtemp(prefix="deepworth-benchmark-")), np.random.default_rng(0)
    if folder is not None:
        with zipfile.ZipFile(folder / "trashnet" / "images.zip") as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
            some = [names[i] for i in rng.permutation(len(names))[:count]]
            return [archive.extract(name, place) for name in some], [name.split("/")[-2] for name in some]
    paths, labels = [], []
    for i in range(count):
        stripes = np.sin(np.arange(160) / (4 + 4 * (i % 3)))[None, :, None] * 60 + rng.normal(120, 30, (120, 160, 3))
        Image.fromarray(stripes.clip(0, 255).astype(np.uint8)).save(place / f"{i}.jpg")
        paths.append(str(place / f"{i}.jpg"))
        labels.append(str(i % 3))
    return paths, labels


class Files(torch.utils.data.Dataset):
    """What one would write: open, transform."""

    def __init__(self, paths: list[str], transform) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> torch.Tensor:
        return self.transform(Image.open(self.paths[i]).convert("RGB"))


def main() -> None:
    paths, labels = images(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
    rows, context, network = examples(paths, labels, "image"), fresh_context(), load_network("image")
    side = image_levels(native_side(rows, "value"), network.size)[0]
    encoder = ImageEncoder(network, ("value",), (side,), context)
    choice, seconds = chosen(encoder, network.digest, rows, context)
    print(
        f"{len(paths)} images, {THREADS} threads; chosen: {choice.runtime.name} at {side} px, in {seconds:.1f} s (once)"
    )

    import timm  # after load_network, which makes it importable where torchvision was built for another torch

    torch.set_num_threads(THREADS)
    plain = load_network("image").module
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(plain), is_training=False)
    loader = DataLoader(Files(paths, transform), batch_size=32, num_workers=THREADS)

    @torch.inference_mode()
    def theirs() -> np.ndarray:
        return np.concatenate([plain(batch).numpy() for batch in loader])

    ratios, one, other = alternate(lambda: encode_all(encoder, side, choice.runtime.run, rows), theirs)
    report(ratios, 2.0, accuracy(one, rows), accuracy(other, rows))


if __name__ == "__main__":
    main()
