"""Texts as the words and pairs of words that stand in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHARACTERS = 1_000  # of a text that are read


def words_of(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, int]:
    """A code for each word of each text, in order; (texts,) how many a text has; and how many codes there are.

    Words are letters and digits without case, whatever stands between them.
    """
    plain = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(values, ""), 0, CHARACTERS))
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"[^\pL\pN]+", " "))
    words = pc.utf8_split_whitespace(bare).combine_chunks()
    coded = words.flatten().dictionary_encode()
    lengths = np.asarray(pc.list_value_length(words))
    # an empty text is split into one empty word
    return np.asarray(coded.indices).astype(np.int64), lengths, len(coded.dictionary)


def terms_of(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Each different word and pair of neighbours of each text that stands in two texts or more: its text, its code."""
    codes, lengths, num = words_of(values)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    same = rows[1:] == rows[:-1]
    pairs = np.unique((codes[:-1] * num + codes[1:])[same], return_inverse=True)[1] + num
    codes, rows = np.concatenate([codes, pairs]), np.concatenate([rows, rows[1:][same]])
    width = int(codes.max(initial=0)) + 1
    met = np.unique(rows * width + codes)
    rows, codes = met // width, met % width
    often = np.bincount(codes, minlength=width) >= 2
    kept = often[codes]
    return rows[kept], (np.cumsum(often) - 1)[codes[kept]]
