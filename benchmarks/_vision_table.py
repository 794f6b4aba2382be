"""Makes cost/tables/vision_models.csv: what one image costs in the networks of timm, traced on the meta device.

    python benchmarks/_vision_table.py [--names FILE] --cache FILE [--write]

Nothing is measured and no weights are read: every network of the installed timm is built without values and one
forward and one training step are counted, operator by operator, as CUDA's autocast would run them. FILE keeps what was
traced (one JSON a line), so that a run that was stopped goes on; --names gives lines "name img" to trace besides.
Attention is counted as one kernel for inference and as separate products for training, as the measurements had it.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from deepworth.cost._trace import Work, moved_mb, step
from deepworth.weights._torchvision import ensure_torchvision

BATCH = 64
TABLE = Path(__file__).resolve().parents[1] / "src" / "deepworth" / "cost" / "tables" / "vision_models.csv"
COLUMNS = (
    "name", "img", "params_m", "gmacs", "macts", "group_gmacs", "depth_gmacs",
    "kernels", "conv_mb", "mm_mb", "depth_mb", "group_mb", "rest_mb", "peak_mb",
    "train_kernels", "train_conv_mb", "train_mm_mb", "train_depth_mb", "train_group_mb", "train_rest_mb",
    "train_saved_mb", "train_peak_mb",
)  # fmt: skip
SIZES = {"params_m": 7, "gmacs": 5, "macts": 5}  # digits of what a network is recognised by
TOO_LARGE = 2.5e9  # parameters: no single card trains them


def network(name: str, img: int) -> nn.Module:
    """The network without values, for images of `img` pixels a side."""
    import timm

    with torch.device("meta"):
        try:
            return timm.create_model(name, img_size=img)
        except TypeError:  # a convolutional network takes images of any size and has no such option
            return timm.create_model(name)


def trace(name: str, img: int) -> dict[str, float | str]:
    """One row of the table: MB (1e6 bytes) and kernels for one image, in mixed precision."""
    from timm.layers import set_fused_attn

    row: dict[str, float | str] = {"name": name, "img": img}
    for train in (False, True):
        set_fused_attn(not train)
        module = network(name, img)
        size = sum(p.numel() for p in module.parameters())
        if size > TOO_LARGE:
            raise ValueError(f"{size / 1e6:.0f} million parameters")
        with torch.device("meta"):
            images, labels = torch.empty(BATCH, 3, img, img), torch.zeros(BATCH, dtype=torch.long)
        loss = partial(_loss, labels)
        forward, backward = step(module, (images,), train=train, amp=torch.float16, loss=loss)
        row["params_m"] = size / 1e6
        row |= _training(forward, backward) if train else _inference(forward)
    return row


def _loss(labels: torch.Tensor, out: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return F.cross_entropy(out if isinstance(out, torch.Tensor) else out[0], labels)


def _inference(work: Work) -> dict[str, float]:
    flops = {kind: count / 2e9 / BATCH for kind, count in work.flops.items()}
    found = {"gmacs": sum(flops.values()), "group_gmacs": flops.get("group", 0), "depth_gmacs": flops.get("depth", 0)}
    found |= {"kernels": work.kernels, "peak_mb": (work.peak - work.cast) / 1e6 / BATCH}
    return found | moved_mb(work, Work(), BATCH)


def _training(forward: Work, backward: Work) -> dict[str, float]:
    return {
        "macts": forward.outputs / 1e6 / BATCH,
        "train_kernels": forward.kernels + backward.kernels,
        **{f"train_{column}": size for column, size in moved_mb(forward, backward, BATCH).items()},
        "train_saved_mb": (forward.saved - forward.cast) / 1e6 / BATCH,
        "train_peak_mb": (backward.peak - forward.cast) / 1e6 / BATCH,
    }


def write(rows: list[dict], path: Path) -> None:
    """The table sorted by name, and one row where several names are one network."""
    seen, kept = set(), []
    for row in sorted(rows, key=lambda r: (len(r["name"]), r["name"])):
        values = tuple(_digits(row[c], SIZES.get(c, 4)) for c in COLUMNS[1:])
        if values not in seen:
            seen.add(values)
            kept.append((row["name"], *values))
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows(sorted(kept))


def _digits(value: float, digits: int) -> str:
    return f"{value:.{digits}g}" if value < 10**digits else f"{value:.0f}"


def main() -> None:
    """Trace what is not in the cache yet, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--names", type=Path, help="lines of a name and an image size, instead of timm's own list")
    parser.add_argument("--write", action="store_true", help="write the table from the cache")
    options = parser.parse_args()
    ensure_torchvision()
    import timm

    warnings.filterwarnings("ignore")
    rows = [json.loads(line) for line in options.cache.read_text().splitlines()] if options.cache.exists() else []
    if options.names:
        wanted = [(n, int(img)) for n, img in (line.split() for line in options.names.read_text().splitlines())]
    else:
        configs = ((n, timm.get_pretrained_cfg(n)) for n in timm.list_models())
        sizes = ((n, (c.input_size, c.test_input_size or c.input_size) if c else ((3, 224, 224),)) for n, c in configs)
        wanted = list(dict.fromkeys((n, shape[-1]) for n, shapes in sizes for shape in shapes))
    done = {(row["name"], row["img"]) for row in rows}
    with options.cache.open("a") as cache:
        for name, img in wanted:
            if (name, img) in done:
                continue
            try:
                row = trace(name, img)
            except (RuntimeError, ValueError, TypeError, AssertionError, NotImplementedError, AttributeError) as why:
                print(f"left out: {name} at {img}: {type(why).__name__}: {str(why)[:100]!r}", flush=True)
                continue
            cache.write(json.dumps(row) + "\n")
            cache.flush()
            rows.append(row)
            done.add((name, img))
    if options.write:
        write(rows, TABLE)
        print(f"{len(rows)} networks traced, table in {TABLE}")


if __name__ == "__main__":
    main()
