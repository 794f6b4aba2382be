"""TF-IDF over hashed word and character n-grams, vectorised over code points: no vocabulary, no loop over tokens."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

Unit = Literal["words", "chars"]
BITS = 21  # 2 million buckets: about 1 % of 40,000 n-grams share one
CHUNK = 1_000_000  # characters hashed at a time: about 150 MB of work arrays
BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
INVERSE = np.uint64(pow(int(BASE), -1, 2**64))
SALT = np.uint64(0xC2B2AE3D27D4EB4F)


@functools.cache
def _alphanumeric() -> np.ndarray:
    """(0x110000,) bool: which code points belong to words."""
    return np.fromiter((chr(i).isalnum() for i in range(0x110000)), dtype=bool, count=0x110000)


def _bucket(hashes: np.ndarray, n: int) -> np.ndarray:
    mixed = (hashes ^ (hashes >> np.uint64(29))) * (SALT + np.uint64(2 * n))
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    start = size = 0
    for i, text in enumerate(texts):
        size += len(text)
        if size > CHUNK:
            yield texts[start : i + 1]
            start, size = i + 1, 0
    if start < len(texts):
        yield texts[start:]


def hashed_counts(texts: list[str], unit: Unit) -> sp.csr_matrix:
    """(len(texts), 2**BITS) float32 counts of 1- and 2-grams of words, or of 2- to 5-grams of characters in words.

    A polynomial over the code points is summed once; the hash of any stretch is a difference of two sums times a power
    of the inverse of the base (Karp and Rabin 1987), so n-grams of all lengths cost a few vector operations each.
    """
    joined = "\0".join(" " + " ".join(text.lower().split()) + " " for text in texts)
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
    ends = np.flatnonzero(points == 0)[: len(texts) - 1]
    document = np.zeros(len(points), dtype=np.int64)
    document[ends] = 1
    document = np.cumsum(document)  # the separator itself belongs to no n-gram
    powers = np.full(len(points), BASE)
    powers[:1] = 1
    inverses = np.full(len(points), INVERSE)
    inverses[:1] = 1
    np.cumprod(powers, out=powers)
    np.cumprod(inverses, out=inverses)
    sums = np.zeros(len(points) + 1, dtype=np.uint64)
    np.cumsum((points.astype(np.uint64) + np.uint64(1)) * powers, out=sums[1:])
    make = _word_keys if unit == "words" else _char_keys
    keys = np.concatenate(list(make(points, document, sums, inverses)))
    keys, counts = np.unique(keys, return_counts=True)
    rows, columns = keys >> BITS, keys & ((1 << BITS) - 1)
    pointers = np.searchsorted(rows, np.arange(len(texts) + 1))
    return sp.csr_matrix(
        (counts.astype(np.float32), columns.astype(np.int32), pointers), shape=(len(texts), 1 << BITS), copy=False
    )


def _word_keys(
    points: np.ndarray, document: np.ndarray, sums: np.ndarray, inverses: np.ndarray
) -> Iterator[np.ndarray]:
    word = _alphanumeric()[points]
    edge = np.flatnonzero(np.diff(np.concatenate(([False], word, [False])).astype(np.int8)))
    first, last = edge[::2], edge[1::2]
    hashes = (sums[last] - sums[first]) * inverses[first] if len(first) else np.empty(0, np.uint64)
    of = document[first]
    yield (of << BITS) | _bucket(hashes, 1)
    pair = of[1:] == of[:-1]
    yield (of[1:][pair] << BITS) | _bucket((hashes[:-1] * BASE + hashes[1:])[pair], 2)


def _char_keys(
    points: np.ndarray, document: np.ndarray, sums: np.ndarray, inverses: np.ndarray
) -> Iterator[np.ndarray]:
    blank = np.concatenate(([0], np.cumsum((points == 32) | (points == 0))))
    for n in range(2, 6):
        start = np.arange(max(len(points) - n + 1, 0))
        inside = blank[start + n - 1] == blank[start + 1]  # only the two ends may be blanks
        start = start[inside & (points[start] != 0) & (points[start + n - 1] != 0)]
        yield (document[start] << BITS) | _bucket((sums[start + n] - sums[start]) * inverses[start], n)


class TfIdf:
    """Sublinear term counts times smoothed inverse document frequency, rows of unit length (Salton and Buckley 1988).

    Keeps the `limit` n-grams that stand in most documents, of those in at least two.
    """

    def __init__(self, unit: Unit, limit: int = 300_000) -> None:
        self.unit, self.limit = unit, limit
        self.kept = np.empty(0, np.int32)  # buckets, ascending
        self.idf = np.empty(0, np.float32)

    def fit(self, texts: list[str]) -> TfIdf:
        """Learn the kept n-grams and their weights."""
        frequency = np.zeros(1 << BITS, dtype=np.int64)
        for chunk in _chunks(texts):
            frequency += np.bincount(hashed_counts(chunk, self.unit).indices, minlength=1 << BITS)
        kept = np.flatnonzero(frequency >= min(2, max(len(texts) // 10, 1)))
        if len(kept) > self.limit:
            kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[: self.limit]])
        self.kept = kept.astype(np.int32)
        self.idf = (np.log((1 + len(texts)) / (1 + frequency[kept])) + 1).astype(np.float32)
        return self

    def transform(self, texts: list[str]) -> sp.csr_matrix:
        """(len(texts), len(kept)) float32; a text without a known n-gram is a row of zeros."""
        place = np.full(1 << BITS, -1, dtype=np.int32)
        place[self.kept] = np.arange(len(self.kept), dtype=np.int32)
        blocks = [self._weighted(hashed_counts(chunk, self.unit), place) for chunk in _chunks(texts)]
        return sp.vstack(blocks, format="csr") if blocks else sp.csr_matrix((0, len(self.kept)), dtype=np.float32)

    def _weighted(self, counts: sp.csr_matrix, place: np.ndarray) -> sp.csr_matrix:
        columns = place[counts.indices]
        known = columns >= 0
        pointers = np.concatenate(([0], np.cumsum(known)))[counts.indptr]
        columns, values = columns[known], 1 + np.log(counts.data[known])
        values *= self.idf[columns]
        squares = np.concatenate(([0.0], np.cumsum(values.astype(np.float64) ** 2)))[pointers]
        norms = np.sqrt(np.maximum(np.diff(squares), 1e-12))
        values /= np.repeat(norms, np.diff(pointers)).astype(np.float32)
        return sp.csr_matrix((values, columns, pointers), shape=(counts.shape[0], len(self.kept)), copy=False)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What `from_state` needs: JSON values and arrays."""
        return {"unit": self.unit, "limit": self.limit}, {"kept": self.kept, "idf": self.idf}

    @classmethod
    def from_state(cls, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> TfIdf:
        self = cls(**values)
        self.kept, self.idf = arrays["kept"], arrays["idf"]
        return self
