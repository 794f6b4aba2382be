"""Concerns about rows that are nearly the same: texts of the same words, pictures that look alike, in two parts."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa

from deepworth.data.examples import take_rows
from deepworth.data.media import read_bytes
from deepworth.errors import UserError
from deepworth.profile.terms import words_of
from deepworth.profile.view import View
from deepworth.types import Column, Concern
from deepworth.words import count, have

TEXTS = 20_000  # texts compared: of the test rows first, of the others what is left
PICTURES = 2_000
BANDS, PER_BAND = 4, 4  # a pair with 0.85 of its words in common shares a band with probability 0.95
ALIKE = 0.8  # share of the hashes two texts must share: an estimate of the share of words they share
LEAST_WORDS = 6  # shorter texts are alike by chance
SIDE = 16  # of the picture whose gradients are compared
APART = 6  # of its 240 bits that may differ
LEAST_BITS = 24  # that must be set, and unset: a plain picture is like any other
WHAT = {"text": "a text", "image": "a picture"}
SHOWN = 3


def near_duplicates(view: View) -> list[Concern]:
    """Test rows with a text or a picture that is nearly that of a training or validation row, and not the same."""
    found = []
    columns = view.dataset.feature_columns
    if texts := [column for column in columns if column.kind == "text"]:
        longest = max(texts, key=view.mean_length)  # the others are names and lists
        if view.has_words(longest):
            found += _told(view, longest, *_alike_texts(view, longest), "shares nearly all its words with")
    for column in columns:
        if column.kind == "image":
            found += _told(view, column, *_alike_pictures(view, column), "looks nearly like")
    return found


def _told(view: View, column: Column, test: np.ndarray, others: np.ndarray, looked_at: int, how: str) -> list[Concern]:
    """The pairs that are not exact copies, which have a concern of their own."""
    new = view.hashes[test] != view.hashes[others]
    test, others = test[new], others[new]
    if not len(test):
        return []
    return [
        Concern(
            id="near-duplicates",
            message=f"{len(test):,} of {count(looked_at, 'test row')} {have(len(test))} {WHAT[column.kind]} in "
            f"{column.name} that {how} that of a training or validation row: the split may tear apart what belongs "
            "together",
            columns=(column.name,),
            rows=len(test),
            examples=tuple(f"row {a} and row {b}" for a, b in zip(test[:SHOWN], others[:SHOWN], strict=True)),
        )
    ]


def _compared(view: View, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Test rows and other rows, `most` of both together, evenly taken."""
    test, others = view.rows["test"], np.sort(np.concatenate([view.rows["train"], view.rows["valid"]]))
    few = min(len(test), max(most - len(others), most // 4))
    return _evenly(test, few), _evenly(others, most - few)


def _evenly(rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _alike_texts(view: View, column: Column) -> tuple[np.ndarray, np.ndarray, int]:
    test, others = _compared(view, TEXTS)
    values = view.table.column(column.name)
    values = pa.chunked_array([c for part in (test, others) for c in take_rows(values, part).chunks], values.type)
    prints, usable = _min_hashes(values)
    pairs = _pairs(prints.reshape(len(prints), BANDS, PER_BAND), len(test), usable)
    alike = (prints[pairs[:, 0]] == prints[pairs[:, 1]]).mean(1) >= ALIKE
    return *_rows_of(pairs[alike], test, others), len(test)


def _min_hashes(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """(texts, BANDS * PER_BAND) uint32, the least hash of each text's words, and which texts are long enough.

    Two texts agree in each place with the probability of the share of words they have in common (Broder 1997).
    """
    codes, lengths, num = words_of(values)
    usable = lengths >= LEAST_WORDS
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    table = np.random.default_rng(0).integers(0, 2**32, (num, BANDS * PER_BAND), dtype=np.uint32).T.copy()
    prints = np.zeros((len(lengths), BANDS * PER_BAND), np.uint32)
    for place in range(prints.shape[1]):
        if usable.any():
            prints[usable, place] = np.minimum.reduceat(table[place][codes], starts[lengths > 0])[usable[lengths > 0]]
    return prints, usable


def _alike_pictures(view: View, column: Column) -> tuple[np.ndarray, np.ndarray, int]:
    test, others = _compared(view, PICTURES)
    paths = view.table.column(column.name).take(pa.array(np.concatenate([test, others]))).to_pylist()
    bits = np.stack([_gradients(path) for path in paths]) if paths else np.zeros((0, SIDE * (SIDE - 1)), bool)
    plain = np.minimum(bits.sum(1), (~bits).sum(1)) < LEAST_BITS
    bands = np.packbits(bits, axis=1).reshape(len(bits), 10, 3)  # 10 bands, 6 bits apart: 4 of them are equal
    pairs = _pairs(bands, len(test), ~plain)
    alike = (bits[pairs[:, 0]] != bits[pairs[:, 1]]).sum(1) <= APART
    return *_rows_of(pairs[alike], test, others), len(test)


def _gradients(path: str | None) -> np.ndarray:
    """(SIDE * (SIDE - 1),) bool: where a small grey copy grows brighter from left to right; all unset if unreadable."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(read_bytes(path or ""))) as image:
            image.draft("L", (4 * SIDE, 4 * SIDE))
            small = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), np.int16)
    except (UserError, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return np.zeros(SIDE * (SIDE - 1), bool)
    return (np.diff(small, axis=1) > 0).ravel()


def _pairs(bands: np.ndarray, num_test: int, usable: np.ndarray) -> np.ndarray:
    """(pairs, 2) positions: each usable test row with one other row that is the same in a band.

    `bands` is (rows, bands, values), the test rows first.
    """
    found = []
    positions = np.arange(len(bands))
    odd = np.random.default_rng(0).integers(0, 2**63, bands.shape[2], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    for band in range(bands.shape[1]):
        mixed = (bands[:, band].astype(np.uint64) * odd).sum(axis=1)  # as one number, which sorts 20 times as fast
        _, key = np.unique(mixed, return_inverse=True)
        other = np.full(key.max(initial=-1) + 1, -1)
        there = usable & (positions >= num_test)
        other[key[there]] = positions[there]
        mine = np.flatnonzero(usable[:num_test])
        match = other[key[mine]]
        found.append(np.stack([mine, match], axis=1)[match >= 0])
    return np.unique(np.concatenate(found), axis=0)


def _rows_of(pairs: np.ndarray, test: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the table, one pair a test row."""
    first = np.unique(pairs[:, 0], return_index=True)[1]
    pairs = pairs[first]
    return test[pairs[:, 0]], others[pairs[:, 1] - len(test)]
