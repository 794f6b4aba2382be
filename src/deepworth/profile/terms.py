"""Texts as the words and pairs of words that stand in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHARACTERS = 1_000  # of a text that are read
# What becomes of each byte: those of other scripts stay as they are, for a text to remain one.
WORDS = np.array([b if b > 127 else ord(chr(b).lower() if chr(b).isalnum() else " ") for b in range(256)], np.uint8)


def words_of(values: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, int]:
    """A code for each word of each text, in order; (texts,) how many a text has; and how many codes there are.

    Words are letters and digits without case, whatever stands between them.
    """
    texts = pc.utf8_slice_codeunits(pc.fill_null(values, ""), 0, CHARACTERS)
    words = pc.utf8_split_whitespace(pa.chunked_array([_bare(chunk) for chunk in texts.chunks], pa.string()))
    words = words.combine_chunks()
    coded = words.flatten().dictionary_encode()
    lengths = np.asarray(pc.list_value_length(words))
    # an empty text is split into one empty word
    return np.asarray(coded.indices).astype(np.int64), lengths, len(coded.dictionary)


def _bare(texts: pa.Array) -> pa.Array:
    """The texts in lower case, with spaces for all but letters and digits; ASCII in a fifth of the time of Arrow."""
    _, ends, letters = texts.buffers()
    bare = pa.Array.from_buffers(
        pa.string(), len(texts), [None, ends, pa.py_buffer(WORDS[np.frombuffer(letters, np.uint8)])], 0, texts.offset
    )
    foreign = pc.invert(pc.string_is_ascii(texts))
    if pc.any(foreign).as_py():
        others = pc.replace_substring_regex(pc.utf8_lower(texts.filter(foreign)), r"[^\pL\pN]+", " ")
        bare = pc.replace_with_mask(bare, foreign, others)
    return pc.utf8_trim_whitespace(bare)


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
