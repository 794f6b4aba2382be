"""Frozen image features against timm with a DataLoader in fp32, on small photographs.

    python benchmarks/frozen_image.py [images]

The same images, network, side in pixels and threads; the other side uses timm's own preprocessing and worker processes
as it recommends. A fit reads smaller images at a smaller side; that is printed as an extra. Quality is the accuracy of
a linear head on the same rows: of the network's last features, which both sides give, and of all that ours gives in
that time (every stage). Conversion and probe are printed apart: they are paid once a network and machine.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _frozen import THREADS, alternate, chosen, compare, data_folder, examples, fresh_context, headline, likeness
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

    import timm  # after load_network, which makes it importable where torchvision was built for another torch

    torch.set_num_threads(THREADS)
    plain = load_network("image").module
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(plain), is_training=False)
    loader = DataLoader(Files(paths, transform), batch_size=32, num_workers=THREADS)

    @torch.inference_mode()
    def theirs() -> np.ndarray:
        return np.concatenate([plain(batch).numpy() for batch in loader])

    print(f"{len(paths)} images, {THREADS} threads")
    own_side = image_levels(native_side(rows, "value"), network.size)[0]
    for side in dict.fromkeys((network.size, own_side)):
        encoder = ImageEncoder(network, ("value",), (side,), context)
        choice, seconds = chosen(encoder, network.digest, rows, context)
        what = "the same side" if side == network.size else "the side a fit would take"
        print(f"\n{what}, {side} px; chosen: {choice.runtime.name}, in {seconds:.1f} s (once)")
        ratios, one, other = alternate(partial(encode_all, encoder, side, choice.runtime.run, rows), theirs)
        headline(ratios, 2.0)
        last = one[:, -network.width :]
        print(f"mean cosine of the last features: {likeness(last, other):.4f}")
        compare("linear head, last features:", last, other, rows)
        compare("linear head, all we give:", one, other, rows)


if __name__ == "__main__":
    main()
