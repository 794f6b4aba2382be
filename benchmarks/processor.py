"""Image networks and transformers timed on this processor, against what `deepworth estimate --hardware auto` says.

    python benchmarks/processor.py measure rows.csv [--threads 2] [--repeats 3]
    python benchmarks/processor.py compare rows.csv

`measure` times steps of networks with random weights (fp32, eager PyTorch, training by AdamW), the best of the repeats,
in seconds of the processor a thread; before and after each network it takes the fp32 rate of matrix products and the
copy bandwidth in the same process, so that a machine which slows down in between is seen. `compare` prints estimated
over measured time, the efficiencies that fit best, and how a network left out of the fit is met.
"""

from __future__ import annotations

import argparse
import csv
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from deepworth.cost import language_setup, language_time, place, vision_networks, vision_time
from deepworth.cost.catalogue import Accelerator
from deepworth.weights._quiet import quiet_imports

IMAGES = (
    "resnet18", "resnet50", "mobilenetv3_large_100", "mobilenetv2_100", "efficientnet_b0", "efficientnet_lite0",
    "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224", "convnext_tiny", "densenet121",
    "regnety_008", "resnext50_32x4d", "swin_tiny_patch4_window7_224", "mixer_s16_224", "convnext_nano", "resnet34",
    "tf_efficientnetv2_b0",
)  # fmt: skip
TEXTS = {  # layers, hidden, heads, ffn, vocab
    "minilm-l6": (6, 384, 12, 1536, 30522), "distilbert": (6, 768, 12, 3072, 30522),
    "bert-base": (12, 768, 12, 3072, 30522), "gpt2": (12, 768, 12, 3072, 50257),
}  # fmt: skip
START = np.log(np.array([1.2, 2.0, 15.0, 4.7, 2.6, 1.2, 2.8, 0.5, 15.0]))  # near the published processors
DRAWN = 0.7  # spread of the prices that is believed before looking, as logarithms
FIELDS = ("kind", "model", "mode", "batch", "seq_len", "threads", "seconds", "gflops", "copy_gbs", "gflops_after")


def measure(path: Path, threads: int, repeats: int, only: str) -> None:
    """Append a row for each network, mode and batch."""
    import torch

    torch.set_num_threads(threads)
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        rows = csv.DictWriter(file, FIELDS)
        if fresh:
            rows.writeheader()
        for kind, name, mode, batch, length, make in _cases():
            if only and only not in name:
                continue
            rate, copied = _gflops(), _copy_gbs()
            seconds = _best(make(), repeats)
            row: dict[str, Any] = {"kind": kind, "model": name, "mode": mode, "batch": batch, "seq_len": length}
            row |= {"threads": threads, "seconds": round(seconds, 6), "gflops": round(rate, 1)}
            row |= {"copy_gbs": round(copied, 2), "gflops_after": round(_gflops(), 1)}
            rows.writerow(row)
            file.flush()
            print(*row.values(), flush=True)


def _cases() -> Iterator[tuple[str, str, str, int, int, Callable[[], Callable[[], object]]]]:
    for name in IMAGES:
        for mode, batch in (("infer", 1), ("infer", 8), ("train", 8)):
            yield "vision", name, mode, batch, 0, functools.partial(_image, name, mode, batch)
    for name in TEXTS:
        for mode, batch in (("infer", 8), ("train", 8)):
            yield "llm", name, mode, batch, 128, functools.partial(_text, name, mode, batch, 128)


def _image(name: str, mode: str, batch: int) -> Callable[[], object]:
    import torch

    quiet_imports()
    import timm

    network = timm.create_model(name, pretrained=False)
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(1000, (batch,))
    return _stepping(network, mode, lambda: torch.nn.functional.cross_entropy(network(images), labels), images)


def _text(name: str, mode: str, batch: int, length: int) -> Callable[[], object]:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

    layers, hidden, heads, ffn, vocab = TEXTS[name]
    words = torch.randint(vocab, (batch, length))
    if name == "gpt2":
        network: Any = GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=hidden, n_head=heads, vocab_size=vocab))
        return _stepping(network, mode, lambda: network(words, labels=words).loss, words)
    config = BertConfig(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads, intermediate_size=ffn, vocab_size=vocab
    )
    network, labels = BertForSequenceClassification(config), torch.randint(2, (batch,))
    return _stepping(network, mode, lambda: network(words, labels=labels).loss, words)


def _stepping(network: Any, mode: str, loss: Callable[[], Any], batch: Any) -> Callable[[], object]:
    import torch

    if mode == "infer":
        network.eval()

        def run() -> None:
            with torch.inference_mode():
                network(batch)

        return run
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def _best(run: Callable[[], object], repeats: int) -> float:
    """Seconds of the processor, a thread, of the best repeat after one to warm up: others hardly lengthen them."""
    import torch

    run()
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        run()
        best = min(best, (time.process_time() - start) / torch.get_num_threads())
    return best


def _gflops() -> float:
    """fp32 GFLOP/s of a product of 1,024 x 1,024 matrices."""
    import torch

    a = torch.randn(1024, 1024)
    return 2 * 1024**3 / _best(lambda: a @ a, 8) / 1e9


def _copy_gbs() -> float:
    """GB/s of a copy of 128 MB, read and written."""
    import torch

    a = torch.ones(32 * 2**20)
    b = torch.empty_like(a)
    return 2 * 4 * a.numel() / _best(lambda: b.copy_(a), 4) / 1e9


def compare(path: Path) -> None:
    """Estimated over measured, and the efficiencies for `vision_time.PRICES`."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    groups: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["kind"] == "llm" and row["mode"] == "infer":
            continue  # `deepworth estimate` knows training and generation
        ratio = _estimated(row) / float(row["seconds"])
        groups.setdefault((row["kind"], row["mode"]), []).append(ratio)
        print(f"{row['model']:30s} {row['mode']:6s} {row['batch']:>3s} x {row['threads']} threads {ratio:6.2f}")
    for (kind, mode), ratios in groups.items():
        off = np.abs(np.array(ratios) - 1)
        print(
            f"{kind} {mode}: n={len(ratios)}, median error {np.median(off):.1%}, 90 % below {np.quantile(off, 0.9):.1%}"
        )
    for mode in ("infer", "train"):
        _learn([row for row in rows if row["kind"] == "vision" and row["mode"] == mode])


def _device(row: dict[str, str]) -> Accelerator:
    """The processor as `deepworth estimate --hardware auto` sees it once it was measured."""
    return Accelerator(
        name="processor", vendor="", kind="cpu", arch=vision_time.PROBED, form="", year=0, mem_gb=20, confidence="B",
        fp32_tflops=float(row["gflops"]) / place.PRODUCTS / 1000, bw_gbs=float(row["copy_gbs"]) / place.COPIES,
        as_of="", source="",
    )  # fmt: skip


def _estimated(row: dict[str, str]) -> float:
    train, batch = row["mode"] == "train", int(row["batch"])
    if row["kind"] == "vision":
        network = vision_networks.named({"model": row["model"], "img": 224})
        return vision_time.seconds(network, _device(row), train=train, kind="fp32", batch=batch)
    name = {"distilbert": "distilbert-base-uncased"}.get(row["model"], row["model"])
    asked = {"model": name, "task": "train", "precision": "fp32", "micro_batch": batch, "seq_len": row["seq_len"]}
    return sum(language_time.step(language_setup.read(asked), _device(row)).values())


def _learn(rows: list[dict[str, str]]) -> None:
    """Prices of the terms in logarithms, drawn towards those of the published processors; and left-one-out errors."""
    train = rows[0]["mode"] == "train"
    networks = [vision_networks.named({"model": row["model"], "img": 224}) for row in rows]
    terms = np.array([
        vision_time.terms(network, _device(row), train=train, kind="fp32", batch=int(row["batch"]))
        for network, row in zip(networks, rows, strict=True)
    ])  # fmt: skip
    truth, names = np.log([float(row["seconds"]) for row in rows]), np.array([row["model"] for row in rows])

    def fit(keep: np.ndarray) -> np.ndarray:
        def misses(p: np.ndarray) -> np.ndarray:
            return np.concatenate([(np.log(terms[keep] @ np.exp(p)) - truth[keep]) / 0.1, (p - START) / DRAWN])

        return np.exp(least_squares(misses, START, loss="soft_l1").x)

    print("train" if train else "infer", tuple(round(float(price), 3) for price in fit(np.ones(len(rows), bool))))
    off = [
        np.abs(np.expm1(np.log(terms[names == one] @ fit(names != one)) - truth[names == one])) for one in set(names)
    ]
    print(f"  network left out: median error {np.median(np.concatenate(off)):.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "compare"))
    parser.add_argument("rows", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="networks whose name holds this")
    given = parser.parse_args()
    if given.what == "measure":
        measure(given.rows, given.threads, given.repeats, given.only)
    else:
        compare(given.rows)


if __name__ == "__main__":
    main()
